package nn

import (
	"math"
	"reflect"

	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// LoRA is an update of low rank that a linear layer carries beside its weight: it
// computes x·(W + Scale·B·A)ᵀ (Hu et al. 2021, https://arxiv.org/abs/2106.09685).
// With a Magnitude the rows of the sum are scaled to those lengths, which is DoRA (Liu et
// al. 2024, https://arxiv.org/abs/2402.09353). A, B and Magnitude are F32.
type LoRA struct {
	A         *tensor.Tensor `ckpt:"lora_A.weight"`         // [rank, in]
	B         *tensor.Tensor `ckpt:"lora_B.weight"`         // [out, rank]
	Magnitude *tensor.Tensor `ckpt:"lora_magnitude_vector"` // [out], or nil

	Scale   float32
	Dropout float64 // probability that an element of the input does not reach A in training
	Seed    uint64  // of the elements that are dropped, beside tensor.Ctx.Draw

	gains *tensor.Tensor // of the rows, while nothing learns; nil: to be computed
}

// NewLoRA declares an update of l.
func NewLoRA(l *Linear, rank int, dora bool) *LoRA {
	out, in := l.Weight.Shape[0], l.Weight.Shape[1]
	u := &LoRA{A: tensor.Declare(rank, in), B: tensor.Declare(out, rank)}
	if dora {
		u.Magnitude = tensor.Declare(out)
	}
	return u
}

// Rank is that of the update.
func (u *LoRA) Rank() int { return u.A.Shape[0] }

// Measure makes the magnitude that of the weight's rows with the update, so that it
// changes nothing.
func (u *LoRA) Measure(c *tensor.Ctx, weight *tensor.Tensor) {
	m := u.Magnitude.F32
	for i := range m {
		m[i] = 1
	}
	for i, inv := range ops.Gains(c, u.Magnitude, weight, u.B, u.A, u.Scale).F32 {
		if m[i] = 0; inv > 0 {
			m[i] = 1 / inv
		}
	}
}

// Settle remembers what rows are scaled by until training goes on, so that inference
// does not compute it at every step. Nobody may run the layer meanwhile.
func (u *LoRA) Settle(c *tensor.Ctx, weight *tensor.Tensor) {
	u.gains = nil
	if u.Magnitude != nil {
		g := u.gain(c, weight)
		u.gains = tensor.New(g.Len())
		copy(u.gains.F32, g.F32)
	}
}

// Merged is what the layer multiplies by, weight and update in one matrix, in F32.
func (u *LoRA) Merged(c *tensor.Ctx, weight *tensor.Tensor) *tensor.Tensor {
	sum := tensor.New(weight.Shape...)
	weight.Floats(sum.F32)
	c.Pool.GemmNN(sum.Mat(), ops.Scale(c, u.B, u.Scale).Mat(), u.A.Mat(), true)
	if u.Magnitude == nil {
		return sum
	}
	g := u.gain(c, weight)
	for i := range sum.Rows() {
		row := sum.Row(i)
		for j := range row {
			row[j] *= g.F32[i]
		}
	}
	return sum
}

// forward maps [rows, in] to [rows, out].
func (u *LoRA) forward(c *tensor.Ctx, x, weight, bias *tensor.Tensor) *tensor.Tensor {
	in := x
	if c.Train && u.Dropout > 0 {
		in = ops.Dropout(c, x, u.Dropout, u.Seed)
	}
	h := ops.Scale(c, ops.Linear(c, in, u.A, nil), u.Scale)
	if u.Magnitude == nil {
		return ops.LowRank(c, x, weight, bias, h, u.B)
	}
	// As PEFT has it, what the rows are scaled by sees the thinned input too: the product
	// with what was dropped goes on as it was.
	y := ops.LayerScale(c, ops.LowRank(c, in, weight, nil, h, u.B), u.gain(c, weight))
	if in != x {
		y = ops.Add(c, y, ops.Linear(c, ops.Add(c, x, ops.Scale(c, in, -1)), weight, nil))
	}
	if bias != nil {
		y = ops.AddBias(c, y, bias)
	}
	return y
}

// gain is what rows are scaled by: [out].
func (u *LoRA) gain(c *tensor.Ctx, weight *tensor.Tensor) *tensor.Tensor {
	if u.gains != nil && !c.Train {
		return u.gains
	}
	if c.Train {
		u.gains = nil // what it was is about to change
	}
	return ops.Gains(c, u.Magnitude, weight, u.B, u.A, u.Scale)
}

// outputs is the update of the outputs [lo, hi) only.
func (u *LoRA) outputs(c *tensor.Ctx, lo, hi int) LoRA {
	part := *u
	part.B = c.Slice(u.B, lo, hi)
	if u.Magnitude != nil {
		part.Magnitude = c.Slice(u.Magnitude, lo, hi)
	}
	if u.gains != nil {
		part.gains = c.Slice(u.gains, lo, hi)
	}
	if c.Train {
		u.gains, part.gains = nil, nil
	}
	return part
}

// adapted reports whether one of the layers carries an update.
func adapted(layers ...*Linear) bool {
	for _, l := range layers {
		if l.LoRA != nil {
			return true
		}
	}
	return false
}

// Linears calls f for every linear layer of m with its name: that of its weight without
// the last part.
func Linears(m any, f func(name string, l *Linear)) {
	walk(reflect.ValueOf(m), "", func(name string, part any) {
		if l, ok := part.(*Linear); ok {
			f(name, l)
		}
	})
}

// Spread is how far from zero A starts, evenly spread on both sides, as PEFT has it: that
// of torch.nn.Linear, kaiming_uniform_ with a slope of √5.
func (u *LoRA) Spread() float64 { return 1 / math.Sqrt(float64(u.A.Shape[1])) }
