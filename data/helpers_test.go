package data

import (
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes a folder of pictures, w by 2 pixels for "w.png" and "sub/w.png".
func folder(t testing.TB, names map[string]int) string {
	t.Helper()
	dir := t.TempDir()
	for name, w := range names {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := png.Encode(f, image.NewRGBA(image.Rect(0, 0, w, 2))); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

// opened opens a data set for the time of a test.
func opened(t testing.TB, path string, o Options) *Set {
	t.Helper()
	s, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// told is a sample in words: what must not change on the way through formats. Boxes are
// in pixels, pictures as their sizes.
func told(t testing.TB, s *Sample) string {
	t.Helper()
	var out strings.Builder
	var sizes [][2]int
	if s.named() != nil {
		out.WriteString(s.ID)
	}
	for i := range s.Images {
		img, err := s.Images[i].Open()
		if err != nil {
			fmt.Fprintf(&out, " absent %s", s.Images[i].URL)
			sizes = append(sizes, [2]int{1, 1})
			continue
		}
		fmt.Fprintf(&out, " %d×%d", img.W, img.H)
		sizes = append(sizes, [2]int{img.W, img.H})
	}
	for _, turn := range s.Turns {
		fmt.Fprintf(&out, "\n%s: %s", turn.Role, turn.Text)
		if turn.Mute || turn.Weight != 0 {
			fmt.Fprintf(&out, " (%v, %v)", turn.Mute, turn.Weight)
		}
		if turn.Places == nil {
			continue
		}
		fmt.Fprintf(&out, " %q", turn.Places.Refs)
		for _, b := range turn.Places.Boxes {
			fmt.Fprintf(&out, " %d:", b.Image)
			for _, p := range b.Mark("", sizes[b.Image][0], sizes[b.Image][1]).Points {
				fmt.Fprintf(&out, "(%v,%v)", math.Round(p.X*1e6)/1e6, math.Round(p.Y*1e6)/1e6)
			}
		}
	}
	if s.Rejected != "" || s.Verdict != NoVerdict || s.Meta != nil {
		fmt.Fprintf(&out, "\nrejected %q, verdict %d, meta %v", s.Rejected, s.Verdict, s.Meta)
	}
	return out.String()
}

// tellAll tells every sample of a set.
func tellAll(t testing.TB, d *Set) (out []string) {
	t.Helper()
	for i := range d.Len() {
		s, err := d.At(i)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, told(t, s))
	}
	return out
}
