package main

import (
	"fmt"
	"math"
)

// A blockTiles writes the way from rows of quantised blocks to rows of tiles: the
// bits of tileRowsF32 of the decoded elements. Where an element has a few levels only,
// their values are rounded once for a group and looked up.
//
//	DI dst, R13 bytes between tiles, R15 src, R11 bytes between rows, R10 rows left
//	SI and R12 run along k, CX counts blocks, R14 is how far ahead to fetch
//	Z30, Z31: levels; Z27 to Z29: masks
type blockTiles struct {
	name      string
	bytes     int
	constants func(*gen)
	block     func(*gen)
}

var tileTypes = []blockTiles{
	{"Q8_0", 34, func(*gen) {}, q8Tile},
	{"Q4_0", 18, func(g *gen) { g.op("VMOVUPS levels<>+0(SB), Z30") }, q4Tile},
	{"Q4_K", 144, levelConstants, func(g *gen) { groupTiles(g, 16, 0) }},
	{"Q5_K", 176, levelConstants, func(g *gen) { groupTiles(g, 48, 16) }},
	{"Q6_K", 210, q6TileConstants, q6Tiles},
}

func (t blockTiles) write(g *gen) {
	g.frame("tileRows"+t.name+"AMX", "(dst *byte, dstStep int, src unsafe.Pointer, lds, count, blocks, ahead int)", 64, 56)
	for _, l := range []string{"dst+0(FP), DI", "dstStep+8(FP), R13", "src+16(FP), R15", "lds+24(FP), R11", "count+32(FP), R10", "ahead+48(FP), R14"} {
		g.op("MOVQ %s", l)
	}
	t.constants(g)
	g.label("row")
	g.op("MOVQ R15, SI")
	g.op("MOVQ DI, R12")
	g.op("MOVQ blocks+40(FP), CX")
	g.label("block")
	for at := 0; at < t.bytes; at += 64 {
		g.op("PREFETCHT0 %d(SI)(R14*1)", at)
	}
	t.block(g)
	g.op("ADDQ $%d, SI", t.bytes)
	g.op("DECQ CX")
	g.op("JNZ block")
	g.op("ADDQ R11, R15")
	g.op("ADDQ $64, DI")
	g.op("DECQ R10")
	g.op("JNZ row")
	g.ret()
}

// line stores 32 elements.
func line(g *gen, r int) {
	g.op("VMOVUPS Z%d, (R12)", r)
	g.op("ADDQ R13, R12")
}

// halfAll puts the 16-bit float at an offset of the block into all lanes of r.
func halfAll(g *gen, offset, r int) {
	g.op("VPBROADCASTW %d(SI), Y%d", offset, r)
	g.op("VCVTPH2PS Y%d, Z%d", r, r)
}

func q8Tile(g *gen) {
	halfAll(g, 0, 0)
	for i := range 2 {
		g.op("VPMOVSXBD %d(SI), Z%d", 2+16*i, 1+i)
		g.op("VCVTDQ2PS Z%d, Z%d", 1+i, 1+i)
		g.op("VMULPS Z0, Z%d, Z%d", 1+i, 1+i)
	}
	g.brains(2, 1, 3)
	line(g, 3)
}

// q4Tile looks levels up in two copies of a table, so that the fifth bit of an index does not matter.
func q4Tile(g *gen) {
	halfAll(g, 0, 0)
	g.op("VMULPS Z30, Z0, Z1")
	g.brains(1, 1, 2)
	g.op("VPMOVZXBW 2(SI), Y3")
	g.op("VPSRLW $4, Y3, Y4")
	g.op("VINSERTI64X4 $1, Y4, Z3, Z3")
	g.op("VPERMW Z2, Z3, Z5")
	line(g, 5)
}

// levelConstants: levels 0 to 31, the masks of nibbles and of the fifth bit.
func levelConstants(g *gen) {
	g.op("VMOVUPS levels<>+64(SB), Z30")
	g.op("VMOVUPS levels<>+128(SB), Z31")
	g.op("MOVL $0x000f000f, AX")
	g.op("VPBROADCASTD AX, Z28")
	g.op("MOVL $0x00100010, AX")
	g.op("VPBROADCASTD AX, Z29")
}

// groupTiles decodes 8 groups of 32 with a scale and a minimum each: where the nibbles
// are in the block, and the fifth bits, or 0.
func groupTiles(g *gen, nibbles, fifth int) {
	for i := range 2 {
		g.op("VPBROADCASTW %d(SI), X%d", 2*i, i)
		g.op("VCVTPH2PS X%d, Y%d", i, i)
	}
	groupScales(g)
	g.op("VMOVUPS Y2, scales-64(SP)")
	g.op("VMOVUPS Y3, minima-32(SP)")
	if fifth > 0 {
		g.op("VPMOVZXBW %d(SI), Z9", fifth)
	}
	for group := range 8 {
		index := 4 + group%2
		if group%2 == 0 {
			g.op("VPMOVZXBW %d(SI), Z4", nibbles+16*group)
			g.op("VPSRLW $4, Z4, Z5")
		}
		value := func(levels, dst int) {
			g.op("VMULPS.BCST scales-%d(SP), Z%d, Z%d", 64-4*group, levels, dst)
			g.op("VSUBPS.BCST minima-%d(SP), Z%d, Z%d", 32-4*group, dst, dst)
		}
		value(30, 6)
		if fifth == 0 {
			g.brains(6, 6, 7) // two copies, as in q4Tile
		} else {
			value(31, 8)
			g.brains(8, 6, 7)
			fifthBit(g, group)
			g.op("VPANDQ Z28, Z%d, Z%d", index, index)
			g.op("VPORQ Z10, Z%d, Z%d", index, index)
		}
		g.op("VPERMW Z7, Z%d, Z8", index)
		line(g, 8)
	}
}

// fifthBit moves bit group of the bytes in Z9 to the fifth bit of Z10.
func fifthBit(g *gen, group int) {
	if group <= 4 {
		g.op("VPSLLW $%d, Z9, Z10", 4-group)
	} else {
		g.op("VPSRLW $%d, Z9, Z10", group-4)
	}
	g.op("VPANDQ Z29, Z10, Z10")
}

func q6TileConstants(g *gen) {
	for i, v := range []uint32{0x20202020, 0x0f0f0f0f, 0x30303030} {
		g.op("MOVL $%#08x, AX", v)
		g.op("VPBROADCASTD AX, Y%d", 27+i)
	}
}

// q6Tiles decodes 16 groups of 16 with a scale each, in two halves.
func q6Tiles(g *gen) {
	halfAll(g, 208, 0)
	g.op("VPMOVSXBD 192(SI), Z1")
	g.op("VCVTDQ2PS Z1, Z1")
	g.op("VMULPS Z0, Z1, Z1")
	g.op("VMOVUPS Z1, scales-64(SP)")
	for half := range 2 {
		g.op("VMOVDQU32 %d(SI), Y2", 64*half)
		g.op("VMOVDQU32 %d(SI), Y3", 64*half+32)
		g.op("VMOVDQU32 %d(SI), Y4", 128+32*half)
		for j := range 4 {
			if j == 2 {
				g.op("VPSRLW $4, Y2, Y2")
				g.op("VPSRLW $4, Y3, Y3")
			}
			g.op("VPANDD Y28, Y%d, Y7", 2+j%2)
			bits := 4
			if j != 2 {
				bits = 5
				if j < 2 {
					g.op("VPSLLW $%d, Y4, Y5", 4-2*j)
				} else {
					g.op("VPSRLW $2, Y4, Y5")
				}
			}
			g.op("VPANDD Y29, Y%d, Y6", bits)
			g.op("VPORD Y6, Y7, Y7")
			g.op("VPSUBB Y27, Y7, Y7")
			g.op("VEXTRACTI128 $1, Y7, X8")
			for i, x := range []int{7, 8} {
				g.op("VPMOVSXBD X%d, Z%d", x, x)
				g.op("VCVTDQ2PS Z%d, Z%d", x, x)
				g.op("VMULPS.BCST scales-%d(SP), Z%d, Z%d", 64-4*(8*half+2*j+i), x, x)
			}
			g.brains(8, 7, 10)
			line(g, 10)
		}
	}
}

// levelTables writes the levels of Q4_0, and 0 to 31.
func levelTables(g *gen) {
	g.raw("\n// Floats -8 to 7, then 0 to 31.\n")
	for i := range 48 {
		v := float32(i - 8)
		if i >= 16 {
			v = float32(i - 16)
		}
		g.data("DATA levels<>+%d(SB)/4, $0x%08x", 4*i, math.Float32bits(v))
	}
	g.data("GLOBL levels<>(SB), RODATA|NOPTR, $192")
}

// frame is fn for a function with some bytes of its own on the stack.
func (g *gen) frame(name, signature string, frame, size int) {
	g.raw(fmt.Sprintf("\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $%d-%d\n", name, signature, name, frame, size))
}
