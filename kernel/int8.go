package kernel

import (
	"math"
	"unsafe"
)

// Products of activations rounded to 8 bits by quantised weights. A block is 32
// elements of k. Weights are packed for 16 rows of b side by side, activations for 8
// rows of a.
const (
	int8Block   = 32
	int8Columns = 16 // rows of b in a panel
	int8Rows    = 8  // rows of a side by side
)

// int8Inputs is a block of 16 rows of activations.
type int8Inputs [2 * int8Rows][int8Block]int8

// int8Weights is a block of a panel: lane r of quad q has levels 4q to 4q+3 of row r.
// Their zero is taken off where the matrix unit multiplies them, which wants signs;
// VNNI wants none.
type int8Weights struct {
	levels [int8Block / 4][int8Columns][4]uint8
	scale  [int8Columns]float32
	second [int8Columns]float32 // scale of elements 16 on, or minimum
}

// int8Meta tells of a block of activations.
type int8Meta struct {
	start [2][int8Rows]int32 // what the integer sums start with: the levels' zero times the elements, of each half if there are two scales
	scale [int8Rows]float32
	sum   [int8Rows]float32 // of the elements
}

// int8Sums are those of up to 16 rows of activations.
type int8Sums [2 * int8Rows][int8Columns]float32

const (
	int8WeightBytes = int(unsafe.Sizeof(int8Weights{}))
	int8MetaBytes   = int(unsafe.Sizeof(int8Meta{}))
)

// An int8Kind says what the levels of a dtype stand for: scale·(level - zero), or
// scale·level - minimum.
type int8Kind struct {
	zero   int32
	pairs  bool // the two halves of a block have scales of their own
	minima bool
}

// offset is what the unpacking of a dtype takes off its levels as they are stored: Q8_0
// has signs, the others have none.
func (k int8Kind) offset(d DType, signed bool) int {
	switch {
	case d == Q8_0 && !signed:
		return int(k.zero) // as good as adding it, in 8 bits
	case d != Q8_0 && signed:
		return int(k.zero)
	}
	return 0
}

func int8KindOf(d DType) (kind int8Kind, ok bool) {
	switch d {
	case Q8_0:
		return int8Kind{zero: 128}, true
	case Q4_0:
		return int8Kind{zero: 8}, true
	case Q4_K, Q5_K:
		return int8Kind{minima: true}, true
	case Q6_K:
		return int8Kind{zero: 32, pairs: true}, true
	}
	return kind, false
}

// int8RoundGeneric rounds whole blocks of a row of 16 to 8 bits: to x·127/max|x|,
// nearest, ties to even. For each block, meta receives the scale and the sums of both halves.
func int8RoundGeneric(q []int8Inputs, meta []int8Meta, row int, x []float32) {
	for b := range len(x) / int8Block {
		block, m, row8 := x[b*int8Block:(b+1)*int8Block], &meta[b], row%int8Rows
		most := abs(extreme(block))
		var scale float32
		if most > 0 {
			scale = 127 / most
		}
		m.scale[row8] = most / 127
		m.start[0][row8], m.start[1][row8] = 0, 0
		for i, v := range block {
			if v != v {
				m.scale[row8] = v
			}
			level := int8(min(max(math.RoundToEven(float64(float32(v*scale))), -128), 127))
			q[b][row][i] = level
			m.start[i/16][row8] += int32(level)
		}
	}
}

// finish turns the sums of elements into what a kind of weights needs.
func (k int8Kind) finish(meta []int8Meta, rows int) {
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
			m.start[0][i], m.start[1][i] = -k.zero*first, -k.zero*second
		}
	}
}

// int8MicroGeneric adds the products of some rows of x, from row first on, by a panel to sums:
//
//	for each block:
//		n = start + Σ level·x, exactly
//		sum = fma(float(n), scale·meta.scale, sum), for each half if there are two scales
//		sum = fma(-minimum, meta.sum, sum), if there are minima
func int8MicroGeneric(kind int8Kind, weights []int8Weights, x []int8Inputs, first int, meta []int8Meta, rows int, sums *int8Sums) {
	for b := range weights {
		w, m := &weights[b], &meta[b]
		for i := range rows {
			row := &x[b][first+i]
			for r := range int8Columns {
				n := [2]int32{m.start[0][i], m.start[1][i]}
				for t, v := range row {
					half := 0
					if kind.pairs {
						half = t / 16
					}
					n[half] += int32(w.levels[t/4][r][t%4]) * int32(v)
				}
				s := sums[i][r] + float32(float32(n[0])*float32(w.scale[r]*m.scale[i]))
				if kind.pairs {
					s += float32(float32(n[1]) * float32(w.second[r]*m.scale[i]))
				}
				if kind.minima {
					s -= float32(w.second[r] * m.sum[i])
				}
				sums[i][r] = s
			}
		}
	}
}
