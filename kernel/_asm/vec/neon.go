package main

import "fmt"

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
	indexed  bool     // index is in use
	scratch  *pointer // for addresses
	labels   int

	part   int
	disp   int       // elements from the pointers to the block of an unrolled loop
	rest   *pointer  // 1 to 3 elements are left, so many as it has
	inside *register // selects them
}

const neonParts = 4

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
