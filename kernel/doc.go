// Package kernel holds the numeric kernels on plain slices: a Go reference of
// each, and assembly chosen once at start-up.
//
// # Arithmetic of the matrix products
//
// The bits of a product depend on the values that enter each element and on
// nothing else: not on the number of workers, the number of rows or columns,
// the strides, the way the operands are stored, nor on AVX2 or AVX-512. With k
// cut into blocks of 256, an element of c = a·b is
//
//	for each block in order:
//		sum = 0
//		for t in block, increasing:
//			sum = fma(a[t], b[t], sum)
//		c = sum for the first block (c + sum when accumulating), c + sum for the others
//
// in float32, F16 and BF16 operands being widened exactly. A row therefore has
// the same product alone, as decoding computes it, and among many, as prefill
// does. The Go reference keeps the order but rounds twice in each step where
// the platform has no fused multiply-add.
package kernel
