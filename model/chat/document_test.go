package chat_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// TestLearnDocument: all text is learned, and no picture.
func TestLearnDocument(t *testing.T) {
	img, other := picture(t, "image0.png"), picture(t, "image1.png")
	llava := open(t, "")
	between := open(t, `{% for m in messages %}{% for c in m.content %}{% if c.type == 'image' %}</s><image><s>{% else %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}`)
	for _, c := range []struct {
		text   string
		images []*imageproc.RGB
		want   []string
	}{
		{"Once upon a time.", nil, []string{"Once upon a time.</s>"}},
		{"A cat <image> and a dog <image> there.", []*imageproc.RGB{img, other}, []string{"A cat", "and a dog", "there.</s>"}},
		{"<image>", []*imageproc.RGB{img}, []string{"</s>"}},
	} {
		got, err := llava.Learn([]model.Turn{{Text: c.text, Images: c.images}})
		if err != nil {
			t.Fatalf("%s: %v", c.text, err)
		}
		runs := taught(t, llava, got)
		for i := range runs {
			runs[i] = strings.TrimSpace(runs[i])
		}
		if !slices.Equal(runs, c.want) || len(got.Images) != len(c.images) {
			t.Errorf("%q: taught %q, want %q", c.text, runs, c.want)
		}
	}
	got, err := between.Learn([]model.Turn{{Text: "a<image>b", Images: []*imageproc.RGB{img}}})
	if err != nil {
		t.Fatal(err)
	}
	if text := llava.Tok.Decode(slices.DeleteFunc(slices.Clone(got.IDs), func(id int32) bool { return id == image }), false); !strings.Contains(text, "a</s><s>") {
		t.Errorf("the template's tokens around a picture are lost: %q", text)
	}
	if _, err := llava.Learn([]model.Turn{{Text: "<image>"}}); err == nil {
		t.Error("a marker without a picture is accepted")
	}
}

// TestMute: an answer that is muted is read, and not learned.
func TestMute(t *testing.T) {
	llava := open(t, "")
	conv := []model.Turn{user("a"), {Role: "assistant", Text: "b", Mute: true}, user("c"), assistant("d")}
	got, err := llava.Learn(conv)
	if err != nil {
		t.Fatal(err)
	}
	if runs := taught(t, llava, got); !slices.Equal(runs, []string{"d</s>"}) {
		t.Errorf("taught %q", runs)
	}
	if text := llava.Tok.Decode(got.IDs, false); !strings.Contains(text, "b</s>") {
		t.Errorf("the answer is not in %q", text)
	}
}
