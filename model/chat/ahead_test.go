package chat_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
)

// ahead returns a processor of a model whose picture stands before the text.
func ahead(t testing.TB) *chat.Processor {
	p := open(t, "")
	p.Template, p.Ahead = nil, true
	return p
}

func TestAhead(t *testing.T) {
	p, img := ahead(t), picture(t, "image0.png")
	text := p.Tok.Encode("Question: what? Answer:")
	want := append(slices.Repeat([]int32{image}, patches), text...)
	for name, conv := range map[string][]model.Turn{
		"plain":         {user("Question: what? Answer:", img)},
		"with a marker": {user("<image>\nQuestion: what? Answer:", img)},
		"in turns":      {user("Question:", img), assistant("what?"), user("Answer:")},
	} {
		got, err := p.Process(conv)
		check(t, err)
		if !slices.Equal(got.IDs, want) || !slices.Equal(got.At, []int{0}) || len(got.Images) != 1 {
			t.Errorf("%s: %v with pictures at %v, want %v", name, got.IDs, got.At, want)
		}
	}
	got, err := p.Process([]model.Turn{user("Question: what? Answer:")})
	check(t, err)
	if !slices.Equal(got.IDs, text) || len(got.Images) != 0 {
		t.Errorf("without a picture: %v, want %v", got.IDs, text)
	}
	for want, conv := range map[string][]model.Turn{
		"takes one picture, and the prompt has 2": {user("both?", img, img)},
		"stands before the text":                  {user("what is <image>?", img)},
	} {
		if _, err := p.Process(conv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestLearnAhead(t *testing.T) {
	p, img := ahead(t), picture(t, "image0.png")
	got, err := p.Learn([]model.Turn{user("what?", img), assistant("A cat.")})
	check(t, err)
	if runs := taught(t, p, got); !slices.Equal(runs, []string{"A cat.</s>"}) {
		t.Errorf("taught %q", runs)
	}
	if want := append(slices.Repeat([]int32{image}, patches), p.Tok.Encode("what? A cat.</s>")...); !slices.Equal(got.IDs, want) {
		t.Errorf("%v, want %v", got.IDs, want)
	}
	apart, err := p.LearnApart([]model.Turn{user("what?", img), assistant("A cat."), user("who?"), assistant("Tom.")})
	check(t, err)
	if len(apart.Branches) != 1 || len(apart.Branches[0]) != 2 || len(apart.Images) != 1 {
		t.Errorf("%d pictures, branches %v", len(apart.Images), apart.Branches)
	}
}

// TestAdapterReads gives the same picture to two questions, each with its own text.
func TestAdapterReads(t *testing.T) {
	p, img := ahead(t), picture(t, "image0.png")
	p.Adapter, p.Longest = p.Tok, 8
	got, err := p.Process([]model.Turn{user("what?", img)})
	check(t, err)
	if want := p.Tok.Encode("what?"); !slices.Equal(got.Images[0].Text, want) {
		t.Errorf("the adapter reads %v, want %v", got.Images[0].Text, want)
	}
	got, err = p.LearnApart([]model.Turn{user("what?", img), assistant("A cat."), user("who?"), assistant("Tom.")})
	check(t, err)
	if len(got.Images) != 2 || got.Branches != nil || len(got.Starts) != 3 {
		t.Fatalf("%d pictures, branches %v, starts %v", len(got.Images), got.Branches, got.Starts)
	}
	for i, text := range []string{"what?", "who?"} {
		if want := p.Tok.Encode(text); !slices.Equal(got.Images[i].Text, want) {
			t.Errorf("the adapter reads %v, want %v", got.Images[i].Text, want)
		}
	}
	if _, err := p.ProcessText("what is to be seen on this one and on no other?", []*imageproc.RGB{img}); err == nil || !strings.Contains(err.Error(), "which reads 8") {
		t.Errorf("error %v", err)
	}
}

// TestBeside is about models that read the picture by cross-attention.
func TestBeside(t *testing.T) {
	p, img := ahead(t), picture(t, "image0.png")
	p.Tokens = nil
	p.Frame = func(ids []int32) []int32 { return append([]int32{5}, ids[1:]...) }
	got, err := p.Process([]model.Turn{user("what?", img)})
	check(t, err)
	want := p.Tok.Encode("what?")
	want[0] = 5
	if !slices.Equal(got.IDs, want) || got.At != nil || len(got.Images) != 1 || !slices.Equal(p.Begun(got), want) || !p.Captions() {
		t.Errorf("%v with pictures at %v, want %v", got.IDs, got.At, want)
	}
	p.Frame, p.Start, p.Longest = nil, []int32{0}, 6
	got, err = p.Process([]model.Turn{user("what?", img)})
	check(t, err)
	if want := p.Tok.Encode("what?"); !slices.Equal(got.IDs, want) || !slices.Equal(got.DecoderIDs, []int32{0}) || p.Begun(got) != nil || p.Captions() {
		t.Errorf("the encoder reads %v and the decoder %v, want %v", got.IDs, got.DecoderIDs, want)
	}
	for want, turn := range map[string]model.Turn{
		"the prompt has none": user("what?"),
		"which reads 6":       user("what is to be seen on this one and on no other?", img),
	} {
		if _, err := p.Process([]model.Turn{turn}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, err := p.Learn([]model.Turn{turn, assistant("A cat.")}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("learning: error %v, want %q", err, want)
		}
	}
}

func TestStart(t *testing.T) {
	p, img := ahead(t), picture(t, "image0.png")
	p.Start = []int32{0}
	got, err := p.Process([]model.Turn{user("what?", img)})
	check(t, err)
	if !slices.Equal(got.DecoderIDs, []int32{0}) || got.At[0] != 0 {
		t.Errorf("the decoder reads %v, pictures at %v", got.DecoderIDs, got.At)
	}
	conv := []model.Turn{user("what?", img), assistant("A cat."), user("who?"), assistant("Tom.")}
	got, err = p.Learn(conv[:2])
	check(t, err)
	answer := p.Tok.Encode("A cat.</s>")[1:]
	if !slices.Equal(got.Labels, answer) || !slices.Equal(got.DecoderIDs, append([]int32{0}, answer[:len(answer)-1]...)) {
		t.Errorf("the decoder reads %v and learns %v, want %v", got.DecoderIDs, got.Labels, answer)
	}
	if want := p.Tok.Encode("what?"); !slices.Equal(got.IDs[patches:], want) {
		t.Errorf("the encoder reads %v, want %v", got.IDs[patches:], want)
	}
	both, err := p.Learn(conv)
	check(t, err)
	second := p.Tok.Encode("what? A cat. who?")
	if len(both.Starts) != 3 || !slices.Equal(both.IDs[both.Starts[1]+patches:], second) {
		t.Errorf("the second answer is behind %v, want %v", both.IDs[both.Starts[1]:], second)
	}
	if n := len(both.Labels); n != len(both.DecoderIDs) || both.DecoderStarts[2] != n || both.Labelled() != n {
		t.Errorf("%d labels of %d tokens from %v", n, len(both.DecoderIDs), both.DecoderStarts)
	}
	if _, err := p.Learn(conv[:1]); err == nil {
		t.Error("a conversation without answers is learned")
	}
}
