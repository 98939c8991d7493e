package t5

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Encoder is the stack that reads the text.
type Encoder struct {
	Blocks []*EncoderBlock `ckpt:"block"`
	Norm   *nn.RMSNorm     `ckpt:"final_layer_norm"`

	heads     int
	buckets   []int32
	recompute bool
}

// EncoderBlock is one layer.
type EncoderBlock struct {
	SelfNorm *nn.RMSNorm  `ckpt:"layer.0.layer_norm"`
	Self     *Attention   `ckpt:"layer.0.SelfAttention"`
	MLPNorm  *nn.RMSNorm  `ckpt:"layer.1.layer_norm"`
	MLP      *FeedForward `ckpt:"layer.1.DenseReluDense"`
}

func newEncoder(cfg *Config) *Encoder {
	e := &Encoder{Norm: nn.NewRMSNorm(cfg.Width, cfg.NormEps), heads: cfg.NumHeads, buckets: cfg.buckets(true)}
	for i := range cfg.NumLayers {
		e.Blocks = append(e.Blocks, &EncoderBlock{
			SelfNorm: nn.NewRMSNorm(cfg.Width, cfg.NormEps), Self: newAttention(cfg, i == 0),
			MLPNorm: nn.NewRMSNorm(cfg.Width, cfg.NormEps), MLP: newFeedForward(cfg),
		})
	}
	return e
}

// Encode reads packed embeddings [tokens, width], bounded by starts, nil meaning
// one sequence, and keeps the shape.
func (e *Encoder) Encode(c *tensor.Ctx, x *tensor.Tensor, starts []int) *tensor.Tensor {
	a := &ops.Attn{Heads: e.heads, KVHeads: e.heads, Scale: 1, Starts: starts,
		Relative: &ops.Relative{Table: e.Blocks[0].Self.Bias.Weight, Buckets: e.buckets}}
	for _, b := range e.Blocks {
		x = model.Block(c, e.recompute, x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
			h := b.SelfNorm.Forward(c, x)
			x = ops.Add(c, x, b.Self.forward(c, h, h, a))
			return ops.Add(c, x, b.MLP.forward(c, b.MLPNorm.Forward(c, x)))
		})
	}
	x = e.Norm.Forward(c, x)
	c.Observe("lm.encoder_last_hidden_state", x)
	return x
}
