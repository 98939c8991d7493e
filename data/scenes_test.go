package data

import (
	"reflect"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data/scenes"
)

func TestScenes(t *testing.T) {
	opts := scenes.Options{Side: 64, Questions: 5}
	one, err := NewScenes(7, 4, opts, ByQuestion)
	if err != nil {
		t.Fatal(err)
	}
	all, err := NewScenes(7, 4, opts, ByImage)
	if err != nil {
		t.Fatal(err)
	}
	if one.Len() != 20 || all.Len() != 4 {
		t.Fatalf("%d and %d samples", one.Len(), all.Len())
	}
	ids := map[string]bool{}
	for i := range all.Len() {
		whole, _ := all.At(i)
		truth := scenes.Generate(7, i, opts)
		for q := range 5 {
			part, _ := one.At(5*i + q)
			if !reflect.DeepEqual(part.Turns, whole.Turns[2*q:2*q+2]) || !reflect.DeepEqual(part.Meta[0], whole.Meta[q]) {
				t.Errorf("scene %d, question %d: %+v alone, %+v of all", i, q, part, whole)
			}
			want := truth.Questions[q]
			if part.Turns[0].Text != want.Text || part.Turns[1].Text != want.Answer || part.Meta[0].Type != string(want.Type) {
				t.Errorf("scene %d, question %d: %+v, want %+v", i, q, part, want)
			}
			if ids[part.ID] {
				t.Errorf("id %s twice", part.ID)
			}
			ids[part.ID] = true
		}
		img, err := whole.Images[0].Open()
		if err != nil || img.W != 64 || img.H != 64 {
			t.Fatal(err)
		}
		want := truth.Image()
		for p := range 64 * 64 {
			if [3]uint8(img.Pix[3*p:]) != [3]uint8(want.Pix[4*p:]) {
				t.Fatalf("scene %d: pixel %d differs", i, p)
			}
		}
	}
}

// TestRejectedScenes: a wrong answer to the last question stands beside the right one.
func TestRejectedScenes(t *testing.T) {
	opts := scenes.Options{Side: 64, Questions: 2}
	for _, group := range []Group{ByImage, ByQuestion} {
		d, err := NewScenes(7, 9, opts, group)
		if err != nil {
			t.Fatal(err)
		}
		with := d.Rejecting()
		for i := range with.Len() {
			s, _ := with.At(i)
			plain, _ := d.At(i)
			scene, last := scenes.Generate(7, i, opts), 1
			if group == ByQuestion {
				scene, last = scenes.Generate(7, i/2, opts), i%2
			}
			if s.Rejected != scene.Wrong(last) || plain.Rejected != "" || !reflect.DeepEqual(s.Turns, plain.Turns) {
				t.Errorf("%s: rejected %q and %q", s.ID, s.Rejected, plain.Rejected)
			}
		}
		if d.Fingerprint() == with.Fingerprint() {
			t.Error("fingerprints are alike")
		}
	}
}

// TestScenesWritten reads back what scenes.Write writes.
func TestScenesWritten(t *testing.T) {
	dir := t.TempDir()
	if err := scenes.Write(dir, 7, 2, scenes.Options{Side: 64}); err != nil {
		t.Fatal(err)
	}
	d, err := Open(dir+"/scenes.json", Options{Images: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Len() != 4 {
		t.Fatalf("%d conversations", d.Len())
	}
	s, err := d.At(3)
	if err != nil || s.ID != "train-7-000001-zh" || len(s.Turns) != 12 {
		t.Fatalf("%+v, %v", s, err)
	}
	if img, err := s.Images[0].Open(); err != nil || img.W != 64 {
		t.Errorf("%v, %v", img, err)
	}
}

func TestScenesErrors(t *testing.T) {
	if _, err := NewScenes(1, 1, scenes.Options{Side: 4}, ByImage); err == nil || !strings.Contains(err.Error(), "side 4") {
		t.Errorf("error %v", err)
	}
	if _, err := NewScenes(1, -1, scenes.Options{}, ByImage); err == nil {
		t.Error("negative number of scenes is accepted")
	}
}
