package main

import "strings"

// int8Wide writes the product of 4 rows of activations by two panels. Its loop is a
// pipeline: while products of one block, or of half of it if there are two scales, are
// added up, the sums of the one before, in the other registers, are scaled.
func int8Wide(g *gen, kind string) {
	even, odd := int8Tiling{kind, 4, 2, 0}, int8Tiling{kind, 4, 2, 24}
	even.begin(g)
	if kind == "Pairs" {
		int8WideHalves(g, even, odd)
	} else {
		int8WideBlocks(g, even, odd)
	}
	even.end(g)
}

func int8WideBlocks(g *gen, even, odd int8Tiling) {
	even.dots(g, 0, 8)
	even.advance(g)
	g.op("DECQ CX")
	g.op("JZ lastEven")
	g.label("loop")
	interleave(g, func(g *gen) { odd.dots(g, 0, 8) }, func(g *gen) { even.scale(g, 0, -1) })
	even.advance(g)
	g.op("DECQ CX")
	g.op("JZ lastOdd")
	interleave(g, func(g *gen) { even.dots(g, 0, 8) }, func(g *gen) { odd.scale(g, 0, -1) })
	even.advance(g)
	g.op("DECQ CX")
	g.op("JNZ loop")
	g.label("lastEven")
	even.scale(g, 0, -1)
	g.op("JMP done")
	g.label("lastOdd")
	odd.scale(g, 0, -1)
	g.label("done")
}

func int8WideHalves(g *gen, even, odd int8Tiling) {
	even.dots(g, 0, 4)
	g.label("loop")
	interleave(g, func(g *gen) { odd.dots(g, 4, 8) }, func(g *gen) { even.scale(g, 0, 0) })
	even.advance(g)
	g.op("DECQ CX")
	g.op("JZ last")
	interleave(g, func(g *gen) { even.dots(g, 0, 4) }, func(g *gen) { odd.scale(g, 1, -1) })
	g.op("JMP loop")
	g.label("last")
	odd.scale(g, 1, -1)
}

// interleave spreads the instructions of one function among the more of another.
func interleave(g *gen, more, few func(*gen)) {
	lines := func(f func(*gen)) []string {
		var part gen
		f(&part)
		return strings.SplitAfter(strings.TrimSuffix(part.b.String(), "\n"), "\n")
	}
	a, b := lines(more), lines(few)
	done := 0
	for i, line := range a {
		g.raw(strings.TrimSuffix(line, "\n") + "\n")
		for ; done < len(b)*(i+1)/len(a); done++ {
			g.raw(strings.TrimSuffix(b[done], "\n") + "\n")
		}
	}
}
