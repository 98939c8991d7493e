package data_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
)

func passages(t *testing.T, text string) (*data.Passages, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return data.OpenPassages(name)
}

func TestPassages(t *testing.T) {
	d, err := passages(t, "\nOne. Two.\r\nThree.\r\n\r\n\n\nFour.\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range d.Len() {
		s, err := d.At(i)
		if err != nil || !s.Document || len(s.Turns) != 1 || s.Turns[0].Role != "" {
			t.Fatalf("%+v, %v", s, err)
		}
		got = append(got, s.Turns[0].Text)
	}
	if want := []string{"One. Two.\nThree.", "Four."}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for want, text := range map[string]string{"not UTF-8": "a\xff", "document 2 has an <image>": "a\n\nb<image>"} {
		if _, err := passages(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestInterleaved(t *testing.T) {
	text, err := passages(t, "One is here. Two is there. Three is not.")
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := data.NewScenes(1, 3, scenes.Options{Questions: 1, Types: []scenes.Type{scenes.Caption}}, data.ByImage)
	if err != nil {
		t.Fatal(err)
	}
	d, err := data.NewInterleaved(text, pictures)
	if err != nil || d.Len() != 3 {
		t.Fatal(d, err)
	}
	s, err := d.At(2)
	if err != nil {
		t.Fatal(err)
	}
	scene, _ := pictures.At(2)
	if want := "One is here. Two is there.\n<image>" + scene.Turns[1].Text + "\nThree is not."; s.Turns[0].Text != want {
		t.Errorf("%q, want %q", s.Turns[0].Text, want)
	}
	conv, err := s.Conversation(s.Turns)
	if err != nil || len(conv) != 1 || len(conv[0].Images) != 1 || conv[0].Role != "" {
		t.Errorf("%v, %v", conv, err)
	}
	none, err := passages(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := data.NewInterleaved(none, pictures); err == nil {
		t.Error("no documents are no error")
	}
}

func FuzzPassages(f *testing.F) {
	f.Add([]byte("a\n\nb"))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := passages(t, string(text))
		if err != nil {
			return
		}
		for i := range d.Len() {
			s, _ := d.At(i)
			if strings.TrimSpace(s.Turns[0].Text) == "" || strings.Contains(s.Turns[0].Text, "\n\n") {
				t.Errorf("document %d is %q", i, s.Turns[0].Text)
			}
		}
	})
}
