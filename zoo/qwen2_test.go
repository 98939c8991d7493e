package zoo

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// TestQwen2Gradients compares the norm of every parameter's gradient with that
// of PyTorch and transformers 4.51.3 (float32, eager attention): the mean
// cross-entropy of the tokens of case 0 of expected.json, given those before.
func TestQwen2Gradients(t *testing.T) {
	m, err := OpenDir(fixtures + "qwen2")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var want struct {
		Loss  float64
		Norms map[string]float64
	}
	data, err := os.ReadFile(fixtures + "qwen2/gradients.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	vlm, _ := m.VLM()
	ids := m.Tokenizer.Encode("The picture shows a small red house.")
	nn.Freeze(m.Net, func(string) bool { return true })
	c := &tensor.Ctx{Train: true}
	loss := model.Loss(c, vlm, &model.Prompt{IDs: ids, Labels: append(append([]int32(nil), ids[1:]...), -1)}, float32(len(ids)-1))
	if got := float64(loss.F32[0]); math.Abs(got-want.Loss) > 1e-5*want.Loss {
		t.Errorf("loss %v, want %v", got, want.Loss)
	}
	c.Backward(loss)
	n := 0
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		n++
		var squares float64
		for _, g := range w.Grad() {
			squares += float64(g) * float64(g)
		}
		if got := math.Sqrt(squares); math.Abs(got-want.Norms[name]) > 1e-4*want.Norms[name] {
			t.Errorf("%s: gradient's norm is %v, want %v", name, got, want.Norms[name])
		}
	})
	if n != len(want.Norms) {
		t.Errorf("%d parameters, want %d", n, len(want.Norms))
	}
}
