package scenes

import (
	"encoding/json"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	if err := Write(dir, 7, 3, Options{Side: 64, Questions: 4}); err != nil {
		t.Fatal(err)
	}
	var records []record
	readJSON(t, filepath.Join(dir, "scenes.json"), &records)
	if len(records) != 6 {
		t.Fatalf("%d conversations, want one per scene and language", len(records))
	}
	for _, r := range records {
		if len(r.Conversations) != 4 || !strings.HasPrefix(r.Conversations[0].Value, "<image>\n") {
			t.Errorf("conversation %+v", r)
		}
	}
	var truth []struct {
		Scene
		Image string
	}
	readJSON(t, filepath.Join(dir, "truth.json"), &truth)
	for i, s := range truth {
		want := Generate(7, i, Options{Side: 64, Questions: 4})
		if s.ID != want.ID || len(s.Objects) != len(want.Objects) || len(s.Questions) != 4 {
			t.Errorf("truth of scene %d: %+v", i, s)
		}
		comparePicture(t, filepath.Join(dir, filepath.FromSlash(s.Image)), want)
	}
	page, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil || strings.Count(string(page), "<section>") != 3 {
		t.Errorf("index.html: %v\n%s", err, page)
	}
}

func readJSON(t *testing.T, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func comparePicture(t *testing.T, name string, s *Scene) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	want := s.Image()
	for y := range s.Side {
		for x := range s.Side {
			r, g, b, _ := got.At(x, y).RGBA()
			R, G, B, _ := want.At(x, y).RGBA()
			if r != R || g != G || b != B {
				t.Fatalf("%s differs at (%d, %d)", name, x, y)
			}
		}
	}
}

func TestWriteErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir  string
		n    int
		opts Options
		want string
	}{
		{file, 1, Options{}, "file"},
		{t.TempDir(), 0, Options{}, "number of scenes is 0"},
		{t.TempDir(), 1, Options{Side: 63}, "side 63"},
		{t.TempDir(), 1, Options{Questions: 65}, "65 questions"},
		{t.TempDir(), 1, Options{Langs: []Lang{"fr"}}, `language "fr"`},
		{t.TempDir(), 1, Options{Types: []Type{"smell"}}, `type "smell"`},
	} {
		err := Write(c.dir, 7, c.n, c.opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Write(%d, %+v): %v, want %q", c.n, c.opts, err, c.want)
		}
	}
}
