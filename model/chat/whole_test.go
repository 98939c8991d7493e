package chat_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
)

// TestLearnWhole: all is taught but the first special token and the places of pictures.
func TestLearnWhole(t *testing.T) {
	a, b := picture(t, "image0.png"), picture(t, "image1.png")
	for _, c := range []struct {
		name   string
		p      *chat.Processor
		text   string
		images []*imageproc.RGB
		want   []string
	}{
		{"text", open(t, ""), "A cat sat.", nil, []string{"A cat sat.</s>"}},
		{"a model of text", textOnly(t, ""), "A cat sat.", nil, []string{"A cat sat.</s>"}},
		{"a picture before", open(t, ""), "<image>A cat.", []*imageproc.RGB{a}, []string{"A cat.</s>"}},
		{"pictures within", open(t, ""), "One<image>and two<image>", []*imageproc.RGB{a, b}, []string{"One", "and two", "</s>"}},
		{"ahead", ahead(t), "A cat.", []*imageproc.RGB{a}, []string{"A cat.</s>"}},
	} {
		got, err := c.p.Learn(document(c.text, c.images...))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(got.Images) != len(c.images) {
			t.Errorf("%s: %d pictures", c.name, len(got.Images))
		}
		var runs []string
		for _, r := range taught(t, c.p, got) {
			runs = append(runs, strings.TrimSpace(r))
		}
		if !slices.Equal(runs, c.want) {
			t.Errorf("%s: taught %q, want %q", c.name, runs, c.want)
		}
	}
}

// TestLearnWholeEncoded: a decoder beside an encoder learns the text, which the encoder does not see.
func TestLearnWholeEncoded(t *testing.T) {
	p, img := ahead(t), picture(t, "image0.png")
	p.Start = []int32{0}
	got, err := p.Learn(document("A cat.", []*imageproc.RGB{img}...))
	check(t, err)
	answer := p.Tok.Encode("A cat.</s>")[1:]
	if !slices.Equal(got.Labels, answer) || !slices.Equal(got.DecoderIDs, append([]int32{0}, answer[:len(answer)-1]...)) {
		t.Errorf("the decoder reads %v and learns %v, want %v", got.DecoderIDs, got.Labels, answer)
	}
	if want := p.Tok.Encode(""); !slices.Equal(got.IDs[patches:], want) {
		t.Errorf("the encoder reads %v, want %v", got.IDs[patches:], want)
	}
}

func TestLearnWholeErrors(t *testing.T) {
	img := picture(t, "image0.png")
	for want, f := range map[string]func() error{
		"1 <image> markers and 0 pictures": func() error { _, err := open(t, "").Learn(document("<image>a")); return err },
		"0 <image> markers and 1 pictures": func() error { _, err := open(t, "").Learn(document("a", []*imageproc.RGB{img}...)); return err },
		"stands before the text":           func() error { _, err := ahead(t).Learn(document("a<image>", []*imageproc.RGB{img}...)); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// document is one turn that nobody speaks.
func document(text string, images ...*imageproc.RGB) []model.Turn {
	return []model.Turn{{Text: text, Images: images}}
}
