package main

import (
	"fmt"
	"math"
)

// A blockTiles writes the way from a panel of rows of quantised blocks to tiles: the
// bits of tileRowsF32 of the decoded elements. Where an element has a few levels only,
// their values are rounded once for a group and looked up. Meanwhile the tiles that
// were packed before may be multiplied by a column: the matrix unit works between rows.
//
//	DI dst, R15 src, R11 bytes between rows, R10 row, R13 call, R14 how far ahead to fetch
//	SI and R12 run along k, CX counts blocks
//	Z30, Z31: levels; Z25 to Z29: masks
type blockTiles struct {
	name      string
	bytes     int
	constants func(*gen)
	scales    func(*gen) // of all blocks of a row; may be nil
	block     func(*gen)
}

var tileTypes = []blockTiles{
	{"Q8_0", 34, func(g *gen) { gatherConstants(g, 34) }, gatherScales, q8Tile},
	{"Q4_0", 18, q4TileConstants, gatherScales, q4Tile},
	{"Q4_K", 144, levelConstants, nil, func(g *gen) { groupTiles(g, 16, 0) }},
	{"Q5_K", 176, levelConstants, nil, func(g *gen) { groupTiles(g, 48, 16) }},
	{"Q6_K", 210, q6TileConstants, nil, q6Tiles},
	{"F16", 64, func(*gen) {}, nil, f16Tile},
}

func (t blockTiles) write(g *gen) {
	g.frame("tilePack"+t.name+"AMX", "(config *tileConfig, call *packCall)", 64, 16)
	g.op("MOVQ call+8(FP), R13")
	g.op("CMPQ 48(R13), $0")
	g.op("JEQ packOnly")
	g.op("MOVQ config+0(FP), AX")
	g.tileConfig()
	startSums(g)
	g.label("packOnly")
	for _, l := range []string{"0(R13), DI", "8(R13), R15", "16(R13), R11", "40(R13), R14"} {
		g.op("MOVQ %s", l)
	}
	t.constants(g)
	g.op("XORQ R10, R10")
	g.label("row")
	g.op("CMPQ R10, 24(R13)")
	g.op("JGE packed")
	g.op("MOVQ R15, SI")
	g.op("MOVQ DI, R12")
	g.op("MOVQ 32(R13), CX")
	if t.scales != nil {
		t.scales(g)
	}
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
	g.label("packed")
	multiplyTile(g)
	g.op("INCQ R10")
	g.op("CMPQ R10, $32")
	g.op("JLT row")
	g.op("CMPQ 48(R13), $0")
	g.op("JEQ done")
	g.op("MOVQ $4, AX")
	g.op("MOVQ 64(R13), DX")
	g.tileStore(0, "DX", "AX", 0)
	g.tileStore(1, "DX", "AX", 64)
	g.tileRelease()
	g.label("done")
	g.ret()
}

// startSums begins the sums of the column's product, or goes on with them.
func startSums(g *gen) {
	g.op("CMPQ 72(R13), $0")
	g.op("JEQ clear")
	g.op("MOVQ $4, AX")
	g.op("MOVQ 64(R13), DX")
	g.tileLoad(0, "DX", "AX", 0)
	g.tileLoad(1, "DX", "AX", 64)
	g.op("JMP packOnly")
	g.label("clear")
	g.tileZero(0)
	g.tileZero(1)
}

// multiplyTile multiplies tile R10 of the panel packed before, if there is one: two to a step.
func multiplyTile(g *gen) {
	g.op("CMPQ R10, 80(R13)")
	g.op("JGE multiplied")
	g.op("MOVQ R10, AX")
	g.op("SHLQ $10, AX")
	g.op("ADDQ 48(R13), AX")
	g.op("MOVQ $64, BX")
	g.op("TESTQ $1, R10")
	g.op("JNZ second")
	g.op("MOVQ R10, DX")
	g.op("SHLQ $5, DX")
	g.op("ADDQ 56(R13), DX")
	g.op("MOVQ $4, R8")
	g.tileLoad(6, "DX", "R8", 0)
	g.tileLoad(4, "AX", "BX", 0)
	g.tileDot(0, 4, 6)
	g.op("JMP multiplied")
	g.label("second")
	g.tileLoad(5, "AX", "BX", 0)
	g.tileDot(1, 5, 6)
	g.label("multiplied")
}

// line stores 32 elements.
func line(g *gen, r int) {
	g.op("VMOVUPS Z%d, (R12)", r)
	g.op("ADDQ $2048, R12")
}

// halfAll puts the 16-bit float at an offset of the block into all lanes of r.
func halfAll(g *gen, offset, r int) {
	g.op("VPBROADCASTW %d(SI), Y%d", offset, r)
	g.op("VCVTPH2PS Y%d, Z%d", r, r)
}

// gatherConstants puts the offsets of the first words of 16 blocks into Z26.
func gatherConstants(g *gen, bytes int) {
	g.op("MOVL $%d, AX", bytes)
	g.op("VPBROADCASTD AX, Z26")
	g.op("VCVTPS2DQ levels<>+64(SB), Z0")
	g.op("VPMULLD Z0, Z26, Z26")
	g.op("MOVL $0xffff, AX")
	g.op("VPBROADCASTD AX, Z25")
}

// gatherScales leaves the scales of the CX blocks from SI on, at most 16, in scales; BX points to them.
func gatherScales(g *gen) {
	g.op("MOVL $-1, AX")
	g.op("BZHIL CX, AX, AX")
	g.op("KMOVW AX, K1")
	g.op("VPXORD Z0, Z0, Z0")
	g.op("VPGATHERDD (SI)(Z26*1), K1, Z0")
	g.op("VPANDD Z25, Z0, Z0")
	g.op("VPMOVDW Z0, Y0")
	g.op("VCVTPH2PS Y0, Z0")
	g.op("VMOVUPS Z0, scales-64(SP)")
	g.op("LEAQ scales-64(SP), BX")
}

func q8Tile(g *gen) {
	g.op("VBROADCASTSS (BX), Z0")
	g.op("ADDQ $4, BX")
	for i := range 2 {
		g.op("VPMOVSXBD %d(SI), Z%d", 2+16*i, 1+i)
		g.op("VCVTDQ2PS Z%d, Z%d", 1+i, 1+i)
		g.op("VMULPS Z0, Z%d, Z%d", 1+i, 1+i)
	}
	g.brains(2, 1, 3)
	line(g, 3)
}

// q4TileConstants: levels -8 to 7; how bytes become words, and by how much the words shift.
func q4TileConstants(g *gen) {
	gatherConstants(g, 18)
	g.op("VMOVUPS levels<>+0(SB), Z30")
	g.op("VMOVDQU32 bytesUp<>+0(SB), Z29")
	g.op("VMOVDQU32 bytesUp<>+64(SB), Z28")
}

// q4Tile looks levels up in two copies of a table, so that the fifth bit of an index does not matter.
func q4Tile(g *gen) {
	g.op("VMULPS.BCST (BX), Z30, Z1")
	g.op("ADDQ $4, BX")
	g.brains(1, 1, 2)
	g.op("VBROADCASTI32X4 2(SI), Z3")
	g.op("VPSHUFB Z29, Z3, Z3")
	g.op("VPSRLVW Z28, Z3, Z3")
	g.op("VPERMW Z2, Z3, Z5")
	line(g, 5)
}

func f16Tile(g *gen) {
	g.op("VCVTPH2PS (SI), Z0")
	g.op("VCVTPH2PS 32(SI), Z1")
	g.brains(1, 0, 2)
	line(g, 2)
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
	g.raw("\n// Bytes 0 to 7 or 8 to 15 of each 16 as words; shifts of the words, 0 or 4.\n")
	for lane := range 4 {
		for half := range 2 {
			var v uint64
			for i := range 4 {
				v |= (0x8000 | uint64(8*(lane%2)+4*half+i)) << (16 * i)
			}
			g.data("DATA bytesUp<>+%d(SB)/8, $0x%016x", 16*lane+8*half, v)
		}
	}
	for i := range 8 {
		g.data("DATA bytesUp<>+%d(SB)/8, $0x%016x", 64+8*i, 0x0004000400040004*uint64(i/4))
	}
	g.data("GLOBL bytesUp<>(SB), RODATA|NOPTR, $128")
}

// frame is fn for a function with some bytes of its own on the stack.
func (g *gen) frame(name, signature string, frame, size int) {
	g.raw(fmt.Sprintf("\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $%d-%d\n", name, signature, name, frame, size))
}
