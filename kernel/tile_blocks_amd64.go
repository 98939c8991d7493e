//go:build amd64 && !purego

package kernel

// tilePackQ8_0AMX packs a panel of rows as packTilesGeneric packs the decoded elements:
//
//	for i := range count { for j := range blocks { decode and round block j of row i } }
//
// and, if call.a is set, does the work of tileVectorGeneric meanwhile.
//
//go:noescape
func tilePackQ8_0AMX(config *tileConfig, call *packCall)

//go:noescape
func tilePackQ4_0AMX(config *tileConfig, call *packCall)

//go:noescape
func tilePackQ4_KAMX(config *tileConfig, call *packCall)

//go:noescape
func tilePackQ5_KAMX(config *tileConfig, call *packCall)

//go:noescape
func tilePackQ6_KAMX(config *tileConfig, call *packCall)

// tilePackF16AMX takes blocks of 32 elements.
//
//go:noescape
func tilePackF16AMX(config *tileConfig, call *packCall)

// packsPanels reports whether packPanel takes rows of a dtype.
func packsPanels(d DType) bool {
	switch d {
	case Q8_0, Q4_0, Q4_K, Q5_K, Q6_K, F16:
		return useAMX
	}
	return false
}

func packRowsPanel(d DType, call *packCall) {
	switch d {
	case Q8_0:
		tilePackQ8_0AMX(vectorTiles, call)
	case Q4_0:
		tilePackQ4_0AMX(vectorTiles, call)
	case Q4_K:
		tilePackQ4_KAMX(vectorTiles, call)
	case Q5_K:
		tilePackQ5_KAMX(vectorTiles, call)
	case Q6_K:
		tilePackQ6_KAMX(vectorTiles, call)
	case F16:
		tilePackF16AMX(vectorTiles, call)
	}
}
