package train

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data"
)

// broken writes conversations of which one row is none and one picture is missing.
func broken(t *testing.T) Source {
	t.Helper()
	s := conversations(t, 6)
	text := readText(t, s.Path)
	text = strings.Replace(text, `"gpt"`, `"nobody"`, 1)
	at := strings.LastIndex(text, "dot.png")
	check(t, os.WriteFile(s.Path, []byte(text[:at]+"gone.png"+text[at+len("dot.png"):]), 0o644))
	return s
}

// TestBrokenData: what cannot be read is left out, told and counted, or ends the run.
func TestBrokenData(t *testing.T) {
	one := func(r *Recipe) {
		r.Stages = r.Stages[1:]
		r.Stages[0].Batch, r.Stages[0].Accumulate, r.Stages[0].Steps = 5, 1, 2
		r.Stages[0].Data = []Source{broken(t)}
	}
	tr := newTrainer(t, tiny(t, one))
	some, n := tr.LeftOut()
	if n != 1 || len(some) != 1 || !strings.Contains(some[0].Error(), "nobody") {
		t.Errorf("%d rows left out: %v", n, some)
	}
	var skipped []error
	var steps []Step
	tr.OnSkip, tr.OnStep = func(err error) { skipped = append(skipped, err) }, func(s Step) { steps = append(steps, s) }
	check(t, tr.Run(t.Context()))
	if len(skipped) != 2 || !strings.Contains(skipped[0].Error(), "gone.png") || len(steps) != 2 || steps[0].Broken != 1 {
		t.Errorf("skipped %v in %+v", skipped, steps)
	}
	for _, row := range []bool{true, false} { // the row, then the picture
		r := tiny(t, one, func(r *Recipe) { r.Strict = true })
		if !row {
			s := &r.Stages[0].Data[0]
			check(t, os.WriteFile(s.Path, []byte(strings.Replace(readText(t, s.Path), "nobody", "gpt", 1)), 0o644))
		}
		tr, err := New(r, nil)
		if err == nil {
			err = tr.Run(t.Context())
			check(t, tr.Close())
		}
		if want := map[bool]string{true: "nobody", false: "gone.png"}[row]; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("strict: error %v, want %q", err, want)
		}
	}
}

// TestFilesOfAllFormats: a recipe reads what data.Open does, told by its content.
func TestFilesOfAllFormats(t *testing.T) {
	dir := t.TempDir()
	for _, format := range []string{"sharegpt", "openai", "qwen-vl"} {
		source := conversations(t, 4)
		d, err := data.Open(source.Path, data.Options{Images: source.Images})
		check(t, err)
		path := filepath.Join(dir, format+".json")
		w, err := data.Create(path, format, data.WriteOptions{})
		check(t, err)
		for i := range d.Len() {
			s, err := d.At(i)
			check(t, err)
			check(t, w.Write(s))
		}
		check(t, w.Close())
		check(t, d.Close())
		_, steps := runAll(t, tiny(t, func(r *Recipe) {
			r.Strict = true
			r.Stages = r.Stages[1:]
			r.Stages[0].Steps = 1
			r.Stages[0].Data = []Source{{Format: "file", Path: path, Images: source.Images}}
		}))
		if len(steps) != 1 || steps[0].Labelled == 0 {
			t.Errorf("%s: %s", format, fmt.Sprint(steps))
		}
	}
}
