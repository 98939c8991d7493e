package chat_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
)

const (
	writesEnd  = `{% for m in messages %}[{{ m.role }}]{{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}`
	spacedEnd  = `{% for m in messages %}{% if m.role == 'assistant' %}{{ ' ' + m.content | trim + ' ' + eos_token }}{% else %}{{ bos_token + '[INST] ' + m.content + ' [/INST]' }}{% endif %}{% endfor %}`
	losesTurns = `{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}`
)

// taught returns the runs of labelled tokens as text, and checks what holds of
// all labels: they are the tokens that follow, and never placeholders.
func taught(t *testing.T, p *chat.Processor, got *model.Prompt) (runs []string) {
	t.Helper()
	if len(got.Labels) != len(got.IDs) {
		t.Fatalf("%d labels of %d tokens", len(got.Labels), len(got.IDs))
	}
	var run []int32
	for i, l := range got.Labels {
		if l < 0 {
			if run != nil {
				runs = append(runs, p.Tok.Decode(run, false))
			}
			run = nil
			continue
		}
		if i+1 == len(got.IDs) || l != got.IDs[i+1] || l == image && p.Pictures != nil {
			t.Fatalf("label %d is %d, and the tokens are %v", i, l, got.IDs)
		}
		run = append(run, l)
	}
	return runs
}

func TestLearn(t *testing.T) {
	img, other := picture(t, "image0.png"), picture(t, "image1.png")
	llava := open(t, "")
	system := model.Turn{Role: "system", Text: "Be brief."}
	for _, c := range []struct {
		name string
		p    *chat.Processor
		conv []model.Turn
		text string // of the whole, with one <image> for each picture
		want []string
	}{
		{"one answer", llava, []model.Turn{user("what?", img), assistant("A cat.")},
			"<s>USER: <image>\nwhat? ASSISTANT: A cat.</s>", []string{"A cat.</s>"}},
		{"two rounds", llava, []model.Turn{user("what?", img), assistant("A cat."), user("sure?"), assistant("Yes")},
			"<s>USER: <image>\nwhat? ASSISTANT: A cat.</s> USER: sure? ASSISTANT: Yes</s>", []string{"A cat.</s>", "Yes</s>"}},
		{"a picture in the second round", llava, []model.Turn{user("a", img), assistant("b"), user("c", other), assistant("d")},
			"<s>USER: <image>\na ASSISTANT: b</s> USER: <image>\nc ASSISTANT: d</s>", []string{"b</s>", "d</s>"}},
		{"system", llava, []model.Turn{system, user("a"), assistant("b")}, "<s>Be brief. USER: a ASSISTANT: b</s>", []string{"b</s>"}},
		{"Chinese", llava, []model.Turn{user("什么?"), assistant("你好,猫。")}, "<s>USER: 什么? ASSISTANT: 你好,猫。</s>", []string{"你好,猫。</s>"}},
		{"leading space", llava, []model.Turn{user("a"), assistant("  b")}, "<s>USER: a ASSISTANT:   b</s>", []string{"  b</s>"}},
		{"empty answer", llava, []model.Turn{user("a"), assistant("")}, "<s>USER: a ASSISTANT: </s>", []string{"</s>"}},
		{"ends with a question", llava, []model.Turn{user("a"), assistant("b"), user("c")}, "<s>USER: a ASSISTANT: b</s> USER: c ", []string{"b</s>"}},
		{"no answer", llava, []model.Turn{user("a")}, "<s>USER: a ", nil},
		{"end token in the question", llava, []model.Turn{user("a</s>b"), assistant("c"), user("</s>"), assistant("d")},
			"<s>USER: a</s>b ASSISTANT: c</s> USER: </s> ASSISTANT: d</s>", []string{"c</s>", "d</s>"}},
		{"stand-ins in the question", llava, []model.Turn{user("\uE0000\uE001\uE000"), assistant("b\uE0001\uE001"), user("c"), assistant("d")},
			"<s>USER: \uE0000\uE001\uE000 ASSISTANT: b\uE0001\uE001</s> USER: c ASSISTANT: d</s>", []string{"b\uE0001\uE001</s>", "d</s>"}},
		{"template's end token", textOnly(t, writesEnd), []model.Turn{user("a"), assistant("b"), user("c"), assistant("d")},
			"<s>[user]a[assistant]b</s>[user]c[assistant]d</s>", []string{"b</s>", "d</s>"}},
		{"template's end token behind a space", textOnly(t, spacedEnd), []model.Turn{user("a"), assistant("b"), user("c"), assistant("d")},
			"<s>[INST] a [/INST] b </s><s>[INST] c [/INST] d </s>", []string{"b </s>", "d </s>"}},
	} {
		got, err := c.p.Learn(c.conv)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if runs := taught(t, c.p, got); !slices.Equal(runs, c.want) {
			t.Errorf("%s: taught %q, want %q", c.name, runs, c.want)
		}
		if text := oneMarker(c.p, got); text != c.text {
			t.Errorf("%s: %q, want %q", c.name, text, c.text)
		}
	}
}

// oneMarker is the prompt as text with one marker for each picture, and without
// the space that decoding puts behind special tokens.
func oneMarker(p *chat.Processor, got *model.Prompt) string {
	text := p.Tok.Decode(got.IDs, false)
	text = strings.ReplaceAll(text, strings.Repeat("<image>", patches), "<image>")
	return strings.NewReplacer("<s> ", "<s>", "</s> ", "</s>", "<image> ", "<image>").Replace(text)
}

// TestLearnContinuesWhatProcessAsks is why training helps: the tokens before an
// answer are those that the model is asked with.
func TestLearnContinuesWhatProcessAsks(t *testing.T) {
	p, img := open(t, ""), picture(t, "image0.png")
	asked, err := p.Process([]model.Turn{user("what?", img)})
	check(t, err)
	for _, answer := range []string{"A cat.", " two", "", "你好", "\nx", "</s>"} {
		learnt, err := p.Learn([]model.Turn{user("what?", img), assistant(answer)})
		check(t, err)
		first := slices.IndexFunc(learnt.Labels, func(l int32) bool { return l >= 0 })
		if n := len(asked.IDs); first != n-1 || !slices.Equal(learnt.IDs[:n], asked.IDs) {
			t.Errorf("%q: asked with %v, taught from %d with %v", answer, asked.IDs, first, learnt.IDs)
		}
	}
}

func TestLearnErrors(t *testing.T) {
	img := picture(t, "image0.png")
	for _, c := range []struct {
		p    *chat.Processor
		conv []model.Turn
		want string
	}{
		{textOnly(t, losesTurns), []model.Turn{user("a"), assistant("b")}, "leaves out answer 1"},
		{open(t, ""), []model.Turn{user("a", img), assistant("<image>")}, "more <image> markers than pictures"},
		{open(t, ""), []model.Turn{user("<image>"), assistant("b")}, "turn 1"},
	} {
		if _, err := c.p.Learn(c.conv); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// TestLearnApart: each question is learned as if it were the first and only one.
func TestLearnApart(t *testing.T) {
	img := picture(t, "image0.png")
	p := open(t, "")
	system := model.Turn{Role: "system", Text: "Be brief."}
	for name, before := range map[string][]model.Turn{"plain": nil, "system": {system}} {
		got, err := p.LearnApart(append(before, user("what?", img), assistant("A cat."), user("how many?"), assistant("1"), user("what colour?"), assistant("red")))
		check(t, err)
		branches := got.Branches[0]
		if len(branches) != 3 || len(got.Images) != 1 {
			t.Fatalf("%s: branches %v, %d pictures", name, branches, len(got.Images))
		}
		bounds := append(slices.Clone(branches), len(got.IDs))
		for i, q := range [][]model.Turn{{user("what?", img), assistant("A cat.")}, {user("how many?", img), assistant("1")}, {user("what colour?", img), assistant("red")}} {
			want, err := p.Learn(append(before[:len(before):len(before)], q...))
			check(t, err)
			ids := slices.Concat(got.IDs[:bounds[0]], got.IDs[bounds[i]:bounds[i+1]])
			labels := slices.Concat(got.Labels[:bounds[0]], got.Labels[bounds[i]:bounds[i+1]])
			if !slices.Equal(ids, want.IDs) || !slices.Equal(labels, want.Labels) {
				t.Errorf("%s: question %d is %v %v, want %v %v", name, i+1, ids, labels, want.IDs, want.Labels)
			}
		}
	}
	for name, conv := range map[string][]model.Turn{
		"answer first":     {assistant("a"), user("b"), assistant("c")},
		"a second picture": {user("a", img), assistant("b"), user("c", img), assistant("d")},
		"nothing":          nil,
	} {
		if _, err := p.LearnApart(conv); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
