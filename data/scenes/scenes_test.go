package scenes

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
)

// TestGolden notices any change of pictures, truth or words. A change that is meant
// changes every model trained on scenes.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		seed          uint64
		opts          Options
		pictures, all string
	}{
		{7, Options{}, "77763d3fe43d1df8", "b06a40b8ddae43b0"},
		{7, Options{Split: Eval}, "5d4e542d63dbf81e", "a84a127b60be515b"},
		{1 << 63, Options{Side: 64, Questions: 40}, "4fc2f1347f75ecd8", "76bc1dea7ab3bb00"},
		{0, Options{Side: 333, Langs: []Lang{Chinese}, Types: []Type{RelationOf}}, "849e38a4ebd9e03a", "8226efba72227302"},
	} {
		pictures, all := sha256.New(), sha256.New()
		for i := range 40 {
			s := Generate(c.seed, i, c.opts)
			pictures.Write(s.Image().Pix)
			text, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		if got := fmt.Sprintf("%x", pictures.Sum(nil)[:8]); got != c.pictures {
			t.Errorf("seed %d %+v: pictures %s, want %s", c.seed, c.opts, got, c.pictures)
		}
		if got := fmt.Sprintf("%x", all.Sum(nil)[:8]); got != c.all {
			t.Errorf("seed %d %+v: truth %s, want %s", c.seed, c.opts, got, c.all)
		}
	}
}

func TestLayout(t *testing.T) {
	counts := map[int]int{}
	for i := range 2000 {
		s := Generate(3, i, Options{Side: 64, Questions: 1})
		counts[len(s.Objects)]++
		for j, o := range s.Objects {
			checkObject(t, s, o)
			for _, p := range s.Objects[:j] {
				gapX := max(o.Box[0]-p.Box[2], p.Box[0]-o.Box[2])
				gapY := max(o.Box[1]-p.Box[3], p.Box[1]-o.Box[3])
				if max(gapX, gapY) < 1 {
					t.Errorf("%s: boxes %v and %v are %d, %d pixels apart", s.ID, o.Box, p.Box, gapX, gapY)
				}
			}
		}
	}
	for n := 1; n <= 5; n++ {
		if counts[n] < 200 {
			t.Errorf("%d scenes of 2000 have %d objects", counts[n], n)
		}
	}
}

// checkObject checks an object of a 64×64 picture: its size and its place.
func checkObject(t *testing.T, s *Scene, o Object) {
	t.Helper()
	w, h := o.Box[2]-o.Box[0], o.Box[3]-o.Box[1]
	least, most := 10, 14
	if o.Size == Large {
		least, most = 16, 24
	}
	if w < least || h < least || w > most || h > most {
		t.Errorf("%s: %s %s measures %d×%d", s.ID, o.Size, o.Shape, w, h)
	}
	if o.Box[0] < 1 || o.Box[1] < 1 || o.Box[2] > 63 || o.Box[3] > 63 {
		t.Errorf("%s: box %v at the edge", s.ID, o.Box)
	}
}

// TestImage checks that the pictures show what the truth says: inside its box each
// object changes the background, in its own colour, and touches every side of the box.
func TestImage(t *testing.T) {
	for i := range 60 {
		s := Generate(5, i, Options{Side: 64 + 5*i})
		empty := *s
		empty.Objects = nil
		got, ground := s.Image(), empty.Image()
		boxes := make([][4]int, len(s.Objects))
		for j := range boxes {
			boxes[j] = [4]int{s.Side, s.Side, 0, 0}
		}
		for y := range s.Side {
			for x := range s.Side {
				if got.At(x, y) == ground.At(x, y) {
					continue
				}
				j := objectAt(s, x, y)
				if j < 0 {
					t.Fatalf("%s: pixel (%d, %d) is drawn outside all boxes", s.ID, x, y)
				}
				b := &boxes[j]
				b[0], b[1] = min(b[0], x), min(b[1], y)
				b[2], b[3] = max(b[2], x+1), max(b[3], y+1)
			}
		}
		for j, o := range s.Objects {
			for k := range o.Box {
				// The tip of a triangle may cover too little of a pixel to be seen.
				if abs(o.Box[k]-boxes[j][k]) > 1 {
					t.Errorf("%s: %s drawn in %v, box %v", s.ID, o.Shape, boxes[j], o.Box)
				}
			}
			p := got.Pix[got.PixOffset(o.Centre[0]*s.Side/Unit, o.Centre[1]*s.Side/Unit):]
			for c, want := range paints[o.Colour] {
				if abs(int(p[c])-int(want)) > 8 {
					t.Errorf("%s: centre of the %s %s is %v", s.ID, o.Colour, o.Shape, p[:3])
				}
			}
		}
	}
}

func objectAt(s *Scene, x, y int) int {
	for j, o := range s.Objects {
		if x >= o.Box[0] && x < o.Box[2] && y >= o.Box[1] && y < o.Box[3] {
			return j
		}
	}
	return -1
}

// TestContrast checks that every object differs clearly from the ground around it.
func TestContrast(t *testing.T) {
	for i := range 1000 {
		s := Generate(11, i, Options{Side: 64, Questions: 1})
		for _, o := range s.Objects {
			for _, g := range []rgb{s.ground.a, s.ground.b} {
				d := 0
				for c := range 3 {
					d = max(d, abs(int(o.paint[c])-int(g[c])))
				}
				if d < 50 {
					t.Errorf("%s: %s object %v on %v", s.ID, o.Colour, o.paint, g)
				}
			}
		}
	}
}

func TestIndependence(t *testing.T) {
	base := Generate(7, 5, Options{})
	if !reflect.DeepEqual(base, Generate(7, 5, Options{})) {
		t.Error("a scene is not the same twice")
	}
	for _, other := range []*Scene{
		Generate(7, 6, Options{}), Generate(8, 5, Options{}), Generate(7, 5, Options{Split: Eval}),
	} {
		if reflect.DeepEqual(base.Objects, other.Objects) {
			t.Errorf("%s and %s have the same objects", base.ID, other.ID)
		}
	}
	// Questions of one language do not depend on the other's, nor layout on the questions.
	english := Generate(7, 5, Options{Langs: []Lang{English}, Questions: 6})
	for i, q := range english.Questions {
		if q != base.Questions[2*i] {
			t.Errorf("question %d: %+v alone, %+v of both", i, q, base.Questions[2*i])
		}
	}
	big := Generate(7, 5, Options{Side: 512})
	for i, o := range big.Objects {
		if o.Centre != base.Objects[i].Centre || !reflect.DeepEqual(big.Questions, base.Questions) {
			t.Error("the scene depends on the size of its picture")
		}
	}
}

func TestGeneratePanics(t *testing.T) {
	for name, f := range map[string]func(){
		"side":  func() { Generate(1, 0, Options{Side: 1}) },
		"index": func() { Generate(1, -1, Options{}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func BenchmarkGenerate(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		Generate(7, i, Options{}).Image()
	}
}
