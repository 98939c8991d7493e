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
		attentionRow("branches", 20, 20, 8, &Attn{Heads: 2, KVHeads: 1, Causal: true, Starts: []int{0, 5, 9, 20},
			Branches: [][]int{{1, 3}, nil, {4, 6, 6, 11}}}),
		attentionRow("long branches", 600, 600, 4, &Attn{Heads: 1, KVHeads: 1, Causal: true, Branches: [][]int{{30, 100, 590}}}),
		relativeRow("both ways", 9, 9, 5, 9, &Attn{Heads: 2, KVHeads: 2, Scale: 1}),
		relativeRow("back", 6, 14, 5, 7, &Attn{Heads: 4, KVHeads: 2, Causal: true}),
		relativeRow("one query", 1, 20, 4, 9, &Attn{Heads: 6, KVHeads: 2, Causal: true}),
		relativeRow("in blocks", 330, 330, 4, 65, &Attn{Heads: 2, KVHeads: 2, Causal: true, Starts: []int{0, 9, 9, 330}}),
		attentionRow("key blocks", 100, 530, 8, &Attn{Heads: 2, KVHeads: 2, Causal: true}),
	}
}

func attentionRow(name string, m, n, d int, a *Attn) row {
	pairs := 0
	attentionPairs(m, n, a, func(int, int) { pairs++ })
	return row{op: "Attention", name: name, in: []input{x(m, a.Heads*d), x(n, a.KVHeads*d), x(n, a.KVHeads*d)},
		run:   func(c *tensor.Ctx, in []*T) *T { return Attention(c, in[0], in[1], in[2], a) },
		ref:   func(in [][]float64) []float64 { return attentionRef(in[0], in[1], in[2], m, n, d, a, nil) },
		flops: 4 * pairs * d * a.Heads}
}

// relativeRow is attentionRow with a table of three buckets for n distances.
func relativeRow(name string, m, n, d, distances int, a *Attn) row {
	a.Relative = new(Relative)
	for i := range distances {
		a.Relative.Buckets = append(a.Relative.Buckets, int32(i*i%3))
	}
	r := attentionRow("relative "+name, m, n, d, a)
	r.in = append(r.in, w(3, a.Heads))
	r.run = func(c *tensor.Ctx, in []*T) *T {
		b := *a
		b.Relative = &Relative{in[3], a.Relative.Buckets}
		return Attention(c, in[0], in[1], in[2], &b)
	}
	r.ref = func(in [][]float64) []float64 { return attentionRef(in[0], in[1], in[2], m, n, d, a, in[3]) }
	return r
}

// bias is what the table adds to the score of query i and key j.
func bias(a *Attn, m, n, i, j, h int, table []float64) float64 {
	if a.Relative == nil {
		return 0
	}
	distance := j - i - (n - m)
	if a.Starts != nil {
		distance = j - i // as many keys as queries
	}
	far := len(a.Relative.Buckets) / 2
	b := a.Relative.Buckets[far+max(-far, min(distance, far))]
	return table[int(b)*a.Heads+h]
}

// attentionPairs calls f with every query and each key that it sees.
func attentionPairs(m, n int, a *Attn, f func(i, j int)) {
	qs, ks := a.Starts, a.KStarts
	if qs == nil {
		qs, ks = []int{0, m}, []int{0, n}
	} else if ks == nil {
		ks = qs
	}
	for s := range len(qs) - 1 {
		for i := qs[s]; i < qs[s+1]; i++ {
			hi := ks[s+1]
			if a.Causal {
				hi -= qs[s+1] - 1 - i
			}
			for j := ks[s]; j < hi; j++ {
				if a.Branches == nil || sees(a.Branches[s], i-qs[s], j-ks[s]) {
					f(i, j)
				}
			}
		}
	}
}

// sees tells whether j is in the trunk or in the branch of i.
func sees(branches []int, i, j int) bool {
	branch := func(i int) (b int) {
		for b < len(branches) && branches[b] <= i {
			b++
		}
		return b
	}
	return branch(j) == 0 || branch(j) == branch(i)
}

// attentionRef is the formula, row by row.
func attentionRef(q, k, v []float64, m, n, d int, a *Attn, table []float64) []float64 {
	scale := float64(a.Scale)
	if scale == 0 {
		scale = 1 / math.Sqrt(float64(d))
	}
	y := make([]float64, len(q))
	sum := make([]float64, m*a.Heads)
	pair := func(i, j, h int) (p float64, row, key int) {
		row, key = (i*a.Heads+h)*d, (j*a.KVHeads+h*a.KVHeads/a.Heads)*d
		return math.Exp(scale*dot(q[row:row+d], k[key:key+d]) + bias(a, m, n, i, j, h, table)), row, key
	}
	attentionPairs(m, n, a, func(i, j int) {
		for h := range a.Heads {
			p, _, _ := pair(i, j, h)
			sum[i*a.Heads+h] += p
		}
	})
	attentionPairs(m, n, a, func(i, j int) {
		for h := range a.Heads {
			p, row, key := pair(i, j, h)
			for t := range d {
				y[row+t] += p / sum[i*a.Heads+h] * v[key+t]
			}
		}
	})
	return y
}
