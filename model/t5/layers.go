package t5

import (
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Attention is the projections of one attention. Scores are not scaled.
type Attention struct {
	Q *nn.Linear `ckpt:"q"`
	K *nn.Linear `ckpt:"k"`
	V *nn.Linear `ckpt:"v"`
	O *nn.Linear `ckpt:"o"`

	Bias *nn.Embedding `ckpt:"relative_attention_bias"` // [buckets, heads], of the first layer, for all; nil in the others
}

func newAttention(cfg *Config, bias bool) *Attention {
	inner := cfg.NumHeads * cfg.HeadWidth
	a := &Attention{
		Q: nn.NewLinear(cfg.Width, inner, false), K: nn.NewLinear(cfg.Width, inner, false), V: nn.NewLinear(cfg.Width, inner, false),
		O: nn.NewLinear(inner, cfg.Width, false),
	}
	if bias {
		a.Bias = nn.NewEmbedding(cfg.Buckets, cfg.NumHeads)
	}
	return a
}

// forward reads memory with the rows of x.
func (a *Attention) forward(c *tensor.Ctx, x, memory *tensor.Tensor, attn *ops.Attn) *tensor.Tensor {
	return a.O.Forward(c, ops.Attention(c, a.Q.Forward(c, x), a.K.Forward(c, memory), a.V.Forward(c, memory), attn))
}

// FeedForward is linear, activation, linear, as in T5, or gated, as in T5 1.1.
type FeedForward struct {
	In   *nn.Linear `ckpt:"wi"`   // nil where it is gated
	Gate *nn.Linear `ckpt:"wi_0"` // nil where it is not
	Up   *nn.Linear `ckpt:"wi_1"` // like Gate
	Out  *nn.Linear `ckpt:"wo"`

	act ops.Act
}

func newFeedForward(cfg *Config) *FeedForward {
	f := &FeedForward{Out: nn.NewLinear(cfg.Inner, cfg.Width, false), act: cfg.act}
	if cfg.gated {
		f.Gate, f.Up = nn.NewLinear(cfg.Width, cfg.Inner, false), nn.NewLinear(cfg.Width, cfg.Inner, false)
	} else {
		f.In = nn.NewLinear(cfg.Width, cfg.Inner, false)
	}
	return f
}

func (f *FeedForward) forward(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	if f.In != nil {
		return f.Out.Forward(c, ops.Activate(c, f.In.Forward(c, x), f.act))
	}
	return f.Out.Forward(c, ops.Mul(c, ops.Activate(c, f.Gate.Forward(c, x), f.act), f.Up.Forward(c, x)))
}
