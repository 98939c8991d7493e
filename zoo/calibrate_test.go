package zoo

import (
	"context"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/kernel"
)

const tiny = "../embedded/fovea-tiny"

// TestCalibration calibrates the embedded model on some pictures and a text, and
// wants smaller errors of the layers' outputs on pictures that it did not see.
func TestCalibration(t *testing.T) {
	m, err := OpenDir(tiny)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	seen := importance(t, m, "How many red circles are there? 3\n图里有几个圆? 3\n", "five.png", "circles.png", "stars.png")
	fresh := importance(t, m, "", "corners.png", "three.png")
	for _, d := range []kernel.DType{kernel.Q2_K, kernel.Q3_K, kernel.Q4_K, kernel.Q4_0} {
		var plain, weighed float64
		for _, p := range m.params() {
			name := toTheirs(languageNames(), strings.TrimPrefix(p.Name, languagePrefix))
			if !strings.HasPrefix(name, "blk.") || len(p.T.Shape) < 2 {
				continue
			}
			if len(seen(name)) != p.T.Cols() {
				t.Fatalf("%s: %d weights for %v", name, len(seen(name)), p.T.Shape)
			}
			w := make([]float32, p.T.Len())
			p.T.Floats(w)
			plain += quantisedError(w, d, nil, fresh(name))
			weighed += quantisedError(w, d, seen(name), fresh(name))
		}
		t.Logf("%v: error of outputs %.4g, calibrated %.4g", d, plain, weighed)
		if weighed >= 0.97*plain {
			t.Errorf("%v: error of outputs %.4g, calibrated %.4g", d, plain, weighed)
		}
	}
}

// importance calibrates m on a text, unless empty, and on examples.
func importance(t *testing.T, m *Model, text string, pictures ...string) func(string) []float32 {
	t.Helper()
	c, err := NewCalibration(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text != "" {
		if err := c.Text(context.Background(), text, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range pictures {
		img, err := imageproc.OpenFile("../examples/"+file, imageproc.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Picture(context.Background(), img); err != nil {
			t.Fatal(err)
		}
	}
	f, err := c.Importance()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// quantisedError is the expected squared error of a row's product with inputs of these
// mean squares, as if they were independent, summed over the rows of w.
func quantisedError(w []float32, d kernel.DType, weights, inputs []float32) float64 {
	n := len(inputs)
	raw, back := make([]byte, d.Bytes(n)), make([]float32, n)
	var sum float64
	for ; len(w) > 0; w = w[n:] {
		kernel.Quantize(raw, w[:n], d, weights)
		kernel.ToF32(back, raw, d)
		for j, v := range back {
			e := float64(v - w[j])
			sum += e * e * float64(inputs[j])
		}
	}
	return sum
}

func TestCalibrationErrors(t *testing.T) {
	m, err := OpenDir(fixtures + "stories260k")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	c, err := NewCalibration(m, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Importance(); err == nil {
		t.Error("importance of nothing")
	}
	for text, want := range map[string]string{" ": "empty", "a\xff": "UTF-8"} {
		if err := c.Text(context.Background(), text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v", text, err)
		}
	}
	if err := c.Picture(context.Background(), &imageproc.RGB{}); err == nil {
		t.Error("a picture for a model of text")
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Text(ended, "a", nil); err == nil {
		t.Error("no error when cancelled")
	}
}
