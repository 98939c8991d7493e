package chat_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/tokenizer"
)

const (
	fixture = "../../testdata/llava15"
	image   = 600 // the id of <image>
	patches = 16
)

// open returns the processor of the LLaVA fixture; a template replaces its own.
func open(t testing.TB, template string) *chat.Processor {
	t.Helper()
	tok, err := tokenizer.Open(fixture)
	check(t, err)
	p := &chat.Processor{Tok: tok, Marker: image, Tokens: func(*model.Tiles) int { return patches }}
	p.Pictures, err = imageproc.OpenProcessor(os.DirFS(fixture))
	check(t, err)
	if template == "" {
		p.Template, err = tok.ChatTemplate("")
	} else {
		p.Template, err = tokenizer.ParseTemplate(template, map[string]any{"bos_token": "<s>", "eos_token": "</s>"})
	}
	check(t, err)
	return p
}

// textOnly is the same without pictures.
func textOnly(t testing.TB, template string) *chat.Processor {
	p := open(t, template)
	return &chat.Processor{Tok: p.Tok, Template: p.Template}
}

func picture(t testing.TB, name string) *imageproc.RGB {
	t.Helper()
	img, err := imageproc.OpenFile(filepath.Join(fixture, name), imageproc.Options{})
	check(t, err)
	return img
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func user(text string, images ...*imageproc.RGB) model.Turn {
	return model.Turn{Role: "user", Text: text, Images: images}
}

func assistant(text string) model.Turn { return model.Turn{Role: "assistant", Text: text} }

// TestReferencePrompts makes the prompts of the reference from turns and from text.
func TestReferencePrompts(t *testing.T) {
	p := open(t, "")
	want, err := golden.Open(os.DirFS(fixture))
	check(t, err)
	defer want.Close()
	for i, c := range want.Cases {
		var images []*imageproc.RGB
		for _, name := range c.Images {
			images = append(images, picture(t, name))
		}
		got, err := p.ProcessText(c.Prompt, images)
		check(t, err)
		if !slices.Equal(got.IDs, c.InputIDs[0]) {
			t.Errorf("case %d from text: %v, want %v", i, got.IDs, c.InputIDs[0])
		}
		question := strings.TrimSuffix(strings.TrimPrefix(c.Prompt, "USER: "), " ASSISTANT:")
		got, err = p.Process([]model.Turn{user(question, images...)})
		check(t, err)
		if !slices.Equal(got.IDs, c.InputIDs[0]) {
			t.Errorf("case %d from a turn: %v, want %v", i, got.IDs, c.InputIDs[0])
		}
		if len(got.Images) != len(images) || len(got.At) != len(images) || got.Labels != nil {
			t.Errorf("case %d: %d pictures at %v, labels %v", i, len(got.Images), got.At, got.Labels)
		}
		for _, at := range got.At {
			if got.IDs[at] != image || got.IDs[at+patches-1] != image {
				t.Errorf("case %d: no placeholders at %d", i, at)
			}
		}
	}
}

// TestMarkers says where pictures stand in the text.
func TestMarkers(t *testing.T) {
	p := open(t, `{% for m in messages %}{% for c in m.content %}{% if c.type == 'image' %}<image>{% else %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}`)
	a, b := picture(t, "image0.png"), picture(t, "image1.png")
	for _, c := range []struct {
		turn model.Turn
		want string // "" for an error
	}{
		{user("what?", a), "<image>what?"},
		{user("what?", a, b), "<image><image>what?"},
		{user("<image>what?", a), "<image>what?"},
		{user("<image>\nwhat?", a), "<image>what?"},
		{user("what?\n<image>", a), "what?<image>"},
		{user("one <image> and <image>, same?", a, b), "one <image> and <image>, same?"},
		{user("<image>", a), "<image>"},
		{user("", a), "<image>"},
		{user("what?"), "what?"},
		{user("<image>what?"), ""},
		{user("<image><image>what?", a), ""},
		{user("<image>what?", a, b), ""},
	} {
		got, err := p.Process([]model.Turn{c.turn})
		if c.want == "" {
			if err == nil || !strings.Contains(err.Error(), "turn 1") {
				t.Errorf("%q with %d pictures: error %v", c.turn.Text, len(c.turn.Images), err)
			}
			continue
		}
		check(t, err)
		want, err := p.ProcessText(c.want, c.turn.Images)
		check(t, err)
		if !slices.Equal(got.IDs, want.IDs) || !slices.Equal(got.At, want.At) {
			t.Errorf("%q: got %q, want %q", c.turn.Text, p.Tok.Decode(got.IDs, false), p.Tok.Decode(want.IDs, false))
		}
	}
}

func TestPicturesThatDoNotFitTheText(t *testing.T) {
	p, img := open(t, ""), picture(t, "image0.png")
	for text, images := range map[string][]*imageproc.RGB{
		"<image> <image> what?": {img},
		"what?":                 {img},
		"<image>":               nil,
	} {
		if _, err := p.ProcessText(text, images); err == nil || !strings.Contains(err.Error(), "pictures") {
			t.Errorf("%q with %d pictures: error %v", text, len(images), err)
		}
	}
	for _, learn := range []bool{false, true} {
		p := textOnly(t, "")
		f := p.Process
		if learn {
			f = p.Learn
		}
		if _, err := f([]model.Turn{user("what?", img), assistant("a")}); err == nil || !strings.Contains(err.Error(), "no pictures") {
			t.Errorf("a picture for a model of text: %v", err)
		}
	}
}

func TestProcessWithoutTemplate(t *testing.T) {
	p, img := open(t, ""), picture(t, "image0.png")
	p.Template = nil
	got, err := p.Process([]model.Turn{user("what?", img), user("and?")})
	check(t, err)
	want, err := p.ProcessText("<image>\nwhat?\nand?", []*imageproc.RGB{img})
	check(t, err)
	if !slices.Equal(got.IDs, want.IDs) {
		t.Errorf("got %q, want %q", p.Tok.Decode(got.IDs, false), p.Tok.Decode(want.IDs, false))
	}
}

// TestTemplateThatWritesTheFirstToken must not get a second one.
func TestTemplateThatWritesTheFirstToken(t *testing.T) {
	p := textOnly(t, `{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}`)
	got, err := p.Process([]model.Turn{user("hi")})
	check(t, err)
	if n := strings.Count(p.Tok.Decode(got.IDs, false), "<s>"); n != 1 {
		t.Errorf("%d begin tokens in %v", n, got.IDs)
	}
}
