package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// adapterRows are the ops of LoRA and DoRA.
func adapterRows() []row {
	var rows []row
	for _, s := range [][4]int{{1, 1, 1, 1}, {5, 13, 7, 2}, {40, 33, 19, 8}, {2, 256, 7, 16}} {
		rows = append(rows, lowRankRow(s[0], s[1], s[2], s[3], false))
	}
	rows = append(rows, lowRankRow(3, 32, 9, 4, true))
	for _, s := range [][2]int{{1, 1}, {1, 7}, {5, 13}, {70, 131}} {
		rows = append(rows, addBiasRow(s[0], s[1]), dropoutRow(s[0], s[1], 0), dropoutRow(s[0], s[1], 0.3))
	}
	for _, d := range []tensor.DType{tensor.F32, tensor.BF16, kernel.Q4_0, kernel.Q8_0} {
		rows = append(rows, gainsRow(5, 32, 2, d), gainsRow(130, 96, 8, d))
	}
	return append(rows, gainsRow(7, 13, 1, tensor.F32))
}

func lowRankRow(m, k, n, r int, bias bool) row {
	base, update := linear(m, k, n, bias), linear(m, r, n, false)
	row := row{op: "LowRank", name: fmt.Sprintf("%dx%dx%dx%d", m, k, n, r), in: []input{x(m, r), w(n, r), x(m, k), w(n, k)}, flops: base.flops + update.flops}
	if bias {
		row.name += "+bias"
		row.in = append(row.in, w(n))
	}
	row.run = func(c *tensor.Ctx, in []*T) *T {
		var b *T
		if bias {
			b = in[4]
		}
		return LowRank(c, in[2], in[3], b, in[0], in[1])
	}
	row.ref = func(in [][]float64) []float64 {
		y, u := base.ref(in[2:]), update.ref(in[:2])
		for i := range y {
			y[i] += u[i]
		}
		return y
	}
	return row
}

func addBiasRow(m, n int) row {
	return row{op: "AddBias", name: size(m, n), in: []input{x(m, n), w(n)},
		run: func(c *tensor.Ctx, in []*T) *T { return AddBias(c, in[0], in[1]) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, m*n)
			for i := range y {
				y[i] = in[0][i] + in[1][i%n]
			}
			return y
		}}
}

func dropoutRow(m, n int, rate float64) row {
	const seed = 11
	d := dropout{seed: mix(seed ^ mix(0)), below: uint64(rate * dropSteps)}
	return row{op: "Dropout", name: fmt.Sprintf("%dx%d/%v", m, n, rate), in: []input{x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return Dropout(c, in[0], rate, seed) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, m*n)
			for i, v := range in[0] {
				if d.keeps(i) {
					y[i] = v / (1 - rate)
				}
			}
			return y
		}}
}

// gainsRow has lengths that learn and matrices that do not: the op takes those as constants.
func gainsRow(n, k, r int, d tensor.DType) row {
	rng := rand.New(rand.NewPCG(5, uint64(n*k)))
	make32 := func(rows, cols int, d tensor.DType) operand {
		v := make([]float32, rows*cols)
		for i := range v {
			v[i] = noise(rng)
		}
		return tensorOf(v, []int{rows, cols}, d)
	}
	const s = 0.75
	weight, up, down := make32(n, k, d), make32(n, r, tensor.F32), make32(r, k, tensor.F32)
	wide := widen(weight.values())
	return row{op: "Gains", name: fmt.Sprintf("%dx%dx%d/%v", n, k, r, d), in: []input{x(n)},
		run: func(c *tensor.Ctx, in []*T) *T { return Gains(c, in[0], weight.T, up.T, down.T, s) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, n)
			for i := range y {
				sum := 0.0
				for j := range k {
					v := wide[i*k+j]
					for t := range r {
						v += s * float64(up.F32[i*r+t]) * float64(down.F32[t*k+j])
					}
					sum += v * v
				}
				y[i] = in[0][i] / math.Sqrt(sum)
			}
			return y
		}}
}

// TestDropoutRate wants about as many elements dropped as the rate says, others with
// another seed, and the sum kept.
func TestDropoutRate(t *testing.T) {
	ones := tensor.New(1, 1<<16)
	for i := range ones.F32 {
		ones.F32[i] = 1
	}
	a, b := Dropout(&tensor.Ctx{}, ones, 0.25, 1), Dropout(&tensor.Ctx{}, ones, 0.25, 2)
	next := Dropout(&tensor.Ctx{Draw: 1}, ones, 0.25, 1)
	dropped, same, shifted := 0, 0, 0
	for i := range a.F32[1:] {
		if a.F32[i+1] == 0 {
			dropped++
			if b.F32[i+1] == 0 {
				same++
			}
			if next.F32[i] == 0 {
				shifted++
			}
		}
	}
	n := float64(ones.Len())
	if got := float64(dropped) / n; math.Abs(got-0.25) > 0.01 {
		t.Errorf("%.3f of the elements dropped, want 0.25", got)
	}
	if got := float64(same) / n; math.Abs(got-0.0625) > 0.01 {
		t.Errorf("%.3f dropped by both seeds, want 0.0625", got)
	}
	if got := float64(shifted) / n; math.Abs(got-0.0625) > 0.01 {
		t.Errorf("%.3f dropped by a pass and, one element on, by the one before; want 0.0625", got)
	}
	if got := float64(kernel.Sum(a.F32)) / n; math.Abs(got-1) > 0.02 {
		t.Errorf("mean %.3f, want 1", got)
	}
}
