package ensemble

import (
	"fmt"
	"math"
	"testing"
)

// TestWork compares the multiply-adds of a view with what is published of the
// towers: timm's table of results has 198.1 G for ConvNeXt-XXL at 256 pixels, 81.1 G
// for ViT-L/14 at 224 and 267.2 G for EVA's ViT-g/14 of 40 blocks, of which BLIP-2
// runs 39.
func TestWork(t *testing.T) {
	for _, c := range []struct {
		entry string
		side  int
		want  float64
	}{
		{`{"model_type": "convnext", "hidden_sizes": [384, 768, 1536, 3072], "depths": [3, 4, 30, 3]}`, 256, 198.1e9},
		{`{"model_type": "clip_vision_model", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
			"patch_size": 14}`, 224, 81.1e9},
		{`{"model_type": "blip_2_qformer"}`, 224, 267.2e9*39/40 + 6e9},
	} {
		m, err := New(fmt.Appendf(nil, `{"image_size": %d, "join": "tokens", "encoders": [%s]}`, c.side, c.entry))
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(m.Work()); math.Abs(got-c.want) > 0.01*c.want {
			t.Errorf("%s: %.4g multiply-adds, want %.4g", c.entry, got, c.want)
		}
	}
	one, _ := New([]byte(`{"image_size": 224, "encoders": [{"model_type": "dinov2"}]}`))
	ten, err := New([]byte(`{"image_size": 672, "grid": 3, "encoders": [{"model_type": "dinov2"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := float64(ten.Work()) / float64(one.Work()); got != 10 {
		t.Errorf("%v times the work for ten views", got)
	}
}
