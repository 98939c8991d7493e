// Package a64 spells the arm64 instructions of the generators: as the Go assembler
// has them, or as a word with the usual spelling beside it where it has not.
package a64

import "fmt"

// Registers are numbers. In the words below, the first one goes to bits 0 to 4,
// the second to bits 5 to 9 and the third to bits 16 to 20.

func word(code uint32, format string, args ...any) string {
	return fmt.Sprintf("WORD $0x%08x // ", code) + fmt.Sprintf(format, args...)
}

// three is an instruction on all lanes of 32 bits.
func three(code uint32, name string, d, n, m int) string {
	return word(code|uint32(m<<16|n<<5|d), "%s V%d.4S, V%d.4S, V%d.4S", name, d, n, m)
}

func two(code uint32, name string, d int, to string, n int, from, rest string) string {
	return word(code|uint32(n<<5|d), "%s V%d.%s, V%d.%s%s", name, d, to, n, from, rest)
}

// The arithmetic of floats: d = n op m.

func FADD(d, n, m int) string { return three(0x4e20d400, "FADD", d, n, m) }
func FSUB(d, n, m int) string { return three(0x4ea0d400, "FSUB", d, n, m) }
func FMUL(d, n, m int) string { return three(0x6e20dc00, "FMUL", d, n, m) }
func FDIV(d, n, m int) string { return three(0x6e20fc00, "FDIV", d, n, m) }
func FMIN(d, n, m int) string { return three(0x4ea0f400, "FMIN", d, n, m) }
func FSQRT(d, n int) string   { return two(0x6ea1f800, "FSQRT", d, "4S", n, "4S", "") }

// FMLA is d += n·m and FMLS d -= n·m, rounded once.
func FMLA(d, n, m int) string { return fmt.Sprintf("VFMLA V%d.S4, V%d.S4, V%d.S4", m, n, d) }
func FMLS(d, n, m int) string { return fmt.Sprintf("VFMLS V%d.S4, V%d.S4, V%d.S4", m, n, d) }

// FMLALane is d += n·m[lane], rounded once.
func FMLALane(d, n, m, lane int) string {
	code := 0x4f801000 | uint32(lane&1<<21|lane>>1<<11|m<<16|n<<5|d)
	return word(code, "FMLA V%d.4S, V%d.4S, V%d.S[%d]", d, n, m, lane)
}

// FMULLane is d = n·m[lane].
func FMULLane(d, n, m, lane int) string {
	code := 0x4f809000 | uint32(lane&1<<21|lane>>1<<11|m<<16|n<<5|d)
	return word(code, "FMUL V%d.4S, V%d.4S, V%d.S[%d]", d, n, m, lane)
}

// Comparisons set all bits of a lane, or none; with a NaN they are false.

func FCMGT(d, n, m int) string { return three(0x6ea0e400, "FCMGT", d, n, m) }
func FCMGE(d, n, m int) string { return three(0x6e20e400, "FCMGE", d, n, m) }
func FCMEQ(d, n, m int) string { return three(0x4e20e400, "FCMEQ", d, n, m) }

// FCMLT0 is d = n < 0.
func FCMLT0(d, n int) string { return two(0x4ea0e800, "FCMLT", d, "4S", n, "4S", ", #0.0") }

// Bits.

func bytes(name string, d, n, m int) string {
	return fmt.Sprintf("%s V%d.B16, V%d.B16, V%d.B16", name, m, n, d)
}

func AND(d, n, m int) string { return bytes("VAND", d, n, m) }
func ORR(d, n, m int) string { return bytes("VORR", d, n, m) }
func EOR(d, n, m int) string { return bytes("VEOR", d, n, m) }

// BIC is d = n and not m.
func BIC(d, n, m int) string {
	return word(0x4e601c00|uint32(m<<16|n<<5|d), "BIC V%d.16B, V%d.16B, V%d.16B", d, n, m)
}

// BIT copies n to d where m is set, BIF where it is not.
func BIT(d, n, m int) string { return bytes("VBIT", d, n, m) }
func BIF(d, n, m int) string { return bytes("VBIF", d, n, m) }

func MOV(d, n int) string { return fmt.Sprintf("VMOV V%d.B16, V%d.B16", n, d) }

func Zero(d int) string { return EOR(d, d, d) }

// Integers of 32 bits.

func ADD(d, n, m int) string { return fmt.Sprintf("VADD V%d.S4, V%d.S4, V%d.S4", m, n, d) }
func SUB(d, n, m int) string { return fmt.Sprintf("VSUB V%d.S4, V%d.S4, V%d.S4", m, n, d) }

func SHL(d, n, by int) string  { return fmt.Sprintf("VSHL $%d, V%d.S4, V%d.S4", by, n, d) }
func USHR(d, n, by int) string { return fmt.Sprintf("VUSHR $%d, V%d.S4, V%d.S4", by, n, d) }

// SSHR copies the sign into the bits that are left.
func SSHR(d, n, by int) string {
	return two(0x4f000400|uint32(64-by)<<16, "SSHR", d, "4S", n, "4S", fmt.Sprintf(", #%d", by))
}

// Lanes of other widths.

// FCVTL widens the lower four halves of n, FCVTL2 the upper ones.
func FCVTL(d, n int) string  { return two(0x0e217800, "FCVTL", d, "4S", n, "4H", "") }
func FCVTL2(d, n int) string { return two(0x4e217800, "FCVTL2", d, "4S", n, "8H", "") }

// FCVTN rounds to halves, to nearest even.
func FCVTN(d, n int) string { return two(0x0e216800, "FCVTN", d, "4H", n, "4S", "") }

// SHLL puts the lower four 16-bit lanes of n into the upper halves of 32-bit lanes,
// SHLL2 the upper four.
func SHLL(d, n int) string  { return two(0x2e613800, "SHLL", d, "4S", n, "4H", ", #16") }
func SHLL2(d, n int) string { return two(0x6e613800, "SHLL2", d, "4S", n, "8H", ", #16") }

// SHRN takes the upper halves of 32-bit lanes.
func SHRN(d, n int) string { return two(0x0f108400, "SHRN", d, "4H", n, "4S", ", #16") }

// SXTL widens the lower eight signed bytes of n to 16 bits, SXTL2 the upper ones.
func SXTL(d, n int) string  { return two(0x0f08a400, "SSHLL", d, "8H", n, "8B", ", #0") }
func SXTL2(d, n int) string { return two(0x4f08a400, "SSHLL2", d, "8H", n, "16B", ", #0") }

// SXTLH widens the lower four signed 16-bit lanes of n, SXTLH2 the upper ones.
func SXTLH(d, n int) string  { return two(0x0f10a400, "SSHLL", d, "4S", n, "4H", ", #0") }
func SXTLH2(d, n int) string { return two(0x4f10a400, "SSHLL2", d, "4S", n, "8H", ", #0") }

// SCVTF turns signed integers into floats.
func SCVTF(d, n int) string { return two(0x4e21d800, "SCVTF", d, "4S", n, "4S", "") }

// UCVTF turns unsigned integers, shifted left by so many bits, into floats.
func UCVTF(d, n, by int) string {
	if by == 0 {
		return two(0x6e21d800, "UCVTF", d, "4S", n, "4S", "")
	}
	return two(0x6f00e400|uint32(64-by)<<16, "UCVTF", d, "4S", n, "4S", fmt.Sprintf(", #%d", by))
}

// Bytes.

func SUBB(d, n, m int) string { return bytes("VSUB", d, n, m) }

// CMTST sets the bytes of d where n and m have a bit in common.
func CMTST(d, n, m int) string { return bytes("VCMTST", d, n, m) }

func SHLB(d, n, by int) string  { return fmt.Sprintf("VSHL $%d, V%d.B16, V%d.B16", by, n, d) }
func USHRB(d, n, by int) string { return fmt.Sprintf("VUSHR $%d, V%d.B16, V%d.B16", by, n, d) }

// DupB copies a byte of a general register to all bytes of d.
func DupB(d int, r string) string { return fmt.Sprintf("VDUP %s, V%d.B16", r, d) }

// TBL takes the bytes of n that m names.
func TBL(d, n, m int) string { return fmt.Sprintf("VTBL V%d.B16, [V%d.B16], V%d.B16", m, n, d) }

// LoadHalfLane reads 16 bits into one of 8 lanes and leaves the others.
func LoadHalfLane(d, lane int, base string) string {
	return fmt.Sprintf("VLD1 (%s), V%d.H[%d]", base, d, lane)
}

// Permutations.

func lanes(name, width string, d, n, m int) string {
	return fmt.Sprintf("%s V%d.%s, V%d.%s, V%d.%s", name, m, width, n, width, d, width)
}

func TRN1(width string, d, n, m int) string { return lanes("VTRN1", width, d, n, m) }
func TRN2(width string, d, n, m int) string { return lanes("VTRN2", width, d, n, m) }
func UZP1(width string, d, n, m int) string { return lanes("VUZP1", width, d, n, m) }
func UZP2(width string, d, n, m int) string { return lanes("VUZP2", width, d, n, m) }

// Upper moves the upper 64 bits of n to the lower ones of d.
func Upper(d, n int) string { return fmt.Sprintf("VEXT $8, V%d.B16, V%d.B16, V%d.B16", n, n, d) }

// Dup copies lane 0 to 3 of n to all lanes of d.
func Dup(d, n, lane int) string { return fmt.Sprintf("VDUP V%d.S[%d], V%d.S4", n, lane, d) }

// DupR copies a general register to all lanes of d.
func DupR(d int, r string) string { return fmt.Sprintf("VDUP %s, V%d.S4", r, d) }

// Memory: registers of 16, 8 and 4 bytes, whose other bytes a load clears.

func Load(d, offset int, base string) string {
	return fmt.Sprintf("FMOVQ %d(%s), F%d", offset, base, d)
}

func Load8(d, offset int, base string) string {
	return fmt.Sprintf("FMOVD %d(%s), F%d", offset, base, d)
}

func Load4(d, offset int, base string) string {
	return fmt.Sprintf("FMOVS %d(%s), F%d", offset, base, d)
}

func Store(d, offset int, base string) string {
	return fmt.Sprintf("FMOVQ F%d, %d(%s)", d, offset, base)
}

func Store8(d, offset int, base string) string {
	return fmt.Sprintf("FMOVD F%d, %d(%s)", d, offset, base)
}

func Store4(d, offset int, base string) string {
	return fmt.Sprintf("FMOVS F%d, %d(%s)", d, offset, base)
}

// LoadLane and StoreLane move lane 0 to 3 alone.
func LoadLane(d, lane int, base string) string {
	return fmt.Sprintf("VLD1 (%s), V%d.S[%d]", base, d, lane)
}

func StoreLane(d, lane int, base string) string {
	return fmt.Sprintf("VST1 V%d.S[%d], (%s)", d, lane, base)
}
