// Package kernel holds the numeric kernels on plain slices: a Go reference of
// each, and assembly chosen once at start-up.
//
// # Arithmetic of the matrix products
//
// The bits of a product depend on the values that enter each element and on
// nothing else: not on the number of workers, the number of rows or columns,
// the strides, the way the operands are stored, nor on AVX2, AVX-512 or NEON. With k
// cut into blocks of 256, an element of c = a·b is
//
//	for each block in order:
//		sum = 0
//		for t in block, increasing:
//			sum = fma(a[t], b[t], sum)
//		c = sum for the first block (c + sum when accumulating), c + sum for the others
//
// in float32, F16 and BF16 operands being widened exactly and quantised ones decoded
// as by ToF32. A row therefore has the same product alone, as decoding computes it,
// and among many, as prefill does. The Go reference keeps the order but rounds twice
// in each step where the platform has no fused multiply-add.
//
// # Arithmetic of the element-wise kernels
//
// They compute every element by one sequence of float32 operations, so that its
// bits depend neither on AVX2, AVX-512 or NEON nor on its place in the slice. Reductions
// keep 64 partial sums (16 where each term is an exponential): element i of a whole
// block goes to partial sum i mod 64, the rest to i mod 16. They are folded in a
// fixed tree, and runs of 4,096 elements are added up in float64. The Go reference
// has the same polynomials and the same order, and rounds twice where the assembly
// fuses a product and a sum. A destination may be the same slice as a source; it
// must not overlap one in any other way. Slices of different lengths panic.
package kernel
