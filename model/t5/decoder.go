package t5

import (
	"strconv"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Decoder is the stack that writes, reading what the encoder made.
type Decoder struct {
	Blocks []*DecoderBlock `ckpt:"block"`
	Norm   *nn.RMSNorm     `ckpt:"final_layer_norm"`

	heads     int
	buckets   []int32
	recompute bool
}

// DecoderBlock is one layer.
type DecoderBlock struct {
	SelfNorm  *nn.RMSNorm  `ckpt:"layer.0.layer_norm"`
	Self      *Attention   `ckpt:"layer.0.SelfAttention"`
	CrossNorm *nn.RMSNorm  `ckpt:"layer.1.layer_norm"`
	Cross     *Attention   `ckpt:"layer.1.EncDecAttention"`
	MLPNorm   *nn.RMSNorm  `ckpt:"layer.2.layer_norm"`
	MLP       *FeedForward `ckpt:"layer.2.DenseReluDense"`
}

func newDecoder(cfg *Config) *Decoder {
	d := &Decoder{Norm: nn.NewRMSNorm(cfg.Width, cfg.NormEps), heads: cfg.NumHeads, buckets: cfg.buckets(false)}
	for i := range cfg.NumDecoderLayers {
		d.Blocks = append(d.Blocks, &DecoderBlock{
			SelfNorm: nn.NewRMSNorm(cfg.Width, cfg.NormEps), Self: newAttention(cfg, i == 0),
			CrossNorm: nn.NewRMSNorm(cfg.Width, cfg.NormEps), Cross: newAttention(cfg, false),
			MLPNorm: nn.NewRMSNorm(cfg.Width, cfg.NormEps), MLP: newFeedForward(cfg),
		})
	}
	return d
}

// forward runs packed sequences through all blocks and the final norm.
func (d *Decoder) forward(c *tensor.Ctx, s *model.Sequence, width int) *tensor.Tensor {
	a := s.Attend(d.heads, d.heads, width)
	a.Self.Scale, a.Cross.Scale = 1, 1
	a.Self.Relative = &ops.Relative{Table: d.Blocks[0].Self.Bias.Weight, Buckets: d.buckets}
	x := s.X
	c.Observe("lm.hidden.0", x)
	for i, b := range d.Blocks {
		a.Layer(i)
		x = model.Block(c, d.recompute, x, func(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor { return b.forward(c, x, a) })
		if c.Observing() && i < len(d.Blocks)-1 {
			c.Observe("lm.hidden."+strconv.Itoa(i+1), x)
		}
	}
	x = d.Norm.Forward(c, x)
	if c.Observing() {
		c.Observe("lm.hidden."+strconv.Itoa(len(d.Blocks)), x)
	}
	return x
}

func (b *DecoderBlock) forward(c *tensor.Ctx, x *tensor.Tensor, a *model.Attending) *tensor.Tensor {
	h := b.SelfNorm.Forward(c, x)
	x = ops.Add(c, x, b.Self.forward(c, h, h, &a.Self))
	x = ops.Add(c, x, b.Cross.forward(c, b.CrossNorm.Forward(c, x), a.Memory, &a.Cross))
	return ops.Add(c, x, b.MLP.forward(c, b.MLPNorm.Forward(c, x)))
}
