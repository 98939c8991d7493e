package tensor

import (
	"math"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
)

func TestQuantised(t *testing.T) {
	v := make([]float32, 3*64)
	for i := range v {
		v[i] = float32(math.Sin(float64(i)))
	}
	raw := make([]byte, kernel.Q8_0.Bytes(len(v)))
	kernel.FromF32(raw, v, kernel.Q8_0)
	x := &Tensor{Shape: []int{3, 64}, DType: kernel.Q8_0, Raw: raw}
	if got := x.Bytes(); got != 6*34 {
		t.Errorf("%d bytes, want %d", got, 6*34)
	}
	want := make([]float32, len(v))
	x.Floats(want)
	for i, f := range want {
		if math.Abs(float64(f-v[i])) > 0.005 {
			t.Fatalf("element %d is %g, was %g", i, f, v[i])
		}
	}
	x.Own()
	if x.DType != F32 || x.Raw != nil || !slices.Equal(x.F32, want) {
		t.Errorf("owned, the tensor is %v with other elements", x)
	}
	x.SetTrainable(true)
}
