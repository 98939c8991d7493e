package train

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// thing is a picture with a white rectangle in it.
func thing(w, h int, at image.Rectangle) *imageproc.RGB {
	img := &imageproc.RGB{Pix: make([]uint8, 3*w*h), W: w, H: h}
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			copy(img.Pix[3*(y*w+x):], []uint8{255, 255, 255})
		}
	}
	return img
}

// seen is the rectangle of what is white.
func seen(img *imageproc.RGB) (r image.Rectangle) {
	for i := 0; i < len(img.Pix); i += 3 {
		if x, y := i/3%img.W, i/3/img.W; img.Pix[i] == 255 {
			r = r.Union(image.Rect(x, y, x+1, y+1))
		}
	}
	return r
}

// rectangle is one of w by h pixels at least one pixel away from the edges, where no edge that
// is repeated has its colour.
func rectangle(rng *rand.Rand, w, h int) image.Rectangle {
	x0, y0 := 1+rng.IntN(w-2), 1+rng.IntN(h-2)
	return image.Rect(x0, y0, x0+1+rng.IntN(w-1-x0), y0+1+rng.IntN(h-1-y0))
}

// TestBoxesFollowTheirPictures: whatever the change and the coordinates, a box is around
// what it was around. What the shift pushes over the edge is cut off; where that were all
// of it, nothing is shifted.
func TestBoxesFollowTheirPictures(t *testing.T) {
	coords := []data.Coords{{}, {Sized: true}, {Unit: data.Norm01}, {Unit: data.Norm1000, Padded: true}, {Unit: data.Norm999, Sized: true}}
	cut, stayed := 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var conv []model.Turn
		turns := []data.Turn{{Role: data.User, Text: "Where?"}, {Role: data.Assistant, Places: &data.Places{}}}
		var before []*imageproc.RGB
		for i := range 2 {
			w, h := 3+rng.IntN(20), 3+rng.IntN(20)
			at := rectangle(rng, w, h)
			img := thing(w, h, at)
			pixels := data.Box{At: []float64{float64(at.Min.X), float64(at.Min.Y), float64(at.Max.X), float64(at.Max.Y)}, Image: i}
			turns[1].Places.Boxes = append(turns[1].Places.Boxes, pixels.In(coords[rng.IntN(len(coords))], w, h))
			conv = append(conv, model.Turn{Role: data.User, Images: []*imageproc.RGB{img}})
			before = append(before, img)
		}
		a := Augment{Shift: rng.IntN(12), Flip: rng.IntN(2) == 1}
		untouched := slices.Clone(turns[1].Places.Boxes)
		got := a.apply(turns, conv, rand.New(rand.NewPCG(seed, 2)))
		if !reflect.DeepEqual(turns[1].Places.Boxes, untouched) {
			t.Fatal("the sample's own boxes have moved")
		}
		for i, b := range got[1].Places.Boxes {
			img := conv[i].Images[0]
			want, was := seen(img), seen(before[i])
			in := b.In(data.Coords{}, img.W, img.H)
			for k, edge := range []int{want.Min.X, want.Min.Y, want.Max.X, want.Max.Y} {
				if math.Abs(in.At[k]-float64(edge)) > 1e-9 {
					t.Fatalf("seed %d: box %v around %v after %+v", seed, in.At, want, a)
				}
			}
			if want.Size() != was.Size() {
				cut++
			}
			if a.Shift > 0 && want.Min.Y == was.Min.Y && want.Max.Y == was.Max.Y {
				stayed++
			}
		}
	}
	if cut < 20 || stayed < 20 {
		t.Errorf("%d boxes were cut and %d pictures stayed: the test tests nothing", cut, stayed)
	}
}

// TestPlacesThatCannotBeCut: points and quadrangles stay whole, and corners keep their order.
func TestPlacesThatCannotBeCut(t *testing.T) {
	for _, c := range []struct {
		name   string
		change motion
		at     []float64
		want   []float64 // nil: not in the picture any more
	}{
		{"point", motion{dx: 3, dy: -2}, []float64{4, 5}, []float64{7, 3}},
		{"mirrored point", motion{flip: true, dx: 1}, []float64{4, 5}, []float64{17, 5}},
		{"point over the edge", motion{dx: 3}, []float64{18, 5}, nil},
		{"quadrangle", motion{dx: 1, dy: 1}, []float64{2, 2, 9, 3, 8, 8, 3, 7}, []float64{3, 3, 10, 4, 9, 9, 4, 8}},
		{"mirrored quadrangle", motion{flip: true}, []float64{2, 2, 9, 3, 8, 8, 3, 7}, []float64{11, 3, 18, 2, 17, 7, 12, 8}},
		{"quadrangle over the edge", motion{dx: -4}, []float64{2, 2, 9, 3, 8, 8, 3, 7}, nil},
		{"box over the edge", motion{dy: -3}, []float64{2, 1, 9, 3}, nil},
		{"less than a pixel of a box", motion{dy: -2}, []float64{2, 1, 9, 2.5}, nil},
		{"a box of less than a pixel", motion{dy: 2}, []float64{2, 1, 2.5, 1.5}, []float64{2, 3, 2.5, 3.5}},
		{"what never was there", motion{dx: 1}, []float64{2, 1, 90, 2}, []float64{2, 1, 90, 2}},
	} {
		c.change.w, c.change.h = 20, 10
		got, ok := c.change.box(data.Box{At: c.at})
		if ok != (c.want != nil) || ok && !slices.Equal(got.At, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.name, got.At, ok, c.want)
		}
	}
}

// TestAugmentedBoxesAreLearned: what a model learns is where the thing is on the picture
// that it sees, in the words of its family.
func TestAugmentedBoxesAreLearned(t *testing.T) {
	dir := t.TempDir()
	var file bytes.Buffer
	check(t, png.Encode(&file, thing(32, 32, image.Rect(8, 12, 16, 20)).Image()))
	check(t, os.WriteFile(filepath.Join(dir, "thing.png"), file.Bytes(), 0o644))
	row := `{"messages": [{"role": "user", "content": "<image>Where?"}, {"role": "assistant", "content": "<bbox>"}], "images": ["thing.png"], "objects": {"ref": [], "bbox": [[8, 12, 16, 20]]}}`
	check(t, os.WriteFile(filepath.Join(dir, "rows.jsonl"), []byte(row), 0o644))
	tr := newTrainer(t, tiny(t, func(r *Recipe) {
		r.Stages = r.Stages[1:]
		r.Stages[0].Data = []Source{{Format: "swift", Path: filepath.Join(dir, "rows.jsonl"), Images: dir, Augment: Augment{Shift: 6, Flip: true}}}
	}))
	places := map[string]bool{}
	for place := range 30 {
		_, conv, err := tr.stages[0].conversation(place)
		check(t, err)
		r := seen(conv[0].Images[0])
		share := func(n int) float64 { return float64(n) / 32 }
		want := fmt.Sprintf("[%.2f, %.2f, %.2f, %.2f]", share(r.Min.X), share(r.Min.Y), share(r.Max.X), share(r.Max.Y))
		if text := conv[1].Text; !strings.Contains(text, want) {
			t.Errorf("the model learns %q, and sees it at %s", text, want)
		}
		places[want] = true
		_, again, err := tr.stages[0].conversation(place)
		check(t, err)
		if again[1].Text != conv[1].Text {
			t.Errorf("place %d: %q, and again %q", place, conv[1].Text, again[1].Text)
		}
	}
	if len(places) < 20 {
		t.Errorf("%d places of 30", len(places))
	}
}
