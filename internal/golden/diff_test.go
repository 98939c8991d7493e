package golden

import (
	"math"
	"testing"
)

func TestCompare(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, test := range map[string]struct {
		got, want []float32
		maxAbs    float64
		maxRel    float64
		at        int
		within    bool // 1e-5
	}{
		"equal":            {[]float32{1, -2}, []float32{1, -2}, 0, 0, -1, true},
		"empty":            {nil, nil, 0, 0, -1, true},
		"zeros":            {[]float32{0}, []float32{0}, 0, 0, -1, true},
		"at the scale":     {[]float32{1024, 0.0078125}, []float32{1024, 0}, 0.0078125, 0.0078125 / 1024, 1, true},
		"too far":          {[]float32{1024, 0.015625}, []float32{1024, 0}, 0.015625, 0.015625 / 1024, 1, false},
		"negative scale":   {[]float32{-4, 1}, []float32{-4, 2}, 1, 0.25, 1, false},
		"largest of two":   {[]float32{2, 7}, []float32{1, 4}, 3, 0.75, 1, false},
		"nothing expected": {[]float32{1e-9}, []float32{0}, float64(float32(1e-9)), math.Inf(1), 0, false},
		"NaN":              {[]float32{1, nan}, []float32{1, 2}, math.Inf(1), math.Inf(1), 1, false},
		"NaN twice":        {[]float32{nan}, []float32{nan}, math.Inf(1), math.Inf(1), 0, false},
		"NaN expected":     {[]float32{1}, []float32{nan}, math.Inf(1), math.Inf(1), 0, false},
		"Inf":              {[]float32{inf}, []float32{1}, math.Inf(1), math.Inf(1), 0, false},
		"Inf expected":     {[]float32{1}, []float32{inf}, math.Inf(1), math.Inf(1), 0, false},
		"Inf twice":        {[]float32{inf}, []float32{inf}, math.Inf(1), math.Inf(1), 0, false},
		"too short":        {[]float32{1}, []float32{1, 2}, math.Inf(1), math.Inf(1), -1, false},
		"too long":         {[]float32{1, 2}, []float32{1}, math.Inf(1), math.Inf(1), -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			d := Compare(test.got, test.want)
			if d.MaxAbs != test.maxAbs || d.MaxRel != test.maxRel || d.At != test.at {
				t.Errorf("%+v, want MaxAbs %v, MaxRel %v, At %d", d, test.maxAbs, test.maxRel, test.at)
			}
			if d.Within(1e-5) != test.within {
				t.Errorf("Within: %v", !test.within)
			}
		})
	}
}

func TestFirstDifference(t *testing.T) {
	for _, test := range []struct {
		got, want []int32
		at        int
	}{
		{nil, nil, -1},
		{[]int32{1, 2}, []int32{1, 2}, -1},
		{[]int32{1, 3}, []int32{1, 2}, 1},
		{[]int32{1}, []int32{1, 2}, 1},
		{[]int32{1, 2, 3}, []int32{1, 2}, 2},
	} {
		if at := FirstDifference(test.got, test.want); at != test.at {
			t.Errorf("%v and %v part at %d, want %d", test.got, test.want, at, test.at)
		}
	}
}
