//go:build amd64 && !purego

package kernel

// int8Micro1AVX512 is int8MicroGeneric for one row, one panel and one scale to a block;
// the others are for more rows, for 4 rows by two panels, for two scales, or a minimum.
//
//go:noescape
func int8Micro1AVX512(call *int8Call)

//go:noescape
func int8Micro2AVX512(call *int8Call)

//go:noescape
func int8Micro4AVX512(call *int8Call)

//go:noescape
func int8MicroWideAVX512(call *int8Call)

//go:noescape
func int8MicroPairs1AVX512(call *int8Call)

//go:noescape
func int8MicroPairs2AVX512(call *int8Call)

//go:noescape
func int8MicroPairs4AVX512(call *int8Call)

//go:noescape
func int8MicroPairsWideAVX512(call *int8Call)

//go:noescape
func int8MicroMinima1AVX512(call *int8Call)

//go:noescape
func int8MicroMinima2AVX512(call *int8Call)

//go:noescape
func int8MicroMinima4AVX512(call *int8Call)

//go:noescape
func int8MicroMinimaWideAVX512(call *int8Call)

//go:noescape
func int8Micro1AVXVNNI(call *int8Call)

//go:noescape
func int8Micro4AVXVNNI(call *int8Call)

//go:noescape
func int8MicroPairs1AVXVNNI(call *int8Call)

//go:noescape
func int8MicroPairs4AVXVNNI(call *int8Call)

//go:noescape
func int8MicroMinima1AVXVNNI(call *int8Call)

//go:noescape
func int8MicroMinima4AVXVNNI(call *int8Call)

// int8Micro1AVX2 makes do without VNNI: its levels are no more than 31. Those of the
// forms with signs take 8 bits, and those of the form with pairs 6.
//
//go:noescape
func int8Micro1AVX2(call *int8Call)

//go:noescape
func int8Micro4AVX2(call *int8Call)

//go:noescape
func int8MicroSigns1AVX2(call *int8Call)

//go:noescape
func int8MicroSigns4AVX2(call *int8Call)

//go:noescape
func int8MicroPairs1AVX2(call *int8Call)

//go:noescape
func int8MicroPairs4AVX2(call *int8Call)

//go:noescape
func int8MicroMinima1AVX2(call *int8Call)

//go:noescape
func int8MicroMinima4AVX2(call *int8Call)

// int8Kernels are those of one form, for 1, 2 and up to 4 rows, and for two panels.
type int8Kernels struct{ one, two, four, wide func(*int8Call) }

// The forms of products; see int8Kind.
const (
	int8Plain = iota
	int8Signed
	int8Pairs
	int8Minima
)

// An int8Set is an implementation, by form.
type int8Set [4]int8Kernels

var int8AVX512 = int8Set{
	int8Plain:  {int8Micro1AVX512, int8Micro2AVX512, int8Micro4AVX512, int8MicroWideAVX512},
	int8Pairs:  {int8MicroPairs1AVX512, int8MicroPairs2AVX512, int8MicroPairs4AVX512, int8MicroPairsWideAVX512},
	int8Minima: {int8MicroMinima1AVX512, int8MicroMinima2AVX512, int8MicroMinima4AVX512, int8MicroMinimaWideAVX512},
}

var int8AVXVNNI = int8Set{
	int8Plain:  {one: int8Micro1AVXVNNI, two: int8Micro4AVXVNNI, four: int8Micro4AVXVNNI},
	int8Pairs:  {one: int8MicroPairs1AVXVNNI, two: int8MicroPairs4AVXVNNI, four: int8MicroPairs4AVXVNNI},
	int8Minima: {one: int8MicroMinima1AVXVNNI, two: int8MicroMinima4AVXVNNI, four: int8MicroMinima4AVXVNNI},
}

var int8AVX2 = int8Set{
	int8Plain:  {one: int8Micro1AVX2, two: int8Micro4AVX2, four: int8Micro4AVX2},
	int8Signed: {one: int8MicroSigns1AVX2, two: int8MicroSigns4AVX2, four: int8MicroSigns4AVX2},
	int8Pairs:  {one: int8MicroPairs1AVX2, two: int8MicroPairs4AVX2, four: int8MicroPairs4AVX2},
	int8Minima: {one: int8MicroMinima1AVX2, two: int8MicroMinima4AVX2, four: int8MicroMinima4AVX2},
}

// int8Chosen is the implementation in use, nil for the Go reference.
func int8Chosen() *int8Set {
	switch {
	case useAVX512 && useVNNI:
		return &int8AVX512
	case (useAVX512 || useAVX2) && useAVXVNNI:
		return &int8AVXVNNI
	case useAVX512 || useAVX2:
		return &int8AVX2
	}
	return nil
}

func int8Vectors() bool { return int8Chosen() != nil }

// int8Signs reports whether levels of 8 bits must have signs.
func int8Signs() bool { return int8Chosen() == &int8AVX2 }

// int8Panels is how many panels a call multiplies by.
func int8Panels() int {
	if int8Chosen() == &int8AVX512 {
		return 2
	}
	return 1
}

// int8Micro multiplies up to 4 rows; those behind the last one may have any values.
func int8Micro(kind int8Kind, call *int8Call, rows int) {
	set := int8Chosen()
	if set == nil {
		int8MicroGeneric(kind, call, rows)
		return
	}
	if len(call.panels[0]) == 0 {
		return
	}
	switch k := &set[kind.form()]; {
	case len(call.panels[1]) > 0:
		k.wide(call)
	case rows == 1:
		k.one(call)
	case rows == 2:
		k.two(call)
	default:
		k.four(call)
	}
}

func (k int8Kind) form() int {
	switch {
	case k.pairs:
		return int8Pairs
	case k.minima:
		return int8Minima
	case k.signed:
		return int8Signed
	}
	return int8Plain
}
