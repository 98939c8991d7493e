package train

import (
	"encoding/json"
	"image"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/internal/cputest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// testdata/gradients was made once with PyTorch 2.15 and transformers 4.51: a
// LlavaForConditionalGeneration of the config beside it (seed 7, norm weights
// 1+0.1·N, all else 0.15·N), three conversations with 1, 0 and 2 pictures, the
// loss F.cross_entropy(logits[:-1], labels[1:], reduction="sum") over all of them
// divided by the number of labels. expected.json holds the conversations and ten
// steps of torch.optim.AdamW (lr 3e-3, betas 0.9 and 0.95, decay 0.1 on matrices)
// after clip_grad_norm_ at 1; gradients.safetensors the gradients of the first.
const gradients = "testdata/gradients"

type expectedTrace struct {
	Samples []struct{ IDs, Labels []int32 }
	Loss    []float64
	Norm    []float64
}

func tinyLLaVA(t *testing.T) (*llava.Model, *model.Prompt, expectedTrace) {
	t.Helper()
	var want expectedTrace
	readJSON(t, gradients+"/expected.json", &want)
	config, err := os.ReadFile(gradients + "/config.json")
	check(t, err)
	cfg, err := llava.ParseConfig(config)
	check(t, err)
	m, err := llava.New(cfg)
	check(t, err)
	c, err := checkpoint.OpenDir(gradients)
	check(t, err)
	t.Cleanup(func() { c.Close() })
	var params []checkpoint.Param
	nn.Walk(m, func(name string, w *tensor.Tensor) { params = append(params, checkpoint.Param{Name: name, T: w}) })
	check(t, checkpoint.Bind(c, params, nil, checkpoint.BindOptions{}))
	return m, tinyPrompt(t, m, want), want
}

func tinyPrompt(t *testing.T, m *llava.Model, want expectedTrace) *model.Prompt {
	t.Helper()
	pixels, err := checkpoint.Open(os.DirFS(gradients), "pixels.safetensors")
	check(t, err)
	t.Cleanup(func() { pixels.Close() })
	var prompts []*model.Prompt
	for i, s := range want.Samples {
		p := &model.Prompt{IDs: s.IDs, Labels: append(append([]int32(nil), s.Labels[1:]...), -1)}
		n := m.TokensPerImage()
		for at := 0; at < len(s.IDs); at++ {
			if s.IDs[at] == m.Config().ImageTokenID {
				p.At = append(p.At, at)
				at += n - 1
			}
		}
		if len(p.At) > 0 {
			px, err := pixels.Floats("pixels." + strconv.Itoa(i))
			check(t, err)
			per := len(px) / len(p.At)
			for k := range p.At {
				p.Images = append(p.Images, &model.Tiles{Views: model.Views{Pixels: px[k*per : (k+1)*per], Sizes: []image.Point{{X: 28, Y: 28}}}})
			}
		}
		prompts = append(prompts, p)
	}
	return model.Pack(prompts)
}

func TestGradientsOfPyTorch(t *testing.T) { cputest.TestAll(t, kernel.Impls, gradientsOfPyTorch) }

func gradientsOfPyTorch(t *testing.T) {
	m, p, want := tinyLLaVA(t)
	nn.Freeze(m, func(string) bool { return true })
	c := &tensor.Ctx{Train: true}
	loss := model.Loss(c, m, p, float32(p.Labelled()))
	if got := float64(loss.F32[0]); math.Abs(got-want.Loss[0]) > 1e-5*want.Loss[0] {
		t.Errorf("loss %v, want %v", got, want.Loss[0])
	}
	c.Backward(loss)
	ref, err := checkpoint.Open(os.DirFS(gradients), "gradients.safetensors")
	check(t, err)
	defer ref.Close()
	nn.Walk(m, func(name string, w *tensor.Tensor) {
		g, err := ref.Floats(name)
		check(t, err)
		largest, diff := 0.0, 0.0
		for i, x := range w.Grad() {
			largest = max(largest, math.Abs(float64(g[i])))
			diff = max(diff, math.Abs(float64(x)-float64(g[i])))
		}
		tolerance := 1e-4 * largest
		if strings.HasSuffix(name, "k_proj.bias") { // truly zero: a key bias shifts all scores of a query alike
			tolerance = 1e-6
		}
		if !(diff <= tolerance) {
			t.Errorf("%s: gradient differs by %.3g, largest %.3g", name, diff, largest)
		}
	})
}

func TestTraceOfPyTorch(t *testing.T) { cputest.TestAll(t, kernel.Impls, traceOfPyTorch) }

func traceOfPyTorch(t *testing.T) {
	m, p, want := tinyLLaVA(t)
	nn.Freeze(m, func(string) bool { return true })
	st := &Stage{LR: 3e-3, Betas: [2]float64{0.9, 0.95}, Eps: 1e-8, Decay: 0.1}
	opt := newOptimizer(st, m, func(string) string { return "" }, nil)
	c := &tensor.Ctx{Train: true}
	for i := range want.Loss {
		loss := model.Loss(c, m, p, float32(p.Labelled()))
		got := float64(loss.F32[0])
		c.Backward(loss)
		norm := opt.norm()
		if math.Abs(got-want.Loss[i]) > 1e-4*want.Loss[i] || math.Abs(norm-want.Norm[i]) > 1e-3*want.Norm[i] {
			t.Errorf("step %d: loss %.6f, norm %.6f; want %.6f, %.6f", i, got, norm, want.Loss[i], want.Norm[i])
		}
		opt.update(st, st.LR, min(1, 1/(norm+1e-6)))
		c.Reset()
	}
}

func readJSON(t *testing.T, name string, v any) {
	t.Helper()
	data, err := os.ReadFile(name)
	check(t, err)
	check(t, json.Unmarshal(data, v))
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
