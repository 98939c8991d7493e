package data

import (
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
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

func write(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "data.json")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return name
}

func openLLaVA(t testing.TB, text, dir string) (*LLaVA, error) {
	d, err := OpenLLaVA(write(t, text), dir, imageproc.Options{})
	if err == nil {
		t.Cleanup(func() { _ = d.Close() })
	}
	return d, err
}

// talkOf is one sample with the fields before its conversation and a first question.
func talkOf(fields, question string) string {
	q, _ := json.Marshal(question)
	return `{` + fields + ` "conversations": [{"from": "human", "value": ` + string(q) + `}, {"from": "gpt", "value": "an answer"}]}`
}

func TestLLaVA(t *testing.T) {
	dir := folder(t, map[string]int{"3.png": 3, "sub/4.png": 4})
	qa := func(question string) []Turn { return []Turn{{User, question}, {Assistant, "an answer"}} }
	for _, c := range []struct {
		name, text string
		id         string
		turns      []Turn
		widths     []int
	}{
		{"text only", talkOf(`"id": "a",`, "why?"), "a", qa("why?"), nil},
		{"number as id", talkOf(`"id": 17,`, "why?"), "17", qa("why?"), nil},
		{"no id", talkOf(``, "why?"), "#1", qa("why?"), nil},
		{"null fields", talkOf(`"id": null, "image": null, "model": "x",`, "why?"), "#1", qa("why?"), nil},
		{"one picture", talkOf(`"id": "a", "image": "sub/4.png",`, "<image>\nwhat?"), "a", qa("what?"), []int{4}},
		{"marker behind", talkOf(`"id": "a", "image": "3.png",`, "what?\n<image>"), "a", qa("what?"), []int{3}},
		{"list of one", talkOf(`"id": "a", "image": ["3.png"],`, "<image>what?"), "a", qa("what?"), []int{3}},
		{"two in front", talkOf(`"id": "a", "image": ["3.png", "sub/4.png"],`, "<image>\n<image>\nwhich?"), "a", qa("which?"), []int{3, 4}},
		{"interleaved", talkOf(`"id": "a", "image": ["3.png", "3.png"],`, "<image> or <image>?"), "a", qa("<image> or <image>?"), []int{3, 3}},
		{"system, and a second marker later", `{"id": "a", "image": "3.png", "conversations": [
			{"from": "system", "value": "be kind"}, {"from": "user", "value": "hello"}, {"from": "assistant", "value": "hello"},
			{"from": "human", "value": "<image>\nwhat?"}, {"from": "gpt", "value": "an answer"}]}`,
			"a", []Turn{{System, "be kind"}, {User, "hello"}, {Assistant, "hello"}, {User, "<image>\nwhat?"}, {Assistant, "an answer"}}, []int{3}},
		{"leading answer is dropped", `{"id": "a", "conversations": [{"from": "gpt", "value": "hello"},
			{"from": "human", "value": "why?"}, {"from": "gpt", "value": "an answer"}]}`, "a", qa("why?"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, text := range []string{"[" + c.text + "]", "\ufeff \n[\n" + c.text + "\n]\n", strings.ReplaceAll(c.text, "\n", " ")} {
				d, err := openLLaVA(t, text, dir)
				if err != nil {
					t.Fatal(err)
				}
				s, err := d.At(0)
				if err != nil {
					t.Fatal(err)
				}
				var widths []int
				for _, open := range s.Images {
					img, err := open()
					if err != nil {
						t.Fatal(err)
					}
					widths = append(widths, img.W)
				}
				if d.Len() != 1 || s.ID != c.id || !reflect.DeepEqual(s.Turns, c.turns) || !reflect.DeepEqual(widths, c.widths) {
					t.Errorf("%d samples, first %s %q, widths %v", d.Len(), s.ID, s.Turns, widths)
				}
			}
		})
	}
}

func TestLLaVARandomAccess(t *testing.T) {
	rows := make([]string, 300)
	for i := range rows {
		rows[i] = talkOf(`"id": "same",`, strings.Repeat("长", i*7))
	}
	for _, text := range []string{"[" + strings.Join(rows, " ,\n ") + "]", strings.Join(rows, "\n")} {
		d, err := openLLaVA(t, text, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range []int{299, 0, 150, 1, 298} {
			s, err := d.At(i)
			if err != nil || s.Turns[0].Text != strings.Repeat("长", i*7) {
				t.Errorf("sample %d: %v, %v", i, s, err)
			}
		}
	}
}

func TestLLaVAErrors(t *testing.T) {
	dir := folder(t, map[string]int{"3.png": 3})
	for _, c := range []struct{ name, text, want string }{
		{"empty file", "", "file is empty"},
		{"not JSON", "hello", "sample 1"},
		{"truncated", `[` + talkOf(`"id": "a",`, "why?"), "unexpected EOF"},
		{"truncated inside", `[{"id": "a", "conv`, "unexpected EOF"},
		{"rest", `[` + talkOf(``, "why?") + `] {}`, "behind the last sample"},
		{"wrong kind", `[1]`, "sample 1"},
		{"no conversation", `[{"id": "x7"}]`, `"x7"`},
		{"no marker", talkOf(`"id": "x7", "image": "3.png",`, "what?"), `"x7": 0 <image> markers for 1 images`},
		{"no image", talkOf(`"id": "x7",`, "<image> what?"), `"x7": 1 <image> markers for 0 images`},
		{"image is a number", talkOf(`"id": "x7", "image": 3,`, "<image>"), `"x7": image is neither`},
		{"outside", talkOf(`"id": "x7", "image": "../3.png",`, "<image>"), `"x7": image "../3.png" lies outside`},
		{"outside inside", talkOf(`"id": "x7", "image": "a/../../3.png",`, "<image>"), `lies outside`},
		{"absolute", talkOf(`"id": "x7", "image": "/etc/passwd",`, "<image>"), `lies outside`},
		{"empty path", talkOf(`"id": "x7", "image": "",`, "<image>"), `lies outside`},
		{"unknown speaker", `[{"id": "x7", "conversations": [{"from": "dog", "value": "wow"}]}]`, `"x7": turn 1: from "dog"`},
		{"no answer", `[{"id": "x7", "conversations": [{"from": "human", "value": "why?"}]}]`, `"x7": conversation does not end`},
		{"two questions", `[{"id": "x7", "conversations": [{"from": "human", "value": "a"}, {"from": "human", "value": "b"}]}]`, `"x7": turn 2`},
		{"marker in answer", `[{"id": "x7", "image": "3.png", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "<image>"}]}]`, `"x7": turn 2: <image> in a turn of the assistant`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := openLLaVA(t, c.text, dir)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "data.json") {
				t.Errorf("error %v, want %q and the file", err, c.want)
			}
		})
	}
}

func TestLLaVAPictureErrors(t *testing.T) {
	outside := folder(t, map[string]int{"3.png": 3})
	dir := folder(t, nil)
	text := `[` + talkOf(`"id": "x7", "image": "3.png",`, "<image>") + `]`
	open := func() error {
		d, err := openLLaVA(t, text, dir)
		if err != nil {
			t.Fatal(err)
		}
		s, err := d.At(0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Images[0]()
		return err
	}
	if err := open(); err == nil || !strings.Contains(err.Error(), `"x7"`) || !strings.Contains(err.Error(), "3.png") {
		t.Errorf("missing picture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "3.png"), []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := open(); err == nil || !strings.Contains(err.Error(), `"x7"`) {
		t.Errorf("text as picture: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "3.png")); err != nil {
		t.Fatal(err)
	}
	if os.Symlink(filepath.Join(outside, "3.png"), filepath.Join(dir, "3.png")) == nil {
		if err := open(); err == nil {
			t.Error("a symbolic link leads out of the folder")
		}
	}
	if _, err := openLLaVA(t, text, ""); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("no folder: %v", err)
	}
	if _, err := openLLaVA(t, text, filepath.Join(dir, "none")); err == nil {
		t.Error("missing folder is accepted")
	}
}

func TestLongRow(t *testing.T) {
	for _, size := range []int{maxRow, 3 * maxRow} {
		_, err := openLLaVA(t, `[{"id": "`+strings.Repeat("x", size)+`"}]`, "")
		if err == nil || !strings.Contains(err.Error(), "longer than") {
			t.Errorf("error %.200v", err)
		}
	}
	_, err := openLLaVA(t, `[{"id": "`+strings.Repeat("x", maxRow/2)+`"}]`, "")
	if err == nil || len(err.Error()) > 1000 {
		t.Errorf("error %.200v", err)
	}
}
