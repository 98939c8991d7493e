package kernel

//go:generate go run -C _asm ./gemm -out ..
//go:generate go run -C _asm ./neon -out ..

import (
	"fmt"
	"sync"
)

// blockK is the length of a chain of multiply-adds; see the package comment.
// Changing it changes the bits of every result.
const blockK = 256

// GemmNT computes c = a·bᵀ, or c += a·bᵀ when accumulate is set, for c [m, n],
// a [m, k] and b [n, k]: the layer y = x·Wᵀ. c and a are F32; b is F32, F16, BF16
// or quantised. c must not overlap the operands. Shapes that do not fit panic.
func (p *Pool) GemmNT(c, a, b Mat, accumulate bool) {
	checkGemm("GemmNT", c, a, b, c.Rows == a.Rows && c.Cols == b.Rows && a.Cols == b.Cols)
	p.multiply(c, operandOf(a, false), operandOf(b, false), a.Cols, accumulate)
}

// Linear computes c = a·bᵀ + bias, for a bias of n floats or nil.
func (p *Pool) Linear(c, a, b Mat, bias []float32) {
	if bias == nil {
		p.GemmNT(c, a, b, false)
		return
	}
	match("Linear", c.Cols, len(bias))
	if x := operandOf(b, false); p.road(&x) != F32 {
		p.bias = bias
		p.GemmNT(c, a, b, false)
		p.bias = nil
		return
	}
	for i := range c.Rows {
		copy(c.F32[i*c.Stride:i*c.Stride+c.Cols], bias)
	}
	p.GemmNT(c, a, b, true)
}

// road is the arithmetic of a product by b.
func (p *Pool) road(b *operand) DType {
	switch {
	case p != nil && p.Compute == I8 && takesInt8(b):
		return I8
	case p.Rounds():
		return BF16
	}
	return F32
}

// GemmNN computes c = a·b, or c += a·b when accumulate is set, for c [m, n],
// a [m, k] and b [k, n]: the gradient dx = dy·W. The dtypes are those of GemmNT.
func (p *Pool) GemmNN(c, a, b Mat, accumulate bool) {
	checkGemm("GemmNN", c, a, b, c.Rows == a.Rows && c.Cols == b.Cols && a.Cols == b.Rows)
	p.multiply(c, operandOf(a, false), operandOf(b, true), a.Cols, accumulate)
}

// GemmTN computes c = aᵀ·b, or c += aᵀ·b when accumulate is set, for c [m, n],
// a [k, m] and b [k, n]: the gradient dW += dyᵀ·x. The dtypes are those of GemmNT.
func (p *Pool) GemmTN(c, a, b Mat, accumulate bool) {
	checkGemm("GemmTN", c, a, b, c.Rows == a.Cols && c.Cols == b.Cols && a.Rows == b.Rows)
	p.multiply(c, operandOf(a, true), operandOf(b, true), a.Rows, accumulate)
}

func checkGemm(op string, c, a, b Mat, fits bool) {
	if !fits {
		panic(fmt.Sprintf("kernel: %s: c %s, a %s, b %s", op, c.shape(), a.shape(), b.shape()))
	}
	if c.DType != F32 || a.DType != F32 {
		panic(fmt.Sprintf("kernel: %s: c is %v, a is %v, want F32", op, c.DType, a.DType))
	}
	c.check(op, "c")
	a.check(op, "a")
	b.check(op, "b")
}

// serial lends pools of one worker, with their scratch, to calls on a nil pool.
var serial = sync.Pool{New: func() any { return NewPool(1) }}

func (p *Pool) multiply(c Mat, a, b operand, k int, accumulate bool) {
	if c.Rows == 0 || c.Cols == 0 {
		return
	}
	if k == 0 {
		if !accumulate {
			for i := range c.Rows {
				clear(c.F32[i*c.Stride : i*c.Stride+c.Cols])
			}
		}
		return
	}
	if p == nil {
		p = serial.Get().(*Pool)
		defer serial.Put(p)
	}
	switch p.road(&b) {
	case I8:
		p.int8.run(p, c, a, b, k, accumulate, p.bias)
	case BF16:
		p.tiles.run(p, c, a, b, k, accumulate, p.bias)
	default:
		p.gemm.run(p, c, a, b, k, accumulate)
	}
}
