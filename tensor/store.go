package tensor

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
)

// Store turns the elements into dtype d, F16, BF16 or quantised, in memory of
// their own. Rows of a quantised dtype are whole blocks; importance weighs the
// columns as kernel.Quantize tells, and may be nil.
func (t *Tensor) Store(d DType, importance []float32) {
	n := t.Cols()
	if elements, _ := d.Block(); n%elements != 0 {
		panic(fmt.Sprintf("tensor: Store: %v as %v, whose blocks have %d elements", t, d, elements))
	}
	raw, row := make([]byte, d.Bytes(t.Len())), make([]float32, n)
	for i, size := 0, d.Bytes(n); i < t.Rows(); i++ {
		t.RowInto(row, i)
		if d.Quantised() {
			kernel.Quantize(raw[i*size:(i+1)*size], row, d, importance)
		} else {
			kernel.FromF32(raw[i*size:(i+1)*size], row, d)
		}
	}
	t.F32, t.Raw, t.DType = nil, raw, d
}
