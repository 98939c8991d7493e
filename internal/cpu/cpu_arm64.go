package cpu

import xcpu "golang.org/x/sys/cpu"

// HasNEON asks for Advanced SIMD, whose conversions of half precision every arm64 has.
var HasNEON = xcpu.ARM64.HasASIMD
