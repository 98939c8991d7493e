package kernel

import (
	"math"
	"unsafe"
)

// Products of activations rounded to 8 bits by quantised weights. A block is 32
// elements of k. Weights are packed for 16 rows of b side by side, activations for some
// rows of a.
const (
	int8Block   = 32
	int8Columns = 16 // rows of b in a panel
	int8Rows    = 4  // rows of a side by side, in a call
)

// int8Input is a block of a row of activations. Those of 4 rows lie side by side, or of
// 16 for the matrix unit.
type int8Input [int8Block]int8

// int8Weights is a block of a panel: lane r of quad q has levels 4q to 4q+3 of row r.
// They have signs where the kernel wants them: see int8Kind.
type int8Weights struct {
	levels [int8Block / 4][int8Columns][4]uint8
	scale  [int8Columns]float32
	second [int8Columns]float32 // scale of elements 16 on, or minimum
}

// int8Meta tells of a block of 4 rows of activations.
type int8Meta struct {
	start [2][int8Rows]int32 // what the integer sums start with: the levels' zero times the elements, of each half if there are two scales
	scale [int8Rows]float32
	sum   [int8Rows]float32 // of the elements
}

const (
	int8WeightBytes = int(unsafe.Sizeof(int8Weights{}))
	int8MetaBytes   = int(unsafe.Sizeof(int8Meta{}))
)

// An int8Line is a row of sums by a panel.
type int8Line [int8Columns]float32

// An int8Call is the product of up to 4 rows of activations by a panel, or by two.
type int8Call struct {
	panels [2][]int8Weights
	sums   [2][]int8Line // of the rows, to be added to
	x      []int8Input
	meta   []int8Meta
}

// An int8Kind says what the levels of a dtype stand for: scale·(level - zero), or
// scale·level - minimum.
type int8Kind struct {
	zero   int32
	pairs  bool // the two halves of a block have scales of their own
	minima bool
	short  bool // a block has 16 elements, and 16 zeros behind them
	signed bool // zero is taken off the levels as they are unpacked
}

// elements is how many of k make up a block.
func (k int8Kind) elements() int {
	if k.short {
		return int8Block / 2
	}
	return int8Block
}

func int8KindOf(d DType) (kind int8Kind, ok bool) {
	switch d {
	case Q8_0, IQ4_NL:
		return int8Kind{zero: 128}, true
	case Q4_0:
		return int8Kind{zero: 8}, true
	case Q5_0:
		return int8Kind{zero: 16}, true
	case Q4_1, Q5_1, Q4_K, Q5_K:
		return int8Kind{minima: true}, true
	case Q6_K:
		return int8Kind{zero: 32, pairs: true}, true
	case Q3_K:
		return int8Kind{zero: 4, pairs: true}, true
	case Q2_K:
		return int8Kind{minima: true, short: true}, true
	}
	return kind, false
}

// int8RoundGeneric rounds whole blocks of a row, number row of those that share meta, to
// 8 bits: to x·127/max|x|, nearest, ties to even. Its blocks are step apart in q. For each
// one, meta receives the scale and the sums of both halves.
func int8RoundGeneric(q []int8Input, step int, meta []int8Meta, row int, x []float32) {
	for b := range len(x) / int8Block {
		block, m := x[b*int8Block:(b+1)*int8Block], &meta[b]
		most := abs(extreme(block))
		inverse := min(127/most, math.MaxFloat32)
		m.scale[row] = most / 127
		m.start[0][row], m.start[1][row] = 0, 0
		for i, v := range block {
			v *= inverse
			if v != v { // nor was x, or it was infinite
				m.scale[row] = v
			}
			level := int8Level(v)
			q[b*step][i] = level
			m.start[i/16][row] += int32(level)
		}
	}
}

// int8Level is the nearest level; that of no number is the lowest one.
func int8Level(v float32) int8 {
	if v != v {
		return math.MinInt8
	}
	return int8(max(-128, min(127, math.RoundToEven(float64(v)))))
}

// finish turns the sums of elements into what a kind of weights needs.
func (k int8Kind) finish(meta []int8Meta, rows int) {
	zero := k.zero
	if k.signed {
		zero = 0
	}
	for b := range meta {
		m := &meta[b]
		for i := range rows {
			first, second := m.start[0][i], m.start[1][i]
			if !k.pairs {
				first, second = first+second, 0
			}
			if k.minima {
				m.sum[i] = m.scale[i] * float32(first)
			}
			m.start[0][i], m.start[1][i] = -zero*first, -zero*second
		}
	}
}

// int8MicroGeneric adds the products of some rows by each panel to the sums; see the
// package comment.
func int8MicroGeneric(kind int8Kind, call *int8Call, rows int) {
	for p, panel := range call.panels {
		for b := range panel {
			w, m := &panel[b], &call.meta[b]
			for i := range rows {
				for r := range int8Columns {
					n := kind.integers(w, &call.x[b*int8Rows+i], r)
					sum := &call.sums[p][i][r]
					*sum = fma32(float32(n[0]+m.start[0][i]), w.scale[r]*m.scale[i], *sum)
					if kind.pairs {
						*sum = fma32(float32(n[1]+m.start[1][i]), w.second[r]*m.scale[i], *sum)
					}
					if kind.minima {
						*sum = fma32(-w.second[r], m.sum[i], *sum)
					}
				}
			}
		}
	}
}

// integers is Σ level·x for column r of a panel, or that of each half.
func (k int8Kind) integers(w *int8Weights, x *int8Input, r int) (n [2]int32) {
	for q, quad := range w.levels {
		half := 0
		if k.pairs {
			half = q / (int8Block / 8)
		}
		for t, u := range quad[r] {
			level := int32(u)
			if k.signed {
				level = int32(int8(u))
			}
			n[half] += level * int32(x[4*q+t])
		}
	}
	return n
}

// fma32 rounds a·b + c once. The product of two float32 is exact in float64; rounding
// the sum to odd there makes the second rounding the only one.
func fma32(a, b, c float32) float32 {
	p, q := float64(a)*float64(b), float64(c)
	s := p + q
	v := s - p
	if e := (p - (s - v)) + (q - v); e != 0 && math.Float64bits(s)&1 == 0 {
		toward := math.Inf(1)
		if e < 0 {
			toward = math.Inf(-1)
		}
		s = math.Nextafter(s, toward)
	}
	return float32(s)
}
