package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
)

// lanes is the block in which every kernel advances.
const lanes = 16

// asm writes one kernel after the other for one target. A body works on one part
// of a block, a vector register.
type asm struct{ target }

// A value is a vector register, a constant in all lanes of one, or a parameter
// in a general register.
type value = operand.Op

// mask selects lanes: an opmask register, or a vector of all-ones and all-zeros.
type mask struct {
	reg    value
	unless bool // it selects the lanes that are not set
}

// partials are the running sums (or maxima) of a reduction: for each unrolled block, its parts.
type partials [][]value

// predicate is one of VCMPPS.
type predicate uint8

const (
	unordered      predicate = 3
	notLess        predicate = 5    // also true for NaNs
	notLessOrEqual predicate = 6    // also true for NaNs
	greater        predicate = 0x1e // false for NaNs
)

// A target writes instructions. Operands are in the order of the formula: sub(x, y)
// is x-y. The second and third may be constants. Values are new ones except where it
// says that one is replaced.
type target interface {
	memory
	loops
	arithmetic
}

type memory interface {
	slice(name string) value  // the base pointer of a parameter
	length(name string) value // of a slice
	scalar(name string) value // a float32 parameter in all lanes
	bits(v uint32) value      // a constant

	load(p value) value      // reads the current part; lanes beyond the end are 0
	loadOr(p, c value) value // load with a constant in the lanes beyond the end
	loadHalf(p value) value  // of F16
	loadBrain(p value) value // of BF16
	store(v, p value)
	storeHalf(v, p value)
	storeUpper(v, p value) // stores the upper 16 bits of each lane, and changes v
}

type loops interface {
	start()
	// each runs the body over n elements; without partial, over whole blocks.
	each(n value, partial bool, body func())
	partials(unroll int, init func(v value)) partials
	// reduce runs the body over n elements, in blocks that are spread over the partials
	// while there are enough, and returns their fold.
	reduce(n value, p partials, join func(x, y value), body func(acc value)) value
	valid(v value) value // clears the lanes beyond the end
	end()
	result(x value) // ends a kernel that returns a float32
}

type arithmetic interface {
	add(x, y value) value
	sub(x, y value) value
	mul(x, y value) value
	div(x, y value) value
	min(x, y value) value // x is no NaN; y may be
	sqrt(x value) value
	positive(x value) value // x, or 0 where it is less

	mulAdd(p, x, c value)   // replaces p by p·x + c, rounded once
	addMul(acc, x, y value) // replaces acc by acc + x·y, rounded once
	subMul(acc, x, y value) // replaces acc by acc - x·y, rounded once
	plus(x, y value)        // replaces x by x + y
	larger(x, y value)      // replaces x, which is no NaN, by y where that is greater

	and(x, y value) value
	or(x, y value) value
	xor(x, y value) value
	addInt(x, y value) value
	increase(x, y value) // replaces x by x + y as integers
	shiftLeft(x value, by uint8) value
	shiftRight(x value, by uint8) value

	get(c value) value // copies a constant into a register
	set(v, c value)    // replaces v by a constant
	copy(x value) value
	zero(v value)   // replaces v by 0
	nothing() value // 0

	compare(x value, p predicate, y value) mask
	blend(m mask, x, y value) value // x where m is set and y elsewhere
	keep(m mask, x value) value     // x where m is set and 0 elsewhere
}

// constant is v in all lanes.
func (a *asm) constant(v float64) value { return a.bits(math.Float32bits(float32(v))) }
