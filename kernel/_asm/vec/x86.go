package main

import (
	"fmt"
	"math"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// x86 is the target of one register width, AVX2 or AVX-512. AVX2 has two parts to a block.
type x86 struct {
	*build.Context
	wide   bool
	consts map[uint32]operand.Mem

	index  reg.GPVirtual
	part   int
	disp   int // bytes from the index to the block of an unrolled loop
	masked bool
	mask   [2]mask
}

func (a *x86) parts() int {
	if a.wide {
		return 1
	}
	return 2
}

func (a *x86) vec() reg.VecVirtual {
	if a.wide {
		return a.ZMM()
	}
	return a.YMM()
}

// bits returns a memory operand.
func (a *x86) bits(v uint32) value {
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
func (a *x86) maskTable() operand.Mem {
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

func (a *x86) slice(name string) value { return a.Load(a.Param(name).Base(), a.GP64()) }

func (a *x86) length(name string) value { return a.Load(a.Param(name).Len(), a.GP64()) }

func (a *x86) scalar(name string) value {
	p, err := a.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := a.vec()
	a.VBROADCASTSS(p.Addr, v)
	return v
}

// at addresses the current part of the current block, of elements of the given size.
func (a *x86) at(p value, size int) operand.Mem {
	return operand.Mem{
		Base: p.(reg.Register), Index: a.index, Scale: uint8(size),
		Disp: (a.disp + 8*a.part) * size,
	}
}

func (a *x86) load(p value) value {
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

func (a *x86) loadOr(p, c value) value {
	v := a.load(p)
	if a.masked {
		rest := a.vec()
		a.VMOVUPS(c, rest)
		return a.blend(a.mask[a.part], v, rest)
	}
	return v
}

func (a *x86) valid(v value) value {
	if a.masked {
		return a.keep(a.mask[a.part], v)
	}
	return v
}

func (a *x86) store(v, p value) {
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
func (a *x86) block(body func()) {
	for a.part = range a.parts() {
		body()
	}
	a.part = 0
}

// steps repeats the body while n has step more elements.
func (a *x86) steps(label string, n value, step int, body func()) {
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

func (a *x86) start() {
	a.index = a.GP64()
	a.XORQ(a.index, a.index)
}

// each masks a last incomplete block.
func (a *x86) each(n value, partial bool, body func()) {
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

func (a *x86) setMask(n value) {
	table := a.GP64()
	a.LEAQ(a.maskTable().Offset(4*lanes), table)
	a.SHLQ(operand.U8(2), n)
	a.SUBQ(n, table)
	for part := range a.parts() {
		v := a.vec()
		a.VMOVUPS(operand.Mem{Base: table, Disp: 32 * part}, v)
		if !a.wide {
			a.mask[part] = mask{reg: v}
			continue
		}
		k := a.K()
		a.VPMOVD2M(v, k)
		a.mask[part] = mask{reg: k}
	}
}

func (a *x86) partials(unroll int, init func(v value)) partials {
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

func (a *x86) reduce(n value, p partials, join func(x, y value), body func(acc value)) value {
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
func (a *x86) fold(p partials, join func(x, y value)) value {
	for w := 1; w < len(p); w *= 2 {
		for u := 0; u < len(p); u += 2 * w {
			for part := range p[u] {
				join(p[u][part], p[u+w][part])
			}
		}
	}
	y := p[0][0].(reg.VecVirtual)
	if a.wide {
		hi := a.YMM()
		a.VEXTRACTF32X8(operand.U8(1), p[0][0], hi)
		y = y.AsY().(reg.VecVirtual)
		join(y, hi)
	} else {
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

func (a *x86) result(x value) {
	a.VZEROUPPER()
	a.Store(x.(reg.Register), a.ReturnIndex(0))
	a.RET()
}

func (a *x86) end() {
	a.VZEROUPPER()
	a.RET()
}

func (a *x86) loadHalf(p value) value {
	v := a.vec()
	a.VCVTPH2PS(a.at(p, 2), v)
	return v
}

func (a *x86) loadBrain(p value) value {
	v := a.vec()
	a.VPMOVZXWD(a.at(p, 2), v)
	a.VPSLLD(operand.U8(16), v, v)
	return v
}

func (a *x86) storeHalf(v, p value) { a.VCVTPS2PH(operand.U8(0), v, a.at(p, 2)) }

func (a *x86) storeUpper(v, p value) {
	a.VPSRLD(operand.U8(16), v, v)
	if a.wide {
		a.VPMOVDW(v, a.at(p, 2))
		return
	}
	a.VPACKUSDW(v, v, v)
	a.VPERMQ(operand.U8(0xd8), v, v)
	a.VMOVDQU(v.(reg.VecVirtual).AsX(), a.at(p, 2))
}
