// Package resampler holds the adapter of Qwen-VL: learned queries read the
// features of a view by cross-attention, so that each view becomes equally many
// tokens. Queries and features have positions in two dimensions.
//
// Qwen-VL, Bai et al. 2023, https://arxiv.org/abs/2308.12966.
package resampler

import (
	"math"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	eps  = 1e-6
	head = 128 // width of an attention head
)

// Resampler is one layer of cross-attention, a norm and a projection.
type Resampler struct {
	Position *tensor.Tensor `ckpt:"attn_pool.pos_embed"` // [queries, out], of a square grid; sines and cosines
	Query    *tensor.Tensor `ckpt:"attn_pool.query"`     // [queries, out]
	Reduce   *nn.Linear     `ckpt:"attn_pool.kv_proj"`   // nil where features have the width of the output
	InWeight *tensor.Tensor `ckpt:"attn_pool.attn.in_proj_weight"`
	InBias   *tensor.Tensor `ckpt:"attn_pool.attn.in_proj_bias"`
	Out      *nn.Linear     `ckpt:"attn_pool.attn.out_proj"`
	NormQ    *nn.LayerNorm  `ckpt:"attn_pool.ln_q"`
	NormKV   *nn.LayerNorm  `ckpt:"attn_pool.ln_kv"`
	PostNorm *nn.LayerNorm  `ckpt:"ln_post"`
	Proj     *tensor.Tensor `ckpt:"proj"` // [out, out], a row for each input

	in *nn.Linear // of InWeight and InBias: queries, keys and values
}

// New declares a resampler of features of the given width into queries, a square
// number of them, of width out, a multiple of 128.
func New(width, queries, out int) *Resampler {
	in := nn.NewLinear(out, 3*out, true)
	r := &Resampler{
		Position: tensor.Declare(queries, out), Query: tensor.Declare(queries, out),
		InWeight: in.Weight, InBias: in.Bias, in: in, Out: nn.NewLinear(out, out, true),
		NormQ: nn.NewLayerNorm(out, eps), NormKV: nn.NewLayerNorm(out, eps), PostNorm: nn.NewLayerNorm(out, eps),
		Proj: tensor.Declare(out, out),
	}
	if width != out {
		r.Reduce = nn.NewLinear(width, out, false)
	}
	return r
}

// Queries is the number of tokens that a view becomes.
func (r *Resampler) Queries() int { return r.Query.Rows() }

// Adapt maps views of equally many features, a square number, to Queries rows each.
func (r *Resampler) Adapt(c *tensor.Ctx, f *model.Features) *tensor.Tensor {
	views, d := len(f.Starts)-1, r.Query.Cols()
	x := f.X
	if r.Reduce != nil {
		x = r.Reduce.Forward(c, x)
	}
	x = r.NormKV.Forward(c, x)
	rows := x.Rows() / views
	n := repeated(1, r.Queries())
	q := r.in.Outputs(c, ops.AddRows(c, r.NormQ.Forward(c, ops.Gather(c, n, r.Query)), r.Position, n), 0, d)
	k := r.in.Outputs(c, ops.AddRows(c, x, r.positions(c, rows), repeated(views, rows)), d, 2*d)
	v := r.in.Outputs(c, x, 2*d, 3*d)
	a := &ops.Attn{Heads: d / head, KVHeads: d / head, KStarts: f.Starts}
	for i := range views + 1 {
		a.Starts = append(a.Starts, i*r.Queries())
	}
	y := ops.Attention(c, ops.Gather(c, repeated(views, r.Queries()), q), k, v, a)
	y = r.Out.Forward(c, y)
	c.Observe("resampler", y)
	y = ops.Project(c, r.PostNorm.Forward(c, y), r.Proj)
	c.Observe("features", y)
	return y
}

// positions are those of rows features, interpolated from those of the queries.
func (r *Resampler) positions(c *tensor.Ctx, rows int) *tensor.Tensor {
	from, to := int(math.Sqrt(float64(r.Queries()))), int(math.Sqrt(float64(rows)))
	if from == to {
		return r.Position
	}
	return ops.Interpolate(c, r.Position, ops.Grid{H: from, W: from}, ops.Grid{H: to, W: to}, ops.Cubic2D)
}

// repeated counts to n, times over.
func repeated(times, n int) []int32 {
	out := make([]int32, times*n)
	for i := range out {
		out[i] = int32(i % n)
	}
	return out
}
