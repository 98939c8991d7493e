package data

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// numberedSet is a data set of n questions in a folder: q0, q1, ...
func numberedSet(t *testing.T, dir, name string, n int) {
	t.Helper()
	var rows []string
	for i := range n {
		rows = append(rows, talkOf(fmt.Sprintf(`"id": "%s%d",`, name, i), "why?"))
	}
	if err := os.WriteFile(filepath.Join(dir, name+".jsonl"), []byte(strings.Join(rows, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, d *Set) (out []string) {
	t.Helper()
	for i := range d.Len() {
		s, err := d.At(i)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s.ID)
	}
	return out
}

// TestMixtures: what is taken of each set.
func TestMixtures(t *testing.T) {
	dir := t.TempDir()
	numberedSet(t, dir, "a", 4)
	numberedSet(t, dir, "b", 3)
	for _, c := range []struct{ name, text, want string }{
		{"all.yaml", "datasets:\n- {json_path: a.jsonl}\n- {json_path: b.jsonl, sampling_strategy: all}", "a0 a1 a2 a3 b0 b1 b2"},
		{"some.yaml", "datasets:\n- {json_path: a.jsonl, sampling_strategy: 'first:50%'}\n- {json_path: b.jsonl, sampling_strategy: 'end:1'}", "a0 a1 b2"},
		{"more.yaml", "datasets:\n- {json_path: b.jsonl, sampling_strategy: 'first:100'}", "b0 b1 b2"},
		{"none.yaml", "datasets:\n- {json_path: b.jsonl, sampling_strategy: 'first:0'}\n- {json_path: a.jsonl, sampling_strategy: 'end:1'}", "a3"},
		{"twice.json", `{"x": {"annotation": "b.jsonl", "repeat_time": 2}, "y": {"annotation": "a.jsonl"}}`, "b0 b1 b2 b0 b1 b2 a0 a1 a2 a3"},
		{"info.json", `{"x": {"file_name": "b.jsonl", "formatting": "sharegpt", "num_samples": 2}}`, "b0 b1"},
	} {
		if err := os.WriteFile(filepath.Join(dir, c.name), []byte(c.text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(ids(t, opened(t, filepath.Join(dir, c.name), Options{})), " "); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for _, text := range []string{"datasets:\n- {json_path: a.jsonl, sampling_strategy: 'random:50%'}", "META:\n- {path: a.jsonl, ratio: 0.5}"} {
		name := filepath.Join(dir, "random.yaml")
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		one, two := ids(t, opened(t, name, Options{})), ids(t, opened(t, name, Options{}))
		if len(one) != 2 || one[0] == one[1] || !slices.Equal(one, two) {
			t.Errorf("%s: %v and %v", text, one, two)
		}
	}
	for _, bad := range []string{"first", "first:x", "some:3", "first:-1", "random:NaN", "end:1e300"} {
		if _, err := sampled(bad, 10); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for _, bad := range []float64{0, -1, 1e300} {
		if _, err := repeated(bad, 10); err == nil {
			t.Errorf("%v times is accepted", bad)
		}
	}
}

// TestTypes: what a mixture calls the kinds of its samples is kept, in mixtures of it too.
func TestTypes(t *testing.T) {
	dir := t.TempDir()
	numberedSet(t, dir, "a", 3)
	numberedSet(t, dir, "b", 2)
	for name, text := range map[string]string{
		"x.yaml": "META:\n- {path: a.jsonl, type: image_text, ratio: 2}\n- {path: b.jsonl}\n- {path: b.jsonl, type: 7}",
		"y.yaml": "datasets:\n- {json_path: b.jsonl}\n- {json_path: x.yaml, sampling_strategy: 'end:3'}",
		"z.yaml": "META:\n- {path: y.yaml, type: all}",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	six := strings.Repeat("image_text ", 6)
	for _, c := range []struct {
		name, types string
		count       map[string]int
	}{
		{"a.jsonl", "- - -", nil},
		{"x.yaml", six + "- - 7 7", map[string]int{"image_text": 6, "7": 2}},
		{"y.yaml", "- - - 7 7", map[string]int{"7": 2}},
		{"{x,a}.*", six + "- - 7 7 - - -", map[string]int{"image_text": 6, "7": 2}},
		{"z.yaml", "all all all all all", map[string]int{"all": 5}},
	} {
		d := opened(t, filepath.Join(dir, c.name), Options{})
		var got []string
		for i := range d.Len() {
			got = append(got, cmp.Or(d.Type(i), "-"))
		}
		if types := strings.Join(got, " "); types != c.types {
			t.Errorf("%s: %s, want %s", c.name, types, c.types)
		}
		if r, err := Check(d, CheckOptions{}); err != nil || !reflect.DeepEqual(r.Types, c.count) {
			t.Errorf("%s: %v, %v, want %v", c.name, r.Types, err, c.count)
		}
	}
}

// TestCoordsInMixtures: a format's own coordinates hold inside of a mixture too.
func TestCoordsInMixtures(t *testing.T) {
	file, err := filepath.Abs("testdata/qwen-vl.json")
	if err != nil {
		t.Fatal(err)
	}
	name := write(t, "a.yaml", "datasets:\n- {json_path: '"+file+"'}\n")
	for _, c := range []*Coords{nil, {Unit: Norm1000}} {
		s, err := opened(t, name, Options{Coords: c}).At(0)
		want := Coords{Unit: Norm999}
		if c != nil {
			want = *c
		}
		if err != nil || s.Turns[1].Places.Boxes[0].Coords != want {
			t.Errorf("%+v, %v", s, err)
		}
	}
}

// TestProblemsOfMixtures: those of every part are told, with its file.
func TestProblemsOfMixtures(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.jsonl", "b.jsonl"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(talkOf(`"id": "x",`, "why?")+"\n{}\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	d := opened(t, filepath.Join(dir, "*.jsonl"), Options{Format: "llava"})
	var files []string
	for _, p := range d.Problems() {
		files = append(files, fmt.Sprint(filepath.Base(p.File), p.Row))
	}
	if d.Len() != 2 || d.Broken() != 2 || !reflect.DeepEqual(files, []string{"a.jsonl2", "b.jsonl2"}) {
		t.Errorf("%d samples, problems %v", d.Len(), files)
	}
}

func TestExpand(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"a{08..11}.tar", []string{"a08.tar", "a09.tar", "a10.tar", "a11.tar"}},
		{"{a,b}{1..2}", []string{"a1", "a2", "b1", "b2"}},
		{"{9..10}", []string{"9", "10"}},
		{"{000..001}x{p,q}", []string{"000xp", "000xq", "001xp", "001xq"}},
	} {
		if got, err := braces(c.text); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", c.text, got, err)
		}
	}
	for _, bad := range []string{"{1..", "{3..1}", "{a..c}", "{0..999999999}", "{0..99999}{0..9}"} {
		if got, err := braces(bad); err == nil {
			t.Errorf("%s: %d names", bad, len(got))
		}
	}
	if _, err := Open("testdata/none{1..2}.tar", Options{}); err == nil || !strings.Contains(err.Error(), "none1.tar") {
		t.Errorf("error %v", err)
	}
	if _, err := Open("testdata/none*.tar", Options{}); err == nil || !strings.Contains(err.Error(), "none*.tar") {
		t.Errorf("error %v", err)
	}
}
