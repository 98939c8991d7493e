package ops

import (
	"slices"
	"testing"
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
