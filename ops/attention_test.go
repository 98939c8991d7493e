package ops

import (
	"math"

	"github.com/fovea-ml/fovea/tensor"
)

// attentionRows cover segments, both directions, grouped queries, blocks of
// queries and of keys, and cross-attention.
func attentionRows() []row {
	return []row{
		attentionRow("one", 1, 1, 1, &Attn{Heads: 1, KVHeads: 1}),
		attentionRow("bidirectional", 9, 9, 6, &Attn{Heads: 2, KVHeads: 2}),
		attentionRow("causal", 9, 9, 5, &Attn{Heads: 3, KVHeads: 3, Causal: true}),
		attentionRow("grouped", 7, 7, 4, &Attn{Heads: 4, KVHeads: 2, Causal: true, Scale: 0.7}),
		attentionRow("one query", 1, 20, 4, &Attn{Heads: 6, KVHeads: 2, Causal: true}),
		attentionRow("segments", 12, 12, 8, &Attn{Heads: 2, KVHeads: 1, Causal: true, Starts: []int{0, 5, 5, 6, 12}}),
		attentionRow("cross", 6, 11, 8, &Attn{Heads: 2, KVHeads: 2, Starts: []int{0, 2, 6}, KStarts: []int{0, 7, 11}}),
		attentionRow("query blocks", 150, 150, 16, &Attn{Heads: 2, KVHeads: 1, Causal: true, Starts: []int{0, 130, 150}}),
		attentionRow("key blocks", 100, 530, 8, &Attn{Heads: 2, KVHeads: 2, Causal: true}),
	}
}

func attentionRow(name string, m, n, d int, a *Attn) row {
	return row{op: "Attention", name: name, in: []input{x(m, a.Heads*d), x(n, a.KVHeads*d), x(n, a.KVHeads*d)},
		run:   func(c *tensor.Ctx, in []*T) *T { return Attention(c, in[0], in[1], in[2], a) },
		ref:   func(in [][]float64) []float64 { return attentionRef(in[0], in[1], in[2], m, n, d, a) },
		flops: 4 * m * n * d * a.Heads}
}

// attentionRef is the formula, row by row.
func attentionRef(q, k, v []float64, m, n, d int, a *Attn) []float64 {
	qs, ks := a.Starts, a.KStarts
	if qs == nil {
		qs, ks = []int{0, m}, []int{0, n}
	} else if ks == nil {
		ks = qs
	}
	scale := float64(a.Scale)
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(d))
	}
	y := make([]float64, len(q))
	for s := range len(qs) - 1 {
		for i := qs[s]; i < qs[s+1]; i++ {
			end := ks[s+1]
			if a.Causal {
				end -= qs[s+1] - 1 - i
			}
			for h := range a.Heads {
				qrow := q[(i*a.Heads+h)*d:][:d]
				g := h * a.KVHeads / a.Heads
				p, sum := make([]float64, end), 0.0
				for j := ks[s]; j < end; j++ {
					p[j] = math.Exp(scale * dot(qrow, k[(j*a.KVHeads+g)*d:][:d]))
					sum += p[j]
				}
				for j := ks[s]; j < end; j++ {
					for t := range d {
						y[(i*a.Heads+h)*d+t] += p[j] / sum * v[(j*a.KVHeads+g)*d+t]
					}
				}
			}
		}
	}
	return y
}
