package main

import (
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
	"github.com/fovea-ml/fovea/zoo"
)

// TestBoxesOfAnswers reads answers as the models' tokenizers encode them, special
// tokens and all, and draws what they point at.
func TestBoxesOfAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"qwen_vl":    "<ref>the car</ref><box>(250,500),(999,999)</box><|im_end|>",
		"qwen2_vl":   "<|object_ref_start|>the car<|object_ref_end|><|box_start|>(250,500),(1000,1000)<|box_end|><|im_end|>",
		"qwen2_5_vl": `[{"bbox_2d": [X, Y, W, H], "label": "the car"}]<|im_end|>`,
		"llava15":    "[0.25, 0.50, 1.00, 1.00]",
	} {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.OpenDir("../../testdata/" + name)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			img := imageproc.NewRGB(120, 120)
			images := []*imageproc.RGB{img}
			p, err := m.Processor.Process([]model.Turn{{Role: "user", Text: "Where?", Images: images}})
			if err != nil {
				t.Fatal(err)
			}
			if name == "qwen2_5_vl" { // pixels of what the model sees
				g := p.Images[0].Geometry[0].ToModel(imageproc.Rect{X0: 30, Y0: 60, X1: 120, Y1: 120})
				answer = string(must(t)(json.Marshal(map[string]any{"bbox_2d": []float64{g.X0, g.Y0, g.X1, g.Y1}, "label": "the car"})))
			}
			f := boxFlags{Draw: filepath.Join(t.TempDir(), "drawn.png")}
			marks, err := f.find(m, m.Tokenizer.Encode(answer, tokenizer.Bare), p, images)
			if err != nil {
				t.Fatal(err)
			}
			if len(marks) != 1 || len(marks[0].Points) != 2 {
				t.Fatalf("marks %v of %q", marks, answer)
			}
			at := marks[0].Points
			if far(at[0].X, 30) || far(at[0].Y, 60) || far(at[1].X, 120) || far(at[1].Y, 120) {
				t.Errorf("box %v, want one from (30, 60) to (120, 120)", at)
			}
			if label := marks[0].Label; name != "llava15" && label != "the car" {
				t.Errorf("label %q", label)
			}
			checkDrawn(t, f.Draw)
		})
	}
}

func far(a, b float64) bool { return a-b > 0.5 || b-a > 0.5 }

func must(t *testing.T) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// checkDrawn wants colour on the outline of the box and none inside and outside.
func checkDrawn(t *testing.T, file string) {
	t.Helper()
	r, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	drawn, err := png.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		x, y    int
		outline bool
	}{{30, 100, true}, {119, 100, true}, {80, 118, true}, {110, 60, true}, {70, 90, false}, {10, 90, false}, {60, 20, false}} {
		if red, _, _, _ := drawn.At(c.x, c.y).RGBA(); (red > 0) != c.outline {
			t.Errorf("(%d, %d): drawn on: %v, want %v", c.x, c.y, red > 0, c.outline)
		}
	}
}
