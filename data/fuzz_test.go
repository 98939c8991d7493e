package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seeds are the files in testdata with one of these endings.
func seeds(f *testing.F, endings ...string) (out [][]byte) {
	f.Helper()
	for _, e := range endings {
		names, err := filepath.Glob("testdata/*" + e)
		if err != nil || len(names) == 0 {
			f.Fatalf("no testdata/*%s, %v", e, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			out = append(out, text)
		}
	}
	return out
}

// readAll opens a file in a format; what it gives must keep the promises of Sample.
func readAll(t *testing.T, name, format string, text []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	d, err := Open(path, Options{Format: format, Images: "testdata/images", Cache: "testdata/cache", Mentions: &Coords{}})
	if err != nil {
		return
	}
	for i := range d.Len() {
		s, err := d.At(i)
		if errors.Is(err, errUndecoded) {
			continue // Parquet's pages may say otherwise when one goes back to them
		}
		if err != nil {
			t.Fatalf("sample %d was whole when it was indexed: %v", i, err)
		}
		keepsPromises(t, s)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func keepsPromises(t *testing.T, s *Sample) {
	t.Helper()
	turns := s.Turns
	markers := 0
	for i := range turns {
		markers += strings.Count(turns[i].Text, Marker)
		_ = turns[i].Words()
		if p := turns[i].Places; p != nil {
			for _, b := range p.Boxes {
				_ = b.Mark("", 10, 10)
				if b.Image >= len(s.Images) {
					t.Fatalf("box in picture %d of %d", b.Image, len(s.Images))
				}
			}
		}
	}
	if s.ID == "" || markers != len(s.Images) && (markers != 0 || s.Document) {
		t.Fatalf("%d markers for %d pictures of %q", markers, len(s.Images), s.ID)
	}
	if s.Document {
		if len(turns) != 1 || turns[0].Role != "" {
			t.Fatalf("document %+v", turns)
		}
		return
	}
	if turns[0].Role == System {
		turns = turns[1:]
	}
	if len(turns) == 0 || len(turns)%2 != 0 {
		t.Fatalf("conversation %+v", turns)
	}
	for i, turn := range turns {
		if turn.Role != [2]string{User, Assistant}[i%2] {
			t.Fatalf("turn %d of %+v", i, turns)
		}
	}
}

// FuzzRows reads JSON in every format that has rows of it, and the tables.
func FuzzRows(f *testing.F) {
	for _, text := range seeds(f, ".json", ".jsonl") {
		for i := range rowFormats() {
			f.Add(uint8(i), text)
		}
	}
	f.Fuzz(func(t *testing.T, format uint8, text []byte) {
		all := rowFormats()
		readAll(t, "a.json", all[int(format)%len(all)], text)
	})
}

func rowFormats() []string {
	return []string{"llava", "sharegpt", "openai", "swift", "qwen-vl", "refs", "refcoco-hf", "captions", "grit", "mmc4", "obelics", "text", "coco", "karpathy"}
}

// FuzzLines reads plain text.
func FuzzLines(f *testing.F) {
	for _, text := range seeds(f, ".txt") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { readAll(t, "a.txt", "text", text) })
}

// FuzzTable reads lines with tabs between.
func FuzzTable(f *testing.F) {
	for _, text := range seeds(f, ".tsv") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { readAll(t, "a.tsv", "refcoco-tsv", text) })
}

// FuzzScanner: the bytes of a row are those at its place.
func FuzzScanner(f *testing.F) {
	f.Add([]byte("[" + talkOf(`"id": 3, "image": ["a.png", "b/c.png"],`, "<image><image>which?") + "]"))
	f.Add([]byte("\ufeff[ ]"))
	f.Add([]byte("\ufeff {}\n\n{\"a\": \"]\\\"\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := newScanner(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		_ = s.rows(func(at int64, raw []byte, bad error) error {
			if bad == nil && !bytes.Equal(text[at:at+int64(len(raw))], raw) {
				t.Fatalf("row %q is not at byte %d", raw, at)
			}
			return nil
		})
	})
}

func FuzzTar(f *testing.F) {
	for _, text := range seeds(f, ".tar") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) { readAll(t, "a.tar", "webdataset", text) })
}

func FuzzParquet(f *testing.F) {
	for _, text := range seeds(f, ".parquet") {
		f.Add(uint8(0), text)
		f.Add(uint8(1), text)
		f.Add(uint8(2), text)
		f.Add(uint8(3), text)
	}
	f.Fuzz(func(t *testing.T, format uint8, text []byte) {
		readAll(t, "a.parquet", []string{"llava", "grit", "obelics", "refcoco-hf"}[format%4], text)
	})
}

// FuzzMixtures reads the files that name others, which are not there.
func FuzzMixtures(f *testing.F) {
	for _, text := range seeds(f, ".yaml", "info.json", "internvl.json") {
		for i := range uint8(4) {
			f.Add(i, text)
		}
	}
	f.Fuzz(func(t *testing.T, format uint8, text []byte) {
		readAll(t, "a.any", []string{"llava-yaml", "accessory", "dataset-info", "internvl"}[format%4], text)
	})
}

func FuzzRefs(f *testing.F) {
	text, err := os.ReadFile("testdata/refcoco/refs(unc).p")
	if err != nil {
		f.Fatal(err)
	}
	instances, err := os.ReadFile("testdata/refcoco/instances.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		for name, data := range map[string][]byte{"refs(x).p": text, "instances.json": instances} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		d, err := Open(dir, Options{Images: "testdata/images"})
		if err != nil {
			return
		}
		for i := range d.Len() {
			s, err := d.At(i)
			if err != nil {
				t.Fatal(err)
			}
			keepsPromises(t, s)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzEasyVQA(f *testing.F) {
	f.Add([]byte(easyRows))
	f.Add([]byte(`[["q", "a", -1]]`))
	f.Add([]byte(`[[null, "a", 1]]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var rows []json.RawMessage
		if json.Unmarshal(text, &rows) != nil {
			return
		}
		for _, raw := range rows {
			q, err := parseEasy(raw, nil)
			if err == nil && (q.text == "" || q.answer == "" || q.image < 0) {
				t.Fatalf("row %s is accepted", raw)
			}
		}
	})
}
