package main

import (
	"fmt"
	"slices"
	"strings"
)

// neonAssembly writes all kernels.
func neonAssembly() []byte {
	var b strings.Builder
	consts := &table{offset: map[uint32]int{}}
	for _, k := range kernels {
		neonFunction(&b, k, consts)
	}
	head := header + "//go:build !purego\n\n#include \"textflag.h\"\n"
	return []byte(head + consts.data() + b.String())
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
	if a.indexed {
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
