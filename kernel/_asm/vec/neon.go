package main

import (
	"fmt"
	"slices"
	"strings"
)

// neon is the target of arm64, with four parts to a block. Its parts are written
// interleaved, so that each hides the latency of the others.
type neon struct {
	consts *table
	params map[string]int // offset of each parameter, and of the result, by name

	code     []inst
	prologue []inst               // constants that stay in registers
	kept     map[uint32]*register // what prologue loads
	hoist    bool                 // constants may stay
	group    int                  // parts that are interleaved

	general  int // registers given out
	pointers []*pointer
	index    *pointer // of the constants
	scratch  *pointer // for addresses
	labels   int

	part   int
	disp   int      // elements from the pointers to the block of an unrolled loop
	rest   *pointer // 1 to 3 elements are left, so many as it has
	inside *register
}

const neonParts = 4

// register is a vector register, to be chosen. An instruction that would have to
// copy a value first may give it another one.
type register struct{ *virtual }

type virtual struct{ first, last, number int }

// pointer is a general register with an address or a count.
type pointer struct{ number, size int }

// bits32 is a constant.
type bits32 uint32

func (r *register) Asm() string { return fmt.Sprintf("V%d", r.number) }
func (p *pointer) Asm() string  { return fmt.Sprintf("R%d", p.number) }
func (b bits32) Asm() string    { return fmt.Sprintf("%#08x", uint32(b)) }

// An inst is one instruction or label.
type inst struct {
	text  func(r []int) string
	regs  []*virtual
	move  bool // from the second register to the first
	label string
	jump  string
}

func newNeon(signature string, consts *table, hoist bool, group int) *neon {
	a := &neon{consts: consts, params: offsets(signature), kept: map[uint32]*register{}, hoist: hoist, group: group}
	a.index, a.scratch = a.newPointer(1), a.newPointer(1)
	return a
}

// offsets lays out the parameters of func(a, b []float32, s float32) float32, as ABI0 does.
func offsets(signature string) map[string]int {
	list, result, _ := strings.Cut(signature[1:], ")")
	at, pending := 0, []string(nil)
	m := map[string]int{}
	for p := range strings.SplitSeq(list, ", ") {
		name, kind, typed := strings.Cut(p, " ")
		pending = append(pending, name)
		if !typed {
			continue
		}
		size := 24
		if kind == "float32" {
			size = 4
		}
		for _, n := range pending {
			m[n], at = at, at+size
		}
		pending = nil
	}
	if result != "" {
		m["ret"] = (at + 7) &^ 7
		at = m["ret"] + 4
	}
	m["size"] = at
	return m
}

func (a *neon) newPointer(size int) *pointer {
	p := &pointer{a.general, size}
	a.general++
	return p
}

func (a *neon) vec() *register { return &register{&virtual{first: -1}} }

// op writes an instruction without vector registers.
func (a *neon) op(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	a.code = append(a.code, inst{text: func([]int) string { return text }})
}

func (a *neon) label(s string) { a.code = append(a.code, inst{label: s}) }

func (a *neon) jump(target, format string, args ...any) {
	a.op(format+" "+target, args...)
	a.code[len(a.code)-1].jump = target
}

func (a *neon) newLabel(name string) string {
	a.labels++
	return fmt.Sprintf("%s%d", name, a.labels)
}

func (a *neon) one(f func(d int) string, d *register) {
	a.code = append(a.code, inst{text: func(r []int) string { return f(r[0]) }, regs: []*virtual{d.virtual}})
}

func (a *neon) two(f func(d, n int) string, d, n value) {
	x, y := a.in(d), a.in(n)
	a.code = append(a.code, inst{text: func(r []int) string { return f(r[0], r[1]) }, regs: []*virtual{x.virtual, y.virtual}})
}

func (a *neon) three(f func(d, n, m int) string, d, n, m value) {
	x, y, z := a.in(d), a.in(n), a.in(m)
	a.code = append(a.code, inst{
		text: func(r []int) string { return f(r[0], r[1], r[2]) },
		regs: []*virtual{x.virtual, y.virtual, z.virtual},
	})
}

// in is v in a register.
func (a *neon) in(v value) *register {
	b, constant := v.(bits32)
	if !constant {
		return v.(*register)
	}
	if !a.hoist {
		return a.get(v).(*register)
	}
	if r, ok := a.kept[uint32(b)]; ok {
		return r
	}
	code := a.code
	a.code = nil
	r := a.get(v).(*register)
	a.prologue, a.code = append(a.prologue, a.code...), code
	a.kept[uint32(b)] = r
	return r
}

// neonFunction writes one kernel, with as much interleaved and kept as the registers allow.
func neonFunction(b *strings.Builder, k kernel, consts *table) {
	name, params := k.split()
	for _, try := range []struct {
		hoist bool
		group int
	}{{true, 4}, {true, 2}, {false, 2}, {false, 1}} {
		a := newNeon(params, consts, try.hoist, try.group)
		k.write(&asm{a})
		lines, ok := a.assemble()
		if !ok {
			continue
		}
		fmt.Fprintf(b, "\n// func %sNEON%s\nTEXT ·%sNEON(SB), NOSPLIT, $0-%d\n", name, params, name, a.params["size"])
		for _, l := range lines {
			b.WriteString(l + "\n")
		}
		return
	}
	panic(name + ": too few registers")
}

// assemble chooses registers and returns the text.
func (a *neon) assemble() (lines []string, ok bool) {
	code := slices.Concat(a.prologue, a.code)
	if len(a.consts.used) > 0 {
		address := fmt.Sprintf("MOVD $constants<>(SB), %s", a.index.Asm())
		code = append([]inst{{text: func([]int) string { return address }}}, code...)
	}
	if !allocate(code) {
		return nil, false
	}
	for _, i := range code {
		if i.label != "" {
			lines = append(lines, i.label+":")
			continue
		}
		numbers := make([]int, len(i.regs))
		for j, v := range i.regs {
			numbers[j] = v.number
		}
		if i.move && numbers[0] == numbers[1] {
			continue
		}
		lines = append(lines, "\t"+i.text(numbers))
	}
	return lines, true
}

// allocate gives each register a number for the time from its first use to its last,
// or to the end of a loop that it is in from before.
func allocate(code []inst) bool {
	labels := map[string]int{}
	for at, i := range code {
		if i.label != "" {
			labels[i.label] = at
		}
		for _, v := range i.regs {
			if v.first < 0 {
				v.first = at
			}
			v.last = at
		}
	}
	for at, i := range code {
		if start, ok := labels[i.jump]; ok && start < at {
			extend(code[:at], start, at)
		}
	}
	var taken [32]*virtual
	for at, i := range code {
		for n, v := range taken {
			if v != nil && v.last <= at && !(v.last == at && v.first == at) {
				taken[n] = nil
			}
		}
		for _, v := range i.regs {
			if v.first == at && !place(&taken, v, i) {
				return false
			}
		}
	}
	return true
}

func extend(code []inst, start, end int) {
	for _, i := range code {
		for _, v := range i.regs {
			if v.first < start && v.last >= start {
				v.last = max(v.last, end)
			}
		}
	}
}

// place takes a free register; a move takes its source's if that ends there.
func place(taken *[32]*virtual, v *virtual, i inst) bool {
	if i.move && taken[i.regs[1].number] == nil {
		v.number = i.regs[1].number
		taken[v.number] = v
		return true
	}
	for n := range taken {
		if taken[n] == nil {
			v.number, taken[n] = n, v
			return true
		}
	}
	return false
}

// table collects constants, and the masks of 1 to 3 lanes at its beginning.
type table struct {
	offset map[uint32]int
	used   []uint32
}

const maskBytes = 32

func (t *table) at(v uint32) int {
	at, ok := t.offset[v]
	if !ok {
		at = maskBytes + 16*len(t.used)
		t.offset[v] = at
		t.used = append(t.used, v)
	}
	return at
}

func (t *table) data() string {
	var b strings.Builder
	b.WriteString("\n// Four ones and four zeros, then constants in four lanes.\n")
	for i, v := range []uint64{1<<64 - 1, 1<<64 - 1, 0, 0} {
		fmt.Fprintf(&b, "DATA constants<>+%d(SB)/8, $%#016x\n", 8*i, v)
	}
	for _, v := range t.used {
		for i := range 2 {
			fmt.Fprintf(&b, "DATA constants<>+%d(SB)/8, $0x%08x%08x\n", t.at(v)+8*i, v, v)
		}
	}
	fmt.Fprintf(&b, "GLOBL constants<>(SB), RODATA|NOPTR, $%d\n", maskBytes+16*len(t.used))
	return b.String()
}

func neonAssembly() []byte {
	var b strings.Builder
	consts := &table{offset: map[uint32]int{}}
	for _, k := range kernels {
		neonFunction(&b, k, consts)
	}
	head := header + "//go:build !purego\n\n#include \"textflag.h\"\n"
	return []byte(head + consts.data() + b.String())
}
