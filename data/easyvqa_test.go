package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
)

// easy makes a folder in the layout of easy-VQA, with picture 4 only.
func easy(t testing.TB, questions, answers string) string {
	t.Helper()
	dir := folder(t, map[string]int{"images/4.png": 64})
	files := map[string]string{"questions.json": questions, "answers.txt": answers}
	for name, text := range files {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const easyRows = `[["what is the blue shape?", "rectangle", 4], ["is there a red shape?", "no", 0],
	["what color is the shape?", "blue", 4]]`

func TestEasyVQA(t *testing.T) {
	dir := easy(t, easyRows, "rectangle\r\nblue\nno\n")
	for _, c := range []struct {
		group Group
		types []string // of each sample's questions
	}{
		{ByQuestion, []string{"shape", "yes/no", "colour"}},
		{ByImage, []string{"shape colour", "yes/no"}},
	} {
		d, err := OpenEasyVQA(dir, c.group, imageproc.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Len() != len(c.types) {
			t.Fatalf("group %d: %d samples", c.group, d.Len())
		}
		for i, want := range c.types {
			s, err := d.At(i)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for k, m := range s.Meta {
				got = append(got, m.Type)
				if s.Turns[2*k+1].Text != m.Answers[0] || s.Turns[2*k].Role != User || m.Lang != "en" {
					t.Errorf("sample %d: %+v", i, s)
				}
			}
			if strings.Join(got, " ") != want || len(s.Turns) != 2*len(got) {
				t.Errorf("sample %d: types %q, want %q", i, got, want)
			}
		}
		checkEasyPictures(t, d)
	}
}

// checkEasyPictures opens the picture that is there and the one that is not.
func checkEasyPictures(t *testing.T, d *EasyVQA) {
	t.Helper()
	first, _ := d.At(0)
	if img, err := first.Images[0].Open(); err != nil || img.W != 64 {
		t.Errorf("picture 4: %v, %v", img, err)
	}
	second, _ := d.At(1)
	if _, err := second.Images[0].Open(); err == nil || !strings.Contains(err.Error(), "0.png") {
		t.Errorf("missing picture: %v", err)
	}
}

func TestEasyVQAErrors(t *testing.T) {
	for _, c := range []struct{ rows, answers, want string }{
		{"", "", "questions.json"},
		{`{}`, "", "sample 1"},
		{`[["q", "a"]]`, "", "row of 2 fields"},
		{`[["q", "a", 0], ["q", 1, 0]]`, "", "sample 2"},
		{`[["q", "a", "0"]]`, "", "sample 1"},
		{`[["q", "a", 1.5]]`, "", "sample 1"},
		{`[["q", "a", -1]]`, "", "negative"},
		{`[["q", "", 1]]`, "", "empty"},
		{`[["q", "a", 1]`, "", "unexpected EOF"},
		{`[["q", "a", 1]]`, "b\n", `answer "a" is not in answers.txt`},
	} {
		_, err := OpenEasyVQA(easy(t, c.rows, c.answers), ByImage, imageproc.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.rows, err, c.want)
		}
	}
}
