package eval_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/eval"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/tokenizer"
	"github.com/fovea-ml/fovea/zoo"
)

// parrot is a model that says yes to whatever it is asked.
type parrot struct{ yes, end int32 }

func (p parrot) Decoder() model.Decoder { return p }

func (p parrot) Embed(c *tensor.Ctx, ids []int32) *tensor.Tensor {
	x := tensor.New(len(ids), 1)
	for i, id := range ids {
		x.F32[i] = float32(id)
	}
	return x
}

func (p parrot) Forward(_ *tensor.Ctx, s *model.Sequence) *tensor.Tensor { return s.X }

func (p parrot) Logits(_ *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor {
	y := tensor.New(h.Rows(), p.Vocab())
	for i := range h.Rows() {
		next := p.yes
		if int32(h.F32[i]) == p.yes {
			next = p.end
		}
		y.Row(i)[next] = 1
	}
	return y
}

func (p parrot) NewCache(capacity int) *model.KVCache { return model.NewKVCache(1, capacity, 1) }
func (p parrot) Context() int                         { return 256 }
func (p parrot) Vocab() int                           { return 608 }

// speaking makes a decoder a model that reads text.
type speaking struct{ parrot }

func (s speaking) Decoder() model.Decoder { return s.parrot }

func (s speaking) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return &model.Sequence{X: s.parrot.Embed(c, p.IDs)}
}

// lost is a model whose logits are no numbers.
type lost struct {
	speaking
	vocab int
}

func (l lost) Decoder() model.Decoder { return lostDecoder{l.parrot, l.vocab} }

type lostDecoder struct {
	parrot
	vocab int
}

func (l lostDecoder) Vocab() int { return l.vocab }

func (lostDecoder) Logits(_ *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor {
	y := tensor.New(h.Rows(), 608)
	for i := range y.F32 {
		y.F32[i] = float32(math.NaN())
	}
	return y
}

// words is a processor that reads the last turn's text and no pictures.
type words struct {
	model.Processor
	tok *tokenizer.Tokenizer
}

func (w words) Process(conv []model.Turn) (*model.Prompt, error) {
	text := conv[len(conv)-1].Text
	if text == "broken" {
		return nil, errors.New("no such picture")
	}
	return &model.Prompt{IDs: w.tok.Encode(text)}, nil
}

func stub(t *testing.T) *zoo.Model {
	t.Helper()
	tok, err := tokenizer.Open("../testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	yes, end := tok.Encode("A", tokenizer.Bare)[0], int32(2)
	return &zoo.Model{
		Name: "parrot", Net: speaking{parrot{yes, end}}, Processor: words{tok: tok}, Tokenizer: tok,
		Generation: zoo.Generation{EOS: []int32{end}},
	}
}

// quiz is a benchmark of fixed questions.
type quiz []eval.Question

func (q quiz) Name() string { return "quiz" }
func (q quiz) Len() int     { return len(q) }

func (q quiz) Questions() iter.Seq2[eval.Question, error] {
	return func(yield func(eval.Question, error) bool) {
		for _, x := range q {
			var err error
			if x.ID == "lost" {
				err = errors.New("the data set ends early")
			}
			if !yield(x, err) {
				return
			}
		}
	}
}

func ask(id, text, want string, tags ...eval.Tag) eval.Question {
	return eval.Question{ID: id, Conv: []model.Turn{{Role: "user", Text: text}}, Want: want, Tags: tags}
}

func TestRun(t *testing.T) {
	m := stub(t)
	first := m.Tokenizer.Decode([]int32{m.Net.(speaking).yes}, true)
	first = strings.TrimSpace(first)
	colour, count := eval.Tag{Group: "type", Value: "colour"}, eval.Tag{Group: "type", Value: "count"}
	english := eval.Tag{Group: "language", Value: "en"}
	q := quiz{
		ask("1", "one", first, colour, english),
		ask("2", "two", strings.ToLower(first)+".", count, english),
		ask("3", "three", "no", count),
	}
	var answers []eval.Answer
	r, err := eval.Run(context.Background(), m, q, eval.Options{OnAnswer: func(a eval.Answer) { answers = append(answers, a) }})
	if err != nil {
		t.Fatal(err)
	}
	if r.Benchmark != "quiz" || r.Model != "parrot" || r.Kernel == "" || r.All.Right != 2 || r.All.Count != 3 {
		t.Errorf("report %+v", r)
	}
	for i, want := range []eval.Group{
		{Group: "type", Value: "colour", Score: eval.Score{Right: 1, Count: 1}},
		{Group: "language", Value: "en", Score: eval.Score{Right: 2, Count: 2}},
		{Group: "type", Value: "count", Score: eval.Score{Right: 1, Count: 2}},
	} {
		if g := r.Groups[i]; g.Group != want.Group || g.Value != want.Value || g.Right != want.Right || g.Count != want.Count {
			t.Errorf("group %d is %+v, want %+v", i, g, want)
		}
	}
	if len(answers) != 3 || answers[2].Got != first || answers[2].Right || !answers[1].Right {
		t.Errorf("answers %+v", answers)
	}
}

func TestRunErrors(t *testing.T) {
	m := stub(t)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		q    quiz
		want string
	}{
		{context.Background(), quiz{ask("1", "one", "a"), ask("lost", "", "")}, "eval: quiz: the data set ends early"},
		{context.Background(), quiz{ask("7", "broken", "a")}, "eval: quiz: question 7: no such picture"},
		{context.Background(), quiz{ask("8", strings.Repeat("long ", 300), "a")}, "eval: quiz: question 8: generate: the prompt has"},
		{cancelled, quiz{ask("9", "one", "a")}, "question 9: context canceled"},
	} {
		if _, err := eval.Run(c.ctx, m, c.q, eval.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	tower := &zoo.Model{Name: "x", Net: 1, Family: zoo.Family{Architecture: "CLIPModel"}}
	if _, err := eval.Run(context.Background(), tower, quiz{}, eval.Options{}); err == nil || !strings.Contains(err.Error(), "does not answer questions") {
		t.Errorf("a tower: %v", err)
	}
}

// TestAnswersAreShort even when a model never ends them.
func TestAnswersAreShort(t *testing.T) {
	m := stub(t)
	m.Net = speaking{parrot{m.Net.(speaking).yes, m.Net.(speaking).yes}}
	q := quiz{ask("1", "one", "a")}
	for most, want := range map[int]int{0: 16, 3: 3} {
		var got string
		_, err := eval.Run(context.Background(), m, q, eval.Options{MaxTokens: most, OnAnswer: func(a eval.Answer) { got = a.Got }})
		if n := len(m.Tokenizer.Encode(got, tokenizer.Bare)); err != nil || n != want {
			t.Errorf("%d tokens (%q) with a limit of %d, want %d; %v", n, got, most, want, err)
		}
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		got, want string
		same      bool
	}{
		{"yes", "yes", true},
		{" Yes.\n", "yes", true},
		{"two  red\ncircles", "two red circles", true},
		{"红色。", "红色", true},
		{"ROUGE .", "rouge", true},
		{"yes, it is", "yes", false},
		{"", "no", false},
		{"1.5", "15", false},
		{"10", "1", false},
		{"no.", "not", false},
	} {
		if eval.Same(c.got, c.want) != c.same || eval.Same(c.want, c.got) != c.same {
			t.Errorf("Same(%q, %q) is %v", c.got, c.want, !c.same)
		}
	}
}

// TestScenesAreOfTheEvaluationSplit compares with what training draws from the same seed.
func TestScenesAreOfTheEvaluationSplit(t *testing.T) {
	b, err := eval.Scenes(3, 20)
	if err != nil {
		t.Fatal(err)
	}
	again, err := eval.Scenes(3, 20)
	if err != nil {
		t.Fatal(err)
	}
	train := map[string]bool{}
	d, err := data.NewScenes(3, 20, scenes.Options{Split: scenes.Train}, data.ByImage)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Len() {
		s, err := d.At(i)
		if err != nil {
			t.Fatal(err)
		}
		conv, err := s.Conversation(s.Turns)
		if err != nil {
			t.Fatal(err)
		}
		train[pixels(conv[0].Images[0])] = true
	}
	next, stop := iter.Pull2(again.Questions())
	defer stop()
	n := 0
	for q, err := range b.Questions() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if len(q.Conv) != 1 || q.Conv[0].Role != "user" || len(q.Conv[0].Images) != 1 || q.Want == "" || q.ID == "" {
			t.Errorf("question %+v", q)
		}
		if q.Tags[0].Group != "type" || q.Tags[0].Value == "" || q.Tags[0].Value == string(scenes.Caption) || q.Tags[1].Value == "" {
			t.Errorf("tags %v", q.Tags)
		}
		if train[pixels(q.Conv[0].Images[0])] {
			t.Errorf("question %s shows a training scene", q.ID)
		}
		if same, _, _ := next(); same.ID != q.ID || same.Want != q.Want || same.Conv[0].Text != q.Conv[0].Text {
			t.Errorf("question %s differs when asked again", q.ID)
		}
	}
	if n != 20 || b.Len() != 20 {
		t.Errorf("%d questions, Len %d, want 20", n, b.Len())
	}
}

func pixels(img *imageproc.RGB) string { return string(img.Pix) }
