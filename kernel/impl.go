package kernel

// Name tells which implementation of the kernels is in use: "amx", "avx512", "avx2",
// "neon" or "generic". FOVEA_KERNEL, read once at start-up, names the fastest one allowed.
func Name() string {
	for _, impl := range Impls {
		if *impl.Toggle {
			return impl.Name
		}
	}
	return "generic"
}

// MatrixUnits reports whether products that round their operands to BF16 run on
// matrix units. Where there are none, they are slower than those in F32.
func MatrixUnits() bool { return useAMX }

// IntegerUnits reports whether products in I8 run on vectors of 8-bit integers. Where
// they do not, they are slower than those in F32.
func IntegerUnits() bool { return int8Vectors() }
