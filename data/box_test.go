package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/grounding"
)

// processors are the picture pipelines of every model in testdata, and others that do
// what none of them does.
func processors(t *testing.T) map[string]*imageproc.Processor {
	t.Helper()
	files, err := filepath.Glob("../testdata/*/preprocessor_config.json")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d pipelines, %v", len(files), err)
	}
	norm := imageproc.CLIPNormalize()
	out := map[string]*imageproc.Processor{}
	for _, f := range files {
		dir := filepath.Dir(f)
		p, err := imageproc.OpenProcessor(os.DirFS(dir))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		out[filepath.Base(dir)] = p
	}
	dynamic, err := imageproc.NewDynamic(norm, imageproc.DynamicTiling{Side: 56, Min: 1, Max: 6, Thumbnail: true})
	if err != nil {
		t.Fatal(err)
	}
	out["dynamic tiles"] = dynamic
	return out
}

// everyCoords are all ways to write a box down.
func everyCoords() (out []Coords) {
	for unit := Pixels; unit <= Norm999; unit++ {
		for i := range 4 {
			out = append(out, Coords{unit, i&1 != 0, i&2 != 0})
		}
	}
	return out
}

// TestBoxesThroughProcessors: a box in any coordinates comes back from every view of
// every pipeline, and lies in it where the pixels that it is around lie.
func TestBoxesThroughProcessors(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for name, p := range processors(t) {
		for range 20 {
			w, h := 60+rng.IntN(300), 60+rng.IntN(300)
			views, err := p.Placed(w, h)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			x, y := rng.IntN(w-1), rng.IntN(h-1)
			box := grounding.Box("it", float64(x), float64(y), float64(x+1+rng.IntN(w-x-1)), float64(y+1+rng.IntN(h-y-1)))
			for _, c := range everyCoords() {
				b := BoxOf(box, c, w, h)
				if err := b.check(1); err != nil {
					t.Fatal(err)
				}
				if err := b.Inside(w, h); err != nil {
					t.Error(err)
				}
				m := b.Mark("it", w, h)
				for _, g := range views {
					there := g.ToModel(imageproc.Rect{X0: m.Points[0].X, Y0: m.Points[0].Y, X1: m.Points[1].X, Y1: m.Points[1].Y})
					back := g.ToOriginal(there)
					again := BoxOf(grounding.Box("it", back.X0, back.Y0, back.X1, back.Y1), c, w, h)
					if far(again.At, b.At) > 1e-6 {
						t.Fatalf("%s, %d×%d: box %v (%v) came back as %v", name, w, h, b.At, c, again.At)
					}
				}
			}
		}
	}
}

func far(a, b []float64) (most float64) {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	for i := range a {
		most = max(most, math.Abs(a[i]-b[i]))
	}
	return most
}

// TestPlaced: what Placed says is what Views does.
func TestPlaced(t *testing.T) {
	for name, p := range processors(t) {
		for _, size := range [][2]int{{97, 61}, {61, 97}, {200, 200}} {
			views, err := p.Views(imageproc.NewRGB(size[0], size[1]))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			placed, err := p.Placed(size[0], size[1])
			if err != nil || len(placed) != len(views.Each) {
				t.Fatalf("%s: %d places of %d views, %v", name, len(placed), len(views.Each), err)
			}
			for i, v := range views.Each {
				if v.Geometry != placed[i] {
					t.Errorf("%s, view %d: %v, want %v", name, i, placed[i], v.Geometry)
				}
			}
		}
	}
}

// TestBoxesInEveryDialect: what Ground writes for a family, the family's reader of
// answers finds where the data has it.
func TestBoxesInEveryDialect(t *testing.T) {
	all := processors(t)
	for name, d := range map[string]*grounding.Dialect{
		"llava15": grounding.LLaVA(), "sphinx": grounding.SPHINX(), "qwen_vl": grounding.QwenVL(), "qwen2_vl": grounding.Qwen2VL(),
		"qwen2_5_vl": grounding.Qwen25VL(), "qwen3_vl": grounding.Qwen3VL(), "dynamic tiles": grounding.InternVL(),
	} {
		for _, c := range everyCoords() {
			p := all[name]
			if p == nil { // of those that write shares of the picture, any pipeline does
				p = all["llava15"]
			}
			img := imageproc.NewRGB(200, 120)
			want := [][]float64{{20, 30, 110, 90}, {101, 5, 199, 119}}
			turn := Turn{Role: Assistant, Text: "See <ref-object><bbox> and <ref-object><bbox>.", Places: &Places{Refs: []string{"the cat", "a dog"}}}
			for _, at := range want {
				turn.Places.Boxes = append(turn.Places.Boxes, BoxOf(grounding.Box("", at[0], at[1], at[2], at[3]), c, img.W, img.H))
			}
			turns := []Turn{{Role: User, Text: "Where?"}, turn}
			conv := []model.Turn{{Role: User, Text: "Where?", Images: []*imageproc.RGB{img}}, {Role: Assistant, Text: turn.Text}}
			if err := (&Sample{}).Ground(turns, conv, d, p); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			placed, err := p.Placed(img.W, img.H)
			if err != nil {
				t.Fatal(err)
			}
			marks, _ := d.Find(conv[1].Text, grounding.Picture{W: img.W, H: img.H, Seen: placed[0]})
			if len(marks) != len(want) || strings.Contains(conv[1].Text, BoxTag) || !strings.Contains(conv[1].Text, "the cat") {
				t.Fatalf("%s: %d boxes in %q", name, len(marks), conv[1].Text)
			}
			for i, m := range marks {
				got := BoxOf(m, Coords{}, img.W, img.H)
				if far(got.At, want[i]) > roomFor(name, img, placed[0]) {
					t.Errorf("%s (%v): %q is read as %v, want %v", name, c, conv[1].Text, got.At, want[i])
				}
			}
		}
	}
}

// roomFor is how far a box may be away: half of what the dialect can tell apart.
func roomFor(name string, img *imageproc.RGB, seen imageproc.Geometry) float64 {
	switch name {
	case "llava15":
		return 0.0051 * float64(max(img.W, img.H))
	case "qwen2_5_vl":
		return 0.51 / min(seen.ScaleX, seen.ScaleY)
	}
	return 0.0011 * float64(max(img.W, img.H))
}

func TestGroundRefuses(t *testing.T) {
	turn := Turn{Role: Assistant, Text: "<bbox>", Places: &Places{Boxes: []Box{{At: []float64{1, 1, 30, 9}}}}}
	conv := func() []model.Turn {
		return []model.Turn{{Role: Assistant, Text: "<bbox>", Images: []*imageproc.RGB{imageproc.NewRGB(20, 20)}}}
	}
	p := processors(t)["llava15"]
	if err := (&Sample{}).Ground([]Turn{turn}, conv(), nil, p); err == nil || !strings.Contains(err.Error(), "no words for it") {
		t.Errorf("no dialect: %v", err)
	}
	if err := (&Sample{}).Ground([]Turn{turn}, conv(), grounding.LLaVA(), p); !isProblem(err) || !strings.Contains(err.Error(), "not inside") {
		t.Errorf("a box outside: %v", err)
	}
	turn.Places.Boxes[0].Image = 1
	if err := (&Sample{}).Ground([]Turn{turn}, conv(), grounding.LLaVA(), p); err == nil || !strings.Contains(err.Error(), "picture 2 of 1") {
		t.Errorf("no picture: %v", err)
	}
}

func TestCoordsText(t *testing.T) {
	for _, c := range everyCoords() {
		if got, err := ParseCoords(c.String()); err != nil || got != c {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
	for _, text := range []string{"", "feet", "pixel;xywh", "norm01,"} {
		if _, err := ParseCoords(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestBoxErrors(t *testing.T) {
	for _, b := range []Box{
		{At: []float64{1, 2, 3}}, {At: nil}, {At: []float64{3, 3, 3, 4}}, {At: []float64{5, 3, 3, 4}}, {At: []float64{math.NaN(), 0, 1, 1}},
		{At: []float64{0, 0, math.Inf(1), 1}}, {At: []float64{0, 0, 0, 4}, Coords: Coords{Sized: true}}, {At: []float64{0, 0, 1, 1}, Image: 1}, {At: []float64{0, 0, 1, 1}, Image: -1},
	} {
		if b.check(1) == nil {
			t.Errorf("%+v is accepted", b)
		}
	}
	for _, c := range []struct {
		box Box
		ok  bool
	}{
		{Box{At: []float64{0, 0, 40, 30}}, true},
		{Box{At: []float64{0, 0, 40.5, 30}}, false},
		{Box{At: []float64{-1, 0, 4, 30}}, false},
		{Box{At: []float64{0, 0, 1, 1}, Coords: Coords{Unit: Norm01}}, true},
		{Box{At: []float64{0, 0, 1.01, 1}, Coords: Coords{Unit: Norm01}}, false},
		{Box{At: []float64{0, 0, 1000, 1}, Coords: Coords{Unit: Norm999}}, false},
		{Box{At: []float64{0, 0, 1, 1}, Coords: Coords{Unit: Norm01, Padded: true}}, false}, // on the padding
		{Box{At: []float64{0, 0.125, 1, 0.875}, Coords: Coords{Unit: Norm01, Padded: true}}, true},
	} {
		if err := c.box.Inside(40, 30); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.box, err)
		}
	}
}

// TestPhrases: labels take the boxes that follow them.
func TestPhrases(t *testing.T) {
	turn := Turn{Text: "<ref-object><bbox><bbox> and <bbox><ref-object>.", Places: &Places{
		Refs: []string{"a", "b"}, Boxes: []Box{{At: []float64{1, 1}}, {At: []float64{2, 2}}, {At: []float64{3, 3}}},
	}}
	var got []string
	for _, p := range turn.phrases() {
		got = append(got, fmt.Sprintf("%q %q %d", p.text, p.label, len(p.boxes)))
	}
	want := `["" "a" 2] [" and " "" 1] ["" "b" 0] ["." "" 0]`
	if text := "[" + strings.Join(got, "] [") + "]"; text != want {
		t.Errorf("%s, want %s", text, want)
	}
}
