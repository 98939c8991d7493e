package tensor

import (
	"math"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
)

// TestStore stores a matrix and reads its rows back, in steps no larger than the dtype's.
func TestStore(t *testing.T) {
	values := make([]float32, 3*256)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	for d, step := range map[DType]float64{F16: 1e-3, BF16: 1e-2, kernel.Q8_0: 0.01, kernel.Q6_K: 0.04, kernel.Q4_0: 0.15, kernel.Q4_K: 0.15} {
		x := From(append([]float32(nil), values...), 3, 256)
		x.Store(d, nil)
		if x.DType != d || x.F32 != nil || len(x.Raw) != d.Bytes(3*256) {
			t.Fatalf("%v: stored as %v in %d bytes", d, x, len(x.Raw))
		}
		row := make([]float32, 256)
		for i := range 3 {
			x.RowInto(row, i)
			for j, v := range row {
				if math.Abs(float64(v-values[i*256+j])) > step {
					t.Fatalf("%v: element [%d %d] is %v, want %v", d, i, j, v, values[i*256+j])
				}
			}
		}
	}
	plain, weighed := From(append([]float32(nil), values[:256]...), 1, 256), From(append([]float32(nil), values[:256]...), 1, 256)
	importance := make([]float32, 256)
	for i := range importance {
		importance[i] = float32(i * i)
	}
	plain.Store(kernel.Q4_K, nil)
	weighed.Store(kernel.Q4_K, importance)
	if string(plain.Raw) == string(weighed.Raw) {
		t.Error("the importance of the columns changes nothing")
	}
}

func TestStoreRefusesPartsOfBlocks(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "F32[2 33] as Q4_0, whose blocks have 32 elements") {
			t.Errorf("panic %q", text)
		}
	}()
	New(2, 33).Store(kernel.Q4_0, nil)
}
