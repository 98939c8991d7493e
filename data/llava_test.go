package data

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// talkOf is one sample with the fields before its conversation and a first question.
func talkOf(fields, question string) string {
	q, _ := json.Marshal(question)
	return `{` + fields + ` "conversations": [{"from": "human", "value": ` + string(q) + `}, {"from": "gpt", "value": "an answer"}]}`
}

func TestLLaVA(t *testing.T) {
	dir := folder(t, map[string]int{"3.png": 3, "sub/4.png": 4})
	qa := func(question string) []Turn {
		return []Turn{{Role: User, Text: question}, {Role: Assistant, Text: "an answer"}}
	}
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
		{
			"system, and a second marker later", `{"id": "a", "image": "3.png", "conversations": [
			{"from": "system", "value": "be kind"}, {"from": "user", "value": "hello"}, {"from": "assistant", "value": "hello"},
			{"from": "human", "value": "<image>\nwhat?"}, {"from": "gpt", "value": "an answer"}]}`,
			"a",
			append([]Turn{{Role: System, Text: "be kind"}, {Role: User, Text: "hello"}, {Role: Assistant, Text: "hello"}}, qa("<image>\nwhat?")...),
			[]int{3},
		},
		{"leading answer is dropped", `{"id": "a", "conversations": [{"from": "gpt", "value": "hello"},
			{"from": "human", "value": "why?"}, {"from": "gpt", "value": "an answer"}]}`, "a", qa("why?"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, text := range []string{"[" + c.text + "]", "\ufeff \n[\n" + c.text + "\n]\n", strings.ReplaceAll(c.text, "\n", " ")} {
				d := opened(t, write(t, "data.json", text), Options{Format: "llava", Images: dir, Strict: true})
				s, err := d.At(0)
				if err != nil {
					t.Fatal(err)
				}
				var widths []int
				for i := range s.Images {
					img, err := s.Images[i].Open()
					if err != nil {
						t.Fatal(err)
					}
					widths = append(widths, img.W)
				}
				if d.Len() != 1 || s.ID != c.id || !reflect.DeepEqual(s.Turns, c.turns) || !reflect.DeepEqual(widths, c.widths) {
					t.Errorf("%d samples, first %s %+v, widths %v", d.Len(), s.ID, s.Turns, widths)
				}
			}
		})
	}
}

func TestRandomAccess(t *testing.T) {
	rows := make([]string, 300)
	for i := range rows {
		rows[i] = talkOf(`"id": "same",`, strings.Repeat("长", i*7))
	}
	for _, text := range []string{"[" + strings.Join(rows, " ,\n ") + "]", strings.Join(rows, "\n")} {
		d := opened(t, write(t, "data.json", text), Options{})
		for _, i := range []int{299, 0, 150, 1, 298} {
			s, err := d.At(i)
			if err != nil || s.Turns[0].Text != strings.Repeat("长", i*7) {
				t.Errorf("sample %d: %v, %v", i, s, err)
			}
		}
	}
}

// TestLLaVAErrors: with Strict what is wrong fails, else it is left out and told.
func TestLLaVAErrors(t *testing.T) {
	dir := folder(t, map[string]int{"3.png": 3})
	for _, c := range []struct{ name, text, want string }{
		{"not JSON", "hello", "row 1"},
		{"truncated", `[` + talkOf(``, "why?") + "," + talkOf(``, "why?"), "unexpected EOF"},
		{"truncated inside", `[` + talkOf(``, "why?") + `,{"id": "a", "conv`, "unexpected EOF"},
		{"rest", `[` + talkOf(``, "why?") + `] {}`, "behind the last row"},
		{"wrong kind", `[1]`, "row 1"},
		{"no conversation", `[{"id": "x7"}]`, `("x7"): conversation does not end`},
		{"no marker", talkOf(`"id": "x7", "image": "3.png",`, "what?"), `("x7"): 0 <image> markers for 1 images`},
		{"no image", talkOf(`"id": "x7",`, "<image> what?"), `("x7"): 1 <image> markers for 0 images`},
		{"image is a number", talkOf(`"id": "x7", "image": 3,`, "<image>"), `("x7"): image is neither`},
		{"outside", talkOf(`"id": "x7", "image": "../3.png",`, "<image>"), `("x7"): image "../3.png" lies outside`},
		{"outside inside", talkOf(`"id": "x7", "image": "a/../../3.png",`, "<image>"), `lies outside`},
		{"absolute", talkOf(`"id": "x7", "image": "/etc/passwd",`, "<image>"), `lies outside`},
		{"empty path", talkOf(`"id": "x7", "image": "",`, "<image>"), `lies outside`},
		{"unknown speaker", `[{"id": "x7", "conversations": [{"from": "dog", "value": "wow"}]}]`, `("x7"): turn 1: from "dog"`},
		{"no answer", `[{"id": "x7", "conversations": [{"from": "human", "value": "why?"}]}]`, `("x7"): conversation does not end`},
		{"two questions", `[{"id": "x7", "conversations": [{"from": "human", "value": "a"}, {"from": "human", "value": "b"}]}]`, `("x7"): turn 2`},
		{"marker in answer", `[{"id": "x7", "image": "3.png", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "<image>"}]}]`, `("x7"): turn 2: <image> in a turn of the assistant`},
		{"long", `[{"id": "` + strings.Repeat("x", maxRow) + `"}]`, "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := write(t, "data.json", c.text)
			_, err := Open(name, Options{Format: "llava", Images: dir, Strict: true})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "data.json") {
				t.Errorf("error %.300v, want %q and the file", err, c.want)
			}
			d := opened(t, name, Options{Format: "llava", Images: dir})
			if d.Broken() != 1 || len(d.Problems()) != 1 || !strings.Contains(d.Problems()[0].Error(), c.want) {
				t.Errorf("problems %.300v, want %q", d.Problems(), c.want)
			}
		})
	}
	if _, err := Open(write(t, "data.json", ""), Options{Format: "llava"}); err == nil || !strings.Contains(err.Error(), "file is empty") {
		t.Errorf("an empty file: %v", err)
	}
}

// TestBrokenRowHidesNone: rows before and behind a broken one are read.
func TestBrokenRowHidesNone(t *testing.T) {
	long := `{"id": "` + strings.Repeat("x", maxRow+1) + `"}`
	for _, broken := range []string{`{"conversations": 3}`, `{"a": }`, `{"a": "b" "c"}`, `nonsense`, `"text"`, `{}`, long} {
		rows := []string{talkOf(`"id": "a",`, "why?"), broken, talkOf(`"id": "b",`, "why?")}
		for _, text := range []string{"[" + strings.Join(rows, ",\n") + "]", strings.Join(rows, "\n")} {
			d := opened(t, write(t, "data.json", text), Options{Format: "llava"})
			if d.Len() != 2 || d.Broken() != 1 || d.Problems()[0].Row != 2 {
				t.Errorf("%.40s: %d samples, %.200v", broken, d.Len(), d.Problems())
				continue
			}
			if s, err := d.At(1); err != nil || s.ID != "b" {
				t.Errorf("%.40s: %v, %v", broken, s, err)
			}
		}
	}
}

func TestPictureErrors(t *testing.T) {
	outside := folder(t, map[string]int{"3.png": 3})
	dir := folder(t, nil)
	text := write(t, "data.json", `[`+talkOf(`"id": "x7", "image": "3.png",`, "<image>")+`]`)
	open := func() error {
		s, err := opened(t, text, Options{Images: dir}).At(0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Images[0].Open()
		return err
	}
	told := func(what string, err error) {
		if !isProblem(err) || !strings.Contains(err.Error(), `"x7"`) || !strings.Contains(err.Error(), "3.png") {
			t.Errorf("%s: %v", what, err)
		}
	}
	told("missing picture", open())
	if err := os.WriteFile(filepath.Join(dir, "3.png"), []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	told("text as picture", open())
	if err := os.Remove(filepath.Join(dir, "3.png")); err != nil {
		t.Fatal(err)
	}
	if os.Symlink(filepath.Join(outside, "3.png"), filepath.Join(dir, "3.png")) == nil {
		told("a symbolic link that leads out", open())
	}
	if _, err := Open(text, Options{Strict: true}); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("no folder: %v", err)
	}
	s, err := opened(t, text, Options{}).At(0)
	if err != nil || s.Images[0].Name != "3.png" {
		t.Fatalf("no folder, and only the name is wanted: %v, %v", s, err)
	}
	if _, err := s.Images[0].Open(); !isProblem(err) || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("no folder: %v", err)
	}
	if _, err := Open(text, Options{Images: filepath.Join(dir, "none")}); err == nil {
		t.Error("missing folder is accepted")
	}
}
