package cpu

import xcpu "golang.org/x/sys/cpu"

// HasVNNI and HasAVXVNNI are about products of 8-bit integers, within AVX-512 and AVX2.
var HasVNNI, HasAVXVNNI = xcpu.X86.HasAVX512VNNI, xcpu.X86.HasAVXVNNI

// HasAVX2, HasAVX512 and HasAMX ask for everything the kernels of that name use.
var (
	HasAVX2   = xcpu.X86.HasAVX2 && xcpu.X86.HasFMA && f16c()
	HasAVX512 = HasAVX2 && xcpu.X86.HasAVX512F && xcpu.X86.HasAVX512BW && xcpu.X86.HasAVX512DQ && xcpu.X86.HasAVX512VL
	HasAMX    = HasAVX512 && HasVNNI && xcpu.X86.HasAVX512BF16 && xcpu.X86.HasAMXTile && xcpu.X86.HasAMXBF16 && xcpu.X86.HasAMXInt8 && tilesAllowed()
)

func cpuid1ecx() uint32

// f16c reports the half-precision conversions, which x/sys/cpu does not list.
func f16c() bool { return cpuid1ecx()&(1<<29) != 0 }
