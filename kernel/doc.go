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
// # Arithmetic of products in bfloat16
//
// A Pool whose Compute is BF16 rounds both operands to bfloat16, to the nearest, ties
// to even, whatever they are stored as. With k cut into blocks of 32, an element is
//
//	sum = 0
//	for each block in order:
//		even, odd = 0, 0
//		for t in block, two by two:
//			even = fma(a[t], b[t], even)
//			odd = fma(a[t+1], b[t+1], odd)
//		sum = sum + (even + odd)
//	c = sum + bias, c + that when accumulating
//
// in float32, subnormal numbers being zero: what a matrix unit does with a tile. The
// products of bfloat16 are exact in float32, so the Go reference has the same bits but
// where they underflow.
//
// # Arithmetic of products in 8 bits
//
// A Pool whose Compute is I8 multiplies by quantised weights, in the form NT, in
// integers. Each row of a is rounded in blocks of 32 elements, for weights with blocks
// of 256 too: the scale s of a block is max|a|/127, its levels are a·(127/max|a|),
// rounded to the nearest, ties to even, and clipped to int8. What is no finite number
// makes the scale none. Every quantised dtype has levels l, with a zero z or a minimum
// m, and a scale d for each group, of 32 elements or 16. With n = Σ (l - z)·level over
// a group, which is exact, an element of the product is
//
//	sum = 0
//	for each group in order:
//		sum = fma(float(n), d·s, sum)
//		sum = fma(-m, s·float(Σ level), sum), if there are minima
//	c = sum + bias, c + that when accumulating
//
// in float32, each operation rounded once. The Go reference computes the same bits on
// every platform: alone or among many, on any number of workers, with VNNI, matrix
// units or neither.
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
