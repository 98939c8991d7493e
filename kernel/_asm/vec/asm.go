package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes is the block in which every kernel advances: one ZMM register or two YMM registers.
const lanes = 16

// asm writes one kernel after the other for one register width. A body works on
// one part of a block, a register; AVX2 has two parts to a block.
type asm struct {
	*build.Context
	wide   bool
	consts map[uint32]operand.Mem

	index  reg.GPVirtual
	part   int
	disp   int // bytes from the index to the block of an unrolled loop
	masked bool
	mask   [2]mask
}

// mask selects lanes: an opmask register, or a vector of all-ones and all-zeros.
type mask struct{ reg reg.Register }

func (a *asm) parts() int {
	if a.wide {
		return 1
	}
	return 2
}

func (a *asm) vec() reg.VecVirtual {
	if a.wide {
		return a.ZMM()
	}
	return a.YMM()
}

// constant returns a memory operand with v in all lanes.
func (a *asm) constant(v float64) operand.Mem { return a.bits(math.Float32bits(float32(v))) }

func (a *asm) bits(v uint32) operand.Mem {
	if m, ok := a.consts[v]; ok {
		return m
	}
	m := a.StaticGlobal(fmt.Sprintf("c%08x", v))
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 8 {
		a.AddDatum(8*i, operand.U64(uint64(v)<<32|uint64(v)))
	}
	a.consts[v] = m
	return m
}

// masks returns the table from which lanes-n bytes further begins the mask of n lanes.
func (a *asm) maskTable() operand.Mem {
	if m, ok := a.consts[0xffffffff]; ok {
		return m
	}
	m := a.StaticGlobal("tail")
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range lanes {
		v := uint64(math.MaxUint64)
		if i >= lanes/2 {
			v = 0
		}
		a.AddDatum(8*i, operand.U64(v))
	}
	a.consts[0xffffffff] = m
	return m
}

// slice returns the base pointer of a slice parameter.
func (a *asm) slice(name string) reg.Register { return a.Load(a.Param(name).Base(), a.GP64()) }

func (a *asm) len(name string) reg.Register { return a.Load(a.Param(name).Len(), a.GP64()) }

// scalar broadcasts a float32 parameter.
func (a *asm) scalar(name string) reg.VecVirtual {
	p, err := a.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := a.vec()
	a.VBROADCASTSS(p.Addr, v)
	return v
}

// at addresses the current part of the current block, of elements of the given size.
func (a *asm) at(p reg.Register, size int) operand.Mem {
	return operand.Mem{
		Base: p, Index: a.index, Scale: uint8(size),
		Disp: (a.disp + 8*a.part) * size,
	}
}

// load reads the current part; lanes beyond the end are 0.
func (a *asm) load(p reg.Register) reg.VecVirtual {
	v, m := a.vec(), a.at(p, 4)
	switch {
	case !a.masked:
		a.VMOVUPS(m, v)
	case a.wide:
		a.VMOVUPS_Z(m, a.mask[0].reg, v)
	default:
		a.VMASKMOVPS(m, a.mask[a.part].reg, v)
	}
	return v
}

// loadOr is load with a constant in the lanes beyond the end.
func (a *asm) loadOr(p reg.Register, c operand.Mem) reg.VecVirtual {
	v := a.load(p)
	if a.masked {
		rest := a.vec()
		a.VMOVUPS(c, rest)
		return a.blend(a.mask[a.part], v, rest)
	}
	return v
}

// valid clears the lanes beyond the end.
func (a *asm) valid(v reg.VecVirtual) reg.VecVirtual {
	if a.masked {
		return a.keep(a.mask[a.part], v)
	}
	return v
}

func (a *asm) store(v reg.VecVirtual, p reg.Register) {
	m := a.at(p, 4)
	switch {
	case !a.masked:
		a.VMOVUPS(v, m)
	case a.wide:
		a.VMOVUPS(v, a.mask[0].reg, m)
	default:
		a.VMASKMOVPS(v, a.mask[a.part].reg, m)
	}
}

// block writes the body for each part of one block.
func (a *asm) block(body func()) {
	for a.part = range a.parts() {
		body()
	}
	a.part = 0
}

// steps repeats the body while n has step more elements.
func (a *asm) steps(label string, n reg.Register, step int, body func()) {
	a.SUBQ(operand.I32(step), n)
	a.JL(operand.LabelRef(label + "done"))
	a.Label(label)
	body()
	a.ADDQ(operand.I32(step), a.index)
	a.SUBQ(operand.I32(step), n)
	a.JGE(operand.LabelRef(label))
	a.Label(label + "done")
	a.ADDQ(operand.I32(step), n)
}

func (a *asm) start() {
	a.index = a.GP64()
	a.XORQ(a.index, a.index)
}

// each runs the body over n elements; when partial, a last incomplete block is masked.
func (a *asm) each(n reg.Register, partial bool, body func()) {
	a.steps("block", n, lanes, func() { a.block(body) })
	if !partial {
		return
	}
	a.TESTQ(n, n)
	a.JE(operand.LabelRef("end"))
	a.setMask(n)
	a.masked = true
	a.block(body)
	a.masked = false
	a.Label("end")
}

func (a *asm) setMask(n reg.Register) {
	table := a.GP64()
	a.LEAQ(a.maskTable().Offset(4*lanes), table)
	a.SHLQ(operand.U8(2), n)
	a.SUBQ(n, table)
	for part := range a.parts() {
		v := a.vec()
		a.VMOVUPS(operand.Mem{Base: table, Disp: 32 * part}, v)
		if !a.wide {
			a.mask[part] = mask{v}
			continue
		}
		k := a.K()
		a.VPMOVD2M(v, k)
		a.mask[part] = mask{k}
	}
}

// partials are the running sums (or maxima) of a reduction: for each unrolled block, its parts.
type partials [][]reg.VecVirtual

func (a *asm) partials(unroll int, init func(v reg.VecVirtual)) partials {
	p := make(partials, unroll)
	for u := range p {
		for range a.parts() {
			v := a.vec()
			init(v)
			p[u] = append(p[u], v)
		}
	}
	return p
}

func (a *asm) zero(v reg.VecVirtual) { a.VXORPS(v, v, v) }

// reduce runs the body over n elements, in blocks that are spread over the partials
// while there are enough, and returns their fold.
func (a *asm) reduce(n reg.Register, p partials, join func(x, y reg.VecVirtual), body func(acc reg.VecVirtual)) reg.VecVirtual {
	if len(p) > 1 {
		a.steps("blocks", n, lanes*len(p), func() {
			for u := range p {
				a.disp = lanes * u
				a.block(func() { body(p[u][a.part]) })
			}
			a.disp = 0
		})
	}
	a.each(n, true, func() { body(p[0][a.part]) })
	return a.fold(p, join)
}

// fold joins the partials in the order documented in vec.go.
func (a *asm) fold(p partials, join func(x, y reg.VecVirtual)) reg.VecVirtual {
	for w := 1; w < len(p); w *= 2 {
		for u := 0; u < len(p); u += 2 * w {
			for part := range p[u] {
				join(p[u][part], p[u+w][part])
			}
		}
	}
	var y reg.VecVirtual
	if a.wide {
		hi := a.YMM()
		a.VEXTRACTF32X8(operand.U8(1), p[0][0], hi)
		y = p[0][0].AsY().(reg.VecVirtual)
		join(y, hi)
	} else {
		y = p[0][0]
		join(y, p[0][1])
	}
	x, hi := y.AsX().(reg.VecVirtual), a.XMM()
	a.VEXTRACTF128(operand.U8(1), y, hi)
	join(x, hi)
	a.VMOVHLPS(x, x, hi)
	join(x, hi)
	a.VMOVSHDUP(x, hi)
	join(x, hi)
	return x
}

// result ends a kernel that returns a float32.
func (a *asm) result(x reg.VecVirtual) {
	a.VZEROUPPER()
	a.Store(x, a.ReturnIndex(0))
	a.RET()
}

func (a *asm) end() {
	a.VZEROUPPER()
	a.RET()
}
