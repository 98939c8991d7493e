package gradtest

import (
	"image"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/convnext"
	"github.com/fovea-ml/fovea/model/dinov2"
	"github.com/fovea-ml/fovea/model/siglip"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

type pooler interface {
	Pool(c *tensor.Ctx, v *model.Views) *tensor.Tensor
}

const tiny = `{"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 12, "patch_size": 4`

func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestTowers learns with every parameter of every tower.
func TestTowers(t *testing.T) {
	towers := map[string]pooler{
		"clip":   must(clip.NewVision(must(clip.ParseVision([]byte(tiny+`}`)))(t), vit.Output{}))(t),
		"siglip": must(siglip.NewVision(must(siglip.ParseConfig([]byte(tiny+`}`)))(t), vit.Output{}))(t),
		"dinov2": must(dinov2.NewVision(must(dinov2.ParseConfig([]byte(tiny+`, "mlp_ratio": 2}`)))(t), vit.Output{}))(t),
		"dinov2 giant": must(dinov2.NewVision(must(dinov2.ParseConfig([]byte(tiny+
			`, "use_swiglu_ffn": true, "use_mask_token": false, "qkv_bias": false}`)))(t), vit.Output{}))(t),
		"convnext": must(convnext.New(must(convnext.ParseConfig([]byte(`{"hidden_sizes": [6, 10], "depths": [1, 2], "patch_size": 2}`)))(t)))(t),
	}
	for name, net := range towers {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			nn.Initializer{Std: func(string) float64 { return 0.3 }}.Init(net, rng)
			views := &model.Views{Sizes: []image.Point{{X: 12, Y: 12}, {X: 12, Y: 12}}}
			if name == "dinov2" { // another grid than the table's
				views.Sizes = []image.Point{{X: 16, Y: 8}, {X: 16, Y: 8}}
			}
			views.Pixels = make([]float32, len(views.Sizes)*3*views.Sizes[0].X*views.Sizes[0].Y)
			for i := range views.Pixels {
				views.Pixels[i] = float32(rng.NormFloat64())
			}
			var weigh []float32
			Check(t, net, func(c *tensor.Ctx) *tensor.Tensor {
				y := net.Pool(c, views)
				for len(weigh) < y.Len() {
					weigh = append(weigh, float32(rng.NormFloat64()))
				}
				return ops.Sum(c, ops.Mul(c, y, tensor.From(weigh, y.Shape...)))
			}, func(name string) bool { return name == "embeddings.mask_token" })
		})
	}
}

// TestTexts learns with every parameter of the text towers.
func TestTexts(t *testing.T) {
	const blocks = `"hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 2`
	const texts = `, "vision_config": ` + tiny + `}, "text_config": {` + blocks + `, "vocab_size": 9, "max_position_embeddings": 4}}`
	for name, net := range map[string]model.DualEncoder{
		"clip":   must(clip.New(must(clip.ParseConfig([]byte(`{"projection_dim": 6` + texts)))(t)))(t),
		"siglip": must(siglip.New(must(siglip.ParseDual([]byte(`{"model_type": "siglip"` + texts)))(t)))(t),
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			nn.Initializer{Std: func(string) float64 { return 0.3 }}.Init(net, rng)
			ids := [][]int32{{1, 5, 8, 0}, {7, 2, 8, 8}}
			weigh := make([]float32, 2*12)
			for i := range weigh {
				weigh[i] = float32(rng.NormFloat64())
			}
			Check(t, net, func(c *tensor.Ctx) *tensor.Tensor {
				y := net.EmbedText(c, ids)
				return ops.Sum(c, ops.Mul(c, y, tensor.From(weigh[:y.Len()], y.Shape...)))
			}, func(name string) bool { return !strings.HasPrefix(name, "text_") })
		})
	}
}
