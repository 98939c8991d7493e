package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWriteRefuses: what a format cannot hold is told, and nothing is left behind.
func TestWriteRefuses(t *testing.T) {
	turns := func(q, a string) []Turn { return []Turn{{Role: User, Text: q}, {Role: Assistant, Text: a}} }
	picture := opened(t, "testdata/llava.jsonl", Options{Images: "testdata/images"})
	one, err := picture.At(0)
	if err != nil {
		t.Fatal(err)
	}
	pictures := one.Images
	boxed := turns("q", BoxTag)
	boxed[1].Places = &Places{Boxes: []Box{{At: []float64{1, 2, 30, 20}}}}
	muted := turns("q", "a")
	muted[1].Mute = true
	weighted := turns("q", "a")
	weighted[1].Weight = 0.5
	for _, c := range []struct {
		format string
		sample Sample
		want   string // "" is no error
		lossy  bool   // may be written with losses
	}{
		{"llava", Sample{ID: "x", Turns: boxed, Images: pictures}, "would lose the boxes", true},
		{"openai", Sample{ID: "x", Turns: muted}, "", true},
		{"openai", Sample{ID: "x", Turns: weighted}, "openai would lose the weights of answers;", true},
		{"sharegpt", Sample{ID: "x", Turns: muted}, "sharegpt would lose which answers are learned;", true},
		{"llava", Sample{ID: "x", Turns: turns("q", "a"), Rejected: "b"}, "would lose the rejected answer", true},
		{"sharegpt", Sample{ID: "x", Turns: turns("q", "a"), Rejected: "b"}, "", true},
		{"llava", Sample{ID: "x", Turns: turns("q", "a"), Meta: []Meta{{}}}, "would lose the kind of the question", true},
		{"llava", Sample{ID: "x", Turns: []Turn{{Text: "d"}}, Document: true}, "cannot hold a document", false},
		{"text", Sample{ID: "x", Turns: turns("q", "a")}, "cannot hold a conversation", false},
		{"coco", Sample{ID: "1", Turns: turns("q", "a")}, "cannot hold a sample without a picture", false},
		{"coco", Sample{ID: "1", Turns: turns("q", "a"), Images: pictures}, "would lose the question", true},
		{"coco", Sample{ID: "x", Turns: turns(describe, "a"), Images: pictures}, "name, which is no number", true},
		{"coco", Sample{ID: "1", Turns: append(turns("q", "a"), turns("q", "a")...), Images: pictures}, "cannot hold several questions", false},
		{"qwen-vl", Sample{ID: "x", Turns: boxed, Images: pictures}, "would be rounded", true},
		{"qwen-vl", Sample{ID: "x", Turns: turns("<ref>", "<box>(1,1),(2,2)</box>")}, "a sign of Qwen-VL's", false},
		{"qwen-vl", Sample{ID: "x", Turns: append([]Turn{{Role: System, Text: "s"}}, turns("q", "a")...)}, "would lose the system's turn", true},
		{"swift", Sample{ID: "x", Turns: turns("what is <bbox>?", "a")}, "a tag of a label or box that is none", false},
		{"swift", Sample{ID: "x", Turns: turns("q", "a"), Images: []Picture{{read: func() ([]byte, error) { return nil, nil }}}}, "give --save-images", false},
	} {
		for _, lossy := range []bool{false, true} {
			dir := t.TempDir()
			w, err := Create(filepath.Join(dir, "out.jsonl"), c.format, WriteOptions{Lossy: lossy})
			if err != nil {
				t.Fatal(err)
			}
			err = w.Write(&c.sample)
			switch {
			case c.want == "" || lossy && c.lossy:
				if err != nil {
					t.Errorf("%s %+v: %v", c.format, c.sample.Turns, err)
				}
			case err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"`+c.sample.ID+`"`):
				t.Errorf("%s %+v: error %v, want %q", c.format, c.sample.Turns, err, c.want)
			}
			if err := w.Abort(); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		}
	}
	if _, err := Create(filepath.Join(t.TempDir(), "x"), "obelics", WriteOptions{}); err == nil || !strings.Contains(err.Error(), `"obelics" is not written`) {
		t.Errorf("error %v", err)
	}
}

// TestSavedPictures: a picture is saved once under its name, and another never takes it.
func TestSavedPictures(t *testing.T) {
	save := t.TempDir()
	put := func(images string) error {
		d := opened(t, "testdata/llava.json", Options{Images: images})
		s, err := d.At(1)
		if err != nil {
			t.Fatal(err)
		}
		w, err := Create(filepath.Join(t.TempDir(), "x.json"), "llava", WriteOptions{Save: save})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(s); err != nil {
			_ = w.Abort()
			return err
		}
		return w.Close()
	}
	for range 2 {
		if err := put("testdata/images"); err != nil {
			t.Fatal(err)
		}
	}
	if names, err := filepath.Glob(filepath.Join(save, "*", "dog.png")); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	if err := put(folder(t, map[string]int{"cat.png": 3, "sub/dog.png": 4})); err == nil || !strings.Contains(err.Error(), "another picture cat.png") {
		t.Errorf("error %v", err)
	}
}
