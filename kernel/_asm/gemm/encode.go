package main

import "fmt"

// The assembler knows neither AMX nor AVX512-BF16 nor AVX-VNNI: these functions write the bytes.

// gpr are the numbers of the general registers in instructions.
var gpr = map[string]int{
	"AX": 0, "CX": 1, "DX": 2, "BX": 3, "SI": 6, "DI": 7,
	"R8": 8, "R9": 9, "R10": 10, "R11": 11, "R12": 12, "R13": 13, "R14": 14, "R15": 15,
}

// bytes writes an instruction, with its usual spelling as a comment.
func (g *gen) bytes(code []byte, format string, args ...any) {
	g.raw("\t")
	for _, b := range code {
		g.raw(fmt.Sprintf("BYTE $0x%02x; ", b))
	}
	g.raw("// " + fmt.Sprintf(format, args...) + "\n")
}

// tileConfig loads the shapes of the tiles from (AX).
func (g *gen) tileConfig() { g.bytes([]byte{0xc4, 0xe2, 0x78, 0x49, 0x00}, "LDTILECFG (AX)") }

// tileRelease gives the tiles back: from here on the goroutine may move to another thread.
func (g *gen) tileRelease() { g.bytes([]byte{0xc4, 0xe2, 0x78, 0x49, 0xc0}, "TILERELEASE") }

func (g *gen) tileZero(t int) {
	g.bytes([]byte{0xc4, 0xe2, 0x7b, 0x49, byte(0xc0 | t<<3)}, "TILEZERO TMM%d", t)
}

// tileLoad loads rows of a tile that are stride bytes apart.
func (g *gen) tileLoad(t int, base, stride string, disp int) {
	g.bytes(tileMemory(0x7b, t, base, stride, disp), "TILELOADD %d(%s)(%s*1), TMM%d", disp, base, stride, t)
}

func (g *gen) tileLoadT1(t int, base, stride string, disp int) {
	g.bytes(tileMemory(0x79, t, base, stride, disp), "TILELOADDT1 %d(%s)(%s*1), TMM%d", disp, base, stride, t)
}

func (g *gen) tileStore(t int, base, stride string, disp int) {
	g.bytes(tileMemory(0x7a, t, base, stride, disp), "TILESTORED TMM%d, %d(%s)(%s*1)", t, disp, base, stride)
}

func tileMemory(prefix byte, t int, base, stride string, disp int) []byte {
	b, x := gpr[base], gpr[stride]
	rxb := byte(0xe2)
	if x >= 8 {
		rxb &^= 0x40
	}
	if b >= 8 {
		rxb &^= 0x20
	}
	return append([]byte{0xc4, rxb, prefix, 0x4b, byte(0x84 | t<<3), byte(x&7<<3 | b&7)},
		byte(disp), byte(disp>>8), byte(disp>>16), byte(disp>>24))
}

// tileDot adds the product of tile a by tile b, pairs of bfloat16, to the floats of tile c.
func (g *gen) tileDot(c, a, b int) {
	g.bytes([]byte{0xc4, 0xe2, byte(0x02 | (^b&15)<<3), 0x5c, byte(0xc0 | c<<3 | a)}, "TDPBF16PS TMM%d, TMM%d, TMM%d", b, a, c)
}

// tileDotInt8 is tileDot for fours of bytes with sign and integer sums.
func (g *gen) tileDotInt8(c, a, b int) {
	g.bytes([]byte{0xc4, 0xe2, byte(0x03 | (^b&15)<<3), 0x5e, byte(0xc0 | c<<3 | a)}, "TDPBSSD TMM%d, TMM%d, TMM%d", b, a, c)
}

// vnni adds the dot products of four bytes each, of a with signs and b without, to the
// integers of dst: VPDPBUSD for AVX2. dst is one of the first 8 registers, a of the others.
func (g *gen) vnni(a, b, dst int) {
	g.bytes([]byte{0xc4, 0xc2, byte(5 | (^b&15)<<3), 0x50, byte(0xc0 | dst<<3 | a&7)}, "VPDPBUSD Y%d, Y%d, Y%d", a, b, dst)
}

// brains rounds the 16 floats of each of two registers to bfloat16: those of lo
// to the lower half of dst, those of hi to the upper one.
func (g *gen) brains(hi, lo, dst int) {
	g.bytes([]byte{
		0x62,
		byte((^dst>>3&1)<<7 | (^lo>>4&1)<<6 | (^lo>>3&1)<<5 | (^dst>>4&1)<<4 | 2),
		byte((^hi&15)<<3 | 4 | 3),
		byte(0x40 | (^hi>>4&1)<<3),
		0x72,
		byte(0xc0 | dst&7<<3 | lo&7),
	}, "VCVTNE2PS2BF16 Z%d, Z%d, Z%d", lo, hi, dst)
}
