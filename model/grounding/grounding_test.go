package grounding

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
)

// TestFind reads what models write. The picture has 2000 by 1000 pixels; the encoder
// has seen it at half the size.
func TestFind(t *testing.T) {
	in := Picture{W: 2000, H: 1000, Seen: imageproc.Geometry{ScaleX: 0.5, ScaleY: 0.5}}
	for _, c := range []struct {
		d          *Dialect
		text, want string
		notes      int
	}{
		{QwenVL(), "<ref>the dog</ref><box>(0,0),(999,999)</box> and <box>(111,222),(333,444)</box><|im_end|>",
			`[{"label":"the dog","box":[0,0,2000,1000]},{"label":"the dog","box":[222.22,222.22,666.67,444.44]}]`, 0},
		{QwenVL(), "<ref> 牌 </ref><quad>(0,0),(999,0),(999,999),(0,999)</quad>",
			`[{"label":"牌","quad":[[0,0],[2000,0],[2000,1000],[0,1000]]}]`, 0},
		{QwenVL(), "<box>(1,2),(3</box> <box>(1,2),(3,4),(5,6)</box> nothing", `null`, 0},
		{QwenVL(), "<box>(500,500),(100,100)</box>", `null`, 1},
		{QwenVL(), "<box>(500,500),(1999,700)</box>", `[{"label":"","box":[1001,500.5,2000,700.7],"clipped":true}]`, 0},
		{Qwen2VL(), "<|object_ref_start|>cat<|object_ref_end|><|box_start|>(100,200),(500,800)<|box_end|><|im_end|>",
			`[{"label":"cat","box":[200,200,1000,800]}]`, 0},
		{Qwen25VL(), "```json\n[\n\t{\"bbox_2d\": [10, 20, 300, 400], \"label\": \"cat\"},\n\t{\"point_2d\": [5, 6], \"label\": \"nose\"},\n\t{\"bbox_2d\": [1, 2",
			`[{"label":"cat","box":[20,40,600,800]},{"label":"nose","point":[10,12]}]`, 0},
		{Qwen3VL(), `{"bbox_2d": [100, 100, 1000, 1000], "label": "x"} {"bbox_2d": [1e999, 1, 2, 3]} {"bbox_2d": "no"}`,
			`[{"label":"x","box":[200,100,2000,1000]}]`, 0},
		{Qwen3VL(), `{"point_2d": [1500, 20]}`, `null`, 1},
		{LLaVA(), "It is at [0.1, 0.25, 0.5, 0.75].", `[{"label":"","box":[200,0,1000,1000]}]`, 0},
		{SPHINX(), "<p>a man </p>[0.100,0.250,0.500,0.750; 0.5,0.5,1.0,0.75], a box [0.25,0.5] and [0.1,0.2,0.3] or [a]", `[{"label":"a man","box":[200,0,1000,1000]},` +
			`{"label":"a man","box":[1000,500,2000,1000]},{"label":"","point":[500,500]}]`, 0},
		{InternVL(), "<ref>car</ref><box>[[0, 0, 500, 500], [500, 500, 1000, 1000]]</box>",
			`[{"label":"car","box":[0,0,1000,500]},{"label":"car","box":[1000,500,2000,1000]}]`, 0},
	} {
		marks, notes := c.d.Find(c.text, in)
		got, err := json.Marshal(marks)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != c.want || len(notes) != c.notes {
			t.Errorf("%s: %s\n%s, notes %q\nwant %s", c.d.Name, c.text, got, notes, c.want)
		}
	}
}

// TestRoundTrip writes marks in pictures of any size, as the processors of the
// reference prepare them, and reads them again: each comes back within what the
// dialect's digits can tell.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	processors := map[string]*imageproc.Processor{}
	for _, name := range []string{"llava15", "llava_next", "llava_onevision", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "blip2_opt"} {
		p, err := imageproc.OpenProcessor(os.DirFS("../../testdata/" + name))
		if err != nil {
			t.Fatal(err)
		}
		processors[name] = p
	}
	for name, p := range processors {
		for range 6 {
			img := imageproc.NewRGB(40+rng.IntN(200), 40+rng.IntN(200))
			v, err := p.Views(img)
			if err != nil {
				t.Fatal(err)
			}
			in := Picture{W: img.W, H: img.H, Seen: v.Each[0].Geometry}
			for _, d := range []*Dialect{QwenVL(), Qwen2VL(), Qwen25VL(), Qwen3VL(), LLaVA(), SPHINX(), InternVL()} {
				kinds := []int{1, 2, 4}
				if d.Name == "InternVL" || d.Name == "LLaVA" {
					kinds = []int{2}
				}
				for _, n := range kinds {
					roundTrip(t, rng, name, d, in, n)
				}
			}
		}
	}
}

func roundTrip(t *testing.T, rng *rand.Rand, processor string, d *Dialect, in Picture, points int) {
	t.Helper()
	g := d.frame(in)
	unit := 1.0 // of what is written
	switch d.Name {
	case "LLaVA":
		unit = 0.01
	case "SPHINX":
		unit = 0.001
	}
	within := 0.51 * unit / min(g.ScaleX, g.ScaleY)
	m := Mark{Label: "it", Points: make([]Point, points)}
	x, y := rng.Float64()*float64(in.W)/3, rng.Float64()*float64(in.H)/3
	w, h := float64(in.W)/3, float64(in.H)/3
	copy(m.Points, []Point{{x, y}, {x + w, y + h}, {x + w, y + h*1.5}, {x, y + h*1.5}})
	text, err := d.Write(m, in)
	if err != nil {
		t.Fatal(err)
	}
	marks, notes := d.Find("Here: "+text+" .", in)
	if len(marks) != 1 || len(marks[0].Points) != points || len(notes) > 0 {
		t.Fatalf("%s with %s's pictures: %s has marks %v, notes %q", d.Name, processor, text, marks, notes)
	}
	for i, p := range marks[0].Points {
		if math.Abs(p.X-m.Points[i].X) > within || math.Abs(p.Y-m.Points[i].Y) > within {
			t.Errorf("%s with %s's pictures of %d×%d: %s is %v, want %v within %.2g", d.Name, processor, in.W, in.H, text, p, m.Points[i], within)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	in := Picture{W: 100, H: 50}
	for want, m := range map[string]Mark{
		"not inside the picture of 100×50":  Box("a", 10, 10, 101, 20),
		"(NaN, 1) is not inside":            Box("a", math.NaN(), 1, 2, 3),
		"(+Inf, 3) is not inside":           Box("a", 0, 1, math.Inf(1), 3),
		"want the left top corner":          Box("a", 20, 10, 10, 20),
		"has 3 points, want 1, 2 (a box)":   {Label: "a", Points: make([]Point, 3)},
		"from (1, 1) to (1, 1)":             Box("a", 1, 1, 1, 1),
		"(-1, 0) is not inside the picture": {Label: "a", Points: []Point{{-1, 0}}},
	} {
		if _, err := QwenVL().Write(m, in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// FuzzFind wants marks inside of the picture, whatever the text.
func FuzzFind(f *testing.F) {
	f.Add("<ref>a</ref><box>(1,2),(3,4)</box>")
	f.Add(`[{"bbox_2d": [1, 2, 3, 4], "label": "a"}]`)
	f.Add("<|box_start|>(1,2),(3,4)<|box_end|> [0.1, 0.2, 0.3, 0.4]")
	in := Picture{W: 64, H: 48, Seen: imageproc.Geometry{ScaleX: 2, ScaleY: 2}}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []*Dialect{QwenVL(), Qwen2VL(), Qwen25VL(), Qwen3VL(), LLaVA(), InternVL()} {
			marks, _ := d.Find(text, in)
			for _, m := range marks {
				if err := m.Check(in.W, in.H); err != nil {
					t.Errorf("%s: %v", d.Name, err)
				}
			}
		}
	})
}
