package ops

import (
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

func TestKVGrowsWithWhatItHolds(t *testing.T) {
	const width = 2
	kv := NewKV(1<<40, width) // memory for all of it would be terabytes
	row := func(i int) []float32 { return []float32{float32(i), -float32(i)} }
	for i := range 2*kvStart + 3 {
		kv.append(row(i), row(i+1))
	}
	if kv.Len() != 2*kvStart+3 || kv.Cap() != 1<<40 {
		t.Errorf("holds %d of %d", kv.Len(), kv.Cap())
	}
	if kv.k.len() > 4*kvStart*width {
		t.Errorf("memory for %d tokens to hold %d", kv.k.len()/width, kv.Len())
	}
	for _, i := range []int{0, kvStart - 1, kvStart, 2*kvStart + 2} {
		if !slices.Equal(kv.k.f32[i*width:(i+1)*width], row(i)) || !slices.Equal(kv.v.f32[i*width:(i+1)*width], row(i+1)) {
			t.Errorf("token %d was lost", i)
		}
	}
}

func TestKVRefusesMoreThanItsCapacity(t *testing.T) {
	kv := NewKV(3, 1)
	kv.append(make([]float32, 3), make([]float32, 3))
	defer func() {
		if recover() == nil {
			t.Error("a fourth token fitted into three")
		}
	}()
	kv.append([]float32{1}, []float32{1})
}

func TestKVFollows(t *testing.T) {
	rows := func(lo, hi int) []float32 {
		out := make([]float32, 2*(hi-lo))
		for i := range out {
			out[i] = float32(2*lo + i)
		}
		return out
	}
	for _, dtype := range []tensor.DType{tensor.F32, tensor.BF16} {
		a, b := NewKV(6, 2), NewKV(6, 2)
		a.Store(dtype)
		a.append(rows(0, 3), rows(3, 6))
		b.Follow(a, 0)
		a.append(rows(20, 22), rows(22, 24)) // what b must not see
		b.append(rows(10, 12), rows(12, 14))
		k, v := b.matrices()
		if got := elements(k); !slices.Equal(got, append(rows(0, 3), rows(10, 12)...)) {
			t.Errorf("%v: keys %v", dtype, got)
		}
		if got := elements(v); !slices.Equal(got, append(rows(3, 6), rows(12, 14)...)) {
			t.Errorf("%v: values %v", dtype, got)
		}
		a.append(rows(30, 31), rows(31, 32))
		b.Follow(a, 3)
		k, _ = b.matrices()
		if got := elements(k); !slices.Equal(got, slices.Concat(rows(0, 3), rows(20, 22), rows(30, 31))) {
			t.Errorf("%v: keys %v after it followed again", dtype, got)
		}
		for _, n := range []int{-1, 7} {
			wantPanic(t, func() { b.Follow(a, n) })
		}
		wantPanic(t, func() { NewKV(5, 2).Follow(a, 0) })
		wantPanic(t, func() { NewKV(6, 1).Follow(a, 0) })
	}
}

func elements(m kernel.Mat) []float32 {
	if m.DType == tensor.F32 {
		return m.F32[:m.Rows*m.Cols]
	}
	out := make([]float32, m.Rows*m.Cols)
	kernel.ToF32(out, m.Raw[:2*len(out)], m.DType)
	return out
}

func wantPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
