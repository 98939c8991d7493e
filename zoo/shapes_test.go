package zoo

import (
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// TestStoredShapes: what a run writes has the names and shapes of the reference, which are those of its checkpoints.
func TestStoredShapes(t *testing.T) {
	for _, name := range []string{
		"llava15", "llava_next", "llava_onevision", "qwen_vl", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3", "clip", "clip_vision", "siglip", "siglip_vision", "dinov2", "convnext",
		"blip2_opt", "blip2_t5", "blip_caption", "blip_vqa", "instructblip", "llava_next_mistral", "llava_next_llama3", "llava_next_qwen",
	} {
		m, err := OpenDir(fixtures + name)
		if err != nil {
			t.Fatal(err)
		}
		kernels := nn.Kernels(m.Net)
		nn.Walk(m.Net, func(param string, p *tensor.Tensor) {
			shape := p.Shape
			if k, ok := kernels[param]; ok {
				shape = k
			}
			if info, ok := m.ckpt.Info(param); !ok || !slices.Equal(info.Shape, shape) {
				t.Errorf("%s: %s is written with shape %v, and the reference has it: %v, %v", name, param, shape, ok, info.Shape)
			}
		})
		m.Close()
	}
}
