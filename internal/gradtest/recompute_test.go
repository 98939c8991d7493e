package gradtest

import (
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/bigg"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/convnext"
	"github.com/fovea-ml/fovea/model/dinov2"
	"github.com/fovea-ml/fovea/model/qwenvit"
	"github.com/fovea-ml/fovea/model/siglip"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

type recomputer interface {
	model.Encoder
	model.Recomputer
}

// TestRecompute: towers that keep only the inputs of their blocks, several of which may be
// features, run them twice and have the same gradients to the bit.
func TestRecompute(t *testing.T) {
	layers := vit.Output{Layers: []int{1, 2}}
	for name, net := range map[string]recomputer{
		"clip":     must(clip.NewVision(must(clip.ParseVision([]byte(tiny+`}`)))(t), layers))(t),
		"siglip":   must(siglip.NewVision(must(siglip.ParseConfig([]byte(tiny+`}`)))(t), vit.Output{}))(t),
		"dinov2":   must(dinov2.NewVision(must(dinov2.ParseConfig([]byte(tiny+`, "mlp_ratio": 2}`)))(t), layers))(t),
		"convnext": must(convnext.New(must(convnext.ParseConfig([]byte(`{"hidden_sizes": [6, 10], "depths": [1, 2], "patch_size": 3}`)))(t)))(t),
		"bigg": bigg.New(must(bigg.Parse([]byte(
			`{"width": 8, "layers": 2, "heads": 2, "mlp_ratio": 2, "image_size": 12, "patch_size": 4}`)))(t)),
		"qwen3vl": qwenvit.New(must(qwenvit.Parse3([]byte(`{"depth": 3, "num_heads": 2, "hidden_size": 16, "out_hidden_size": 8, "intermediate_size": 20,
			"patch_size": 3, "spatial_merge_size": 2, "num_position_embeddings": 16, "deepstack_visual_indexes": [0, 1]}`)))(t)),
	} {
		t.Run(name, func(t *testing.T) {
			nn.Initializer{Std: func(string) float64 { return 0.3 }}.Init(net, rand.New(rand.NewPCG(1, 2)))
			nn.Freeze(net, func(string) bool { return true })
			net.SetRecompute(true)
			got, twice := learnTower(net)
			net.SetRecompute(false)
			want, once := learnTower(net)
			if !slices.Equal(got, want) {
				t.Error("gradients differ")
			}
			if twice < once+once/2 {
				t.Errorf("%d linear layers ran, %d where all is kept", twice, once)
			}
		})
	}
}

// learnTower returns the gradients of a sum of all features, and how many linear layers ran.
func learnTower(net model.Encoder) (grads []float32, ran int) {
	rng := rand.New(rand.NewPCG(3, 4))
	normal := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		return x
	}
	views := &model.Views{Sizes: []image.Point{{X: 12, Y: 12}, {X: 12, Y: 12}}, Pixels: normal(2 * 3 * 12 * 12)}
	c := &tensor.Ctx{Train: true, Inputs: func(_, _ *tensor.Tensor) { ran++ }}
	f := net.Encode(c, views)
	var loss *tensor.Tensor
	for _, x := range append([]*tensor.Tensor{f.X}, f.Deep...) {
		part := ops.Sum(c, ops.Mul(c, x, tensor.From(normal(x.Len()), x.Shape...)))
		if loss == nil {
			loss = part
		} else {
			loss = ops.Add(c, loss, part)
		}
	}
	c.Backward(loss)
	nn.Walk(net, func(_ string, w *tensor.Tensor) {
		if w.HasGrad() {
			grads = append(grads, w.Grad()...)
		}
		w.ZeroGrad()
	})
	return grads, ran
}
