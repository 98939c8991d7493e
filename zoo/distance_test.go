package zoo

import (
	"math"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
)

// TestQuantizeDistance quantises the embedded model, whose widths are multiples of
// 256, so that every type is used as it is, and compares logits with those of
// the weights as they are, relative to their largest magnitude. docs/quantisation.md has
// the distances that -v prints; the limits are a third above them.
func TestQuantizeDistance(t *testing.T) {
	img, err := imageproc.OpenFile("../examples/five.png", imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	logits := func(quant string) []float32 {
		m, err := OpenDir(tiny)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if quant != "" {
			x, err := checkpoint.ParseMixture(quant)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Quantize(x, nil); err != nil {
				t.Fatal(err)
			}
		}
		_, row, _ := answer(t, m, user("How many objects are there?", img))
		return row
	}
	want := logits("")
	for _, test := range []struct {
		quant string
		limit float64
	}{
		{"f16", 1e-6}, {"q8_0", 0.0075}, {"q6_k", 0.02}, {"q5_k_m", 0.036},
		{"q4_k_m", 0.065}, {"q4_0", 0.085}, {"q3_k_m", 0.105}, {"q2_k", 0.25},
	} {
		var most, apart float64
		for i, v := range logits(test.quant) {
			most = max(most, math.Abs(float64(want[i])))
			apart = max(apart, math.Abs(float64(v-want[i])))
		}
		t.Logf("%-6s %.2g", test.quant, apart/most)
		if apart/most > test.limit {
			t.Errorf("%s: logits differ by %.2g of their largest magnitude, the limit is %v", test.quant, apart/most, test.limit)
		}
	}
}
