package chat

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
)

// Learn renders a conversation with its answers and labels them: every token of
// an answer and the end token behind it, and nothing else. A template that sets
// no end token behind answers, as LLaVA's, gets one there; without it the model
// would never learn to stop. Answers that are muted have no labels, and labels
// have weights where an answer's is not 1; one turn without a role is a document,
// which is learned whole.
func (p *Processor) Learn(conv []model.Turn) (*model.Prompt, error) {
	if isDocument(conv) {
		return p.learnText(&conv[0])
	}
	s, err := p.see(model.Pictures(conv), model.Videos(conv))
	if err != nil {
		return nil, err
	}
	return p.learn(conv, s)
}

// LearnApart is Learn for questions that have only the pictures in common: each
// is learned as the first one of a conversation, and sees no other. The pictures
// belong to the first question and stand before its text.
func (p *Processor) LearnApart(conv []model.Turn) (*model.Prompt, error) {
	if isDocument(conv) {
		return p.learnText(&conv[0])
	}
	s, err := p.see(model.Pictures(conv), model.Videos(conv))
	if err != nil {
		return nil, err
	}
	questions, err := apart(conv)
	if err != nil {
		return nil, err
	}
	prompts := make([]*model.Prompt, len(questions))
	for i, q := range questions {
		if prompts[i], err = p.learn(q, s); err != nil {
			return nil, err
		}
	}
	if p.Adapter != nil || p.Start != nil { // questions have no beginning in common
		return model.Pack(prompts), nil
	}
	return model.Branch(prompts)
}

// apart makes a conversation of each question: the system's turn, the pictures,
// the question and what follows it.
func apart(conv []model.Turn) ([][]model.Turn, error) {
	var system []model.Turn
	if len(conv) > 0 && conv[0].Role == "system" {
		system, conv = conv[:1:1], conv[1:]
	}
	var out [][]model.Turn
	for i, t := range conv {
		switch {
		case i > 0 && len(t.Images)+len(t.Videos) > 0:
			return nil, fmt.Errorf("chat: turn %d has pictures of its own, so that questions cannot be learned apart", len(system)+i+1)
		case t.Role == "user":
			t.Images, t.Videos = conv[0].Images, conv[0].Videos
			out = append(out, append(system, t))
		case len(out) > 0:
			out[len(out)-1] = append(out[len(out)-1], t)
		default:
			return nil, fmt.Errorf("chat: an answer comes before the first question")
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("chat: a conversation without questions")
	}
	return out, nil
}

// learn renders and labels a conversation whose pictures have been processed.
func (p *Processor) learn(conv []model.Turn, s seen) (*model.Prompt, error) {
	rounds, err := p.rounds(conv, s)
	if err != nil {
		return nil, err
	}
	return p.learnRounds(rounds, s)
}

// learnRounds labels the answers of rounds.
func (p *Processor) learnRounds(rounds []round, s seen) (_ *model.Prompt, err error) {
	if len(rounds) > 0 {
		if s.images, err = p.beside(s.images, rounds[0].asked); err != nil {
			return nil, err
		}
	}
	if p.Start != nil {
		return p.learnEncoded(rounds, s)
	}
	var ids []int32
	var taught []float32
	for i, r := range rounds {
		asked, whole := p.encodeRound(r.asked, i == 0), p.encodeRound(r.asked+r.answer, i == 0)
		from := common(asked, whole)
		for j, id := range whole {
			weight := float32(0)
			if r.learned() && j >= from && !p.isPlace(id) {
				weight = r.weight
			}
			ids, taught = append(ids, id), append(taught, weight)
		}
	}
	return p.place(ids, taught, s)
}

// learnEncoded makes a conversation of each answer: what comes before it is for the
// encoder, and the decoder learns the answer.
func (p *Processor) learnEncoded(rounds []round, s seen) (*model.Prompt, error) {
	var prompts []*model.Prompt
	before := ""
	for _, r := range rounds {
		before += r.asked
		if !r.learned() {
			before += strings.TrimSuffix(r.answer, p.end())
			continue
		}
		out, err := p.place(p.encode(before), nil, s)
		if err != nil {
			return nil, err
		}
		answer := p.Tok.Encode(strings.TrimLeft(r.answer, " "), tokenizer.Bare)
		out.DecoderIDs = append(slices.Clone(p.Start), answer[:len(answer)-1]...)
		out.Labels = append(slices.Repeat([]int32{-1}, len(p.Start)-1), answer...)
		if r.weight != 1 {
			out.Weights = slices.Repeat([]float32{r.weight}, len(out.Labels))
		}
		prompts = append(prompts, out)
		before += strings.TrimSuffix(r.answer, p.end())
	}
	if len(prompts) == 0 {
		return nil, fmt.Errorf("chat: the conversation has no answer to learn")
	}
	if len(prompts) == 1 {
		return prompts[0], nil
	}
	return model.Pack(prompts), nil
}

// round is what the template puts before an answer, and the answer with its end token.
type round struct {
	asked, answer string
	weight        float32 // of the answer's loss; 0: it is not learned
}

func (r *round) learned() bool { return r.answer != "" && r.weight != 0 }

// weightOf is the weight of a turn's loss, 0 if it is not learned.
func weightOf(t *model.Turn) (float32, error) {
	switch w := float32(t.Weight); {
	case !(w >= 0 && w <= math.MaxFloat32):
		return 0, fmt.Errorf("chat: the weight of an answer's loss is %v", t.Weight)
	case t.Mute:
		return 0, nil
	case t.Weight == 0:
		return 1, nil
	default:
		return w, nil
	}
}

// rounds renders the conversation with a stand-in for every answer, cuts it
// there, and puts the answers back.
func (p *Processor) rounds(conv []model.Turn, s seen) ([]round, error) {
	end, err := p.mustEnd()
	if err != nil {
		return nil, err
	}
	blank, answers, standIn := withoutAnswers(conv)
	text, err := p.render(blank, false)
	if err == nil {
		text, err = p.stamped(text, s.videos)
	}
	if err != nil {
		return nil, err
	}
	out := make([]round, len(answers), len(answers)+1)
	for i, a := range answers {
		before, after, found := strings.Cut(text, standIn(i))
		if !found {
			return nil, fmt.Errorf("chat: the chat template leaves out answer %d", i+1)
		}
		// The space before an answer is the answer's: the model writes it. So is
		// one that the template puts before its own end token.
		asked := strings.TrimRight(before, " ")
		rest := strings.TrimLeft(after, " ")
		if own, found := strings.CutPrefix(rest, end); found {
			a += after[:len(after)-len(rest)]
			after = own
		}
		out[i] = round{asked: asked, answer: before[len(asked):] + a + end}
		text = after
	}
	spoken := 0
	for i := range conv {
		if conv[i].Role == "assistant" {
			if out[spoken].weight, err = weightOf(&conv[i]); err != nil {
				return nil, err
			}
			spoken++
		}
	}
	if rest := strings.TrimSpace(text); rest != "" {
		out = append(out, round{asked: text})
	}
	return out, nil
}

// withoutAnswers puts texts that the conversation does not contain in the place of its answers.
func withoutAnswers(conv []model.Turn) (blank []model.Turn, answers []string, standIn func(int) string) {
	mark := "\uE000" // of private use
	for slices.ContainsFunc(conv, func(t model.Turn) bool { return strings.Contains(t.Text, mark) }) {
		mark += "\uE000"
	}
	standIn = func(i int) string { return mark + strconv.Itoa(i) + "\uE001" }
	blank = slices.Clone(conv)
	for i, t := range conv {
		if t.Role == "assistant" {
			blank[i].Text = standIn(len(answers))
			answers = append(answers, t.Text)
		}
	}
	return blank, answers, standIn
}

// encodeRound encodes what follows an end token as the tokenizer would in place.
func (p *Processor) encodeRound(text string, first bool) []int32 {
	if first {
		return p.encode(text)
	}
	return p.Tok.Encode(p.end()+text, tokenizer.Bare)[1:]
}

// mustEnd is end, or an error if there is none.
func (p *Processor) mustEnd() (string, error) {
	end := p.end()
	if end == "" {
		return "", fmt.Errorf("chat: the tokenizer has no end-of-sequence token, so that nothing that is learned could end")
	}
	return end, nil
}

// end is the token that ends an answer, "" if there is none.
func (p *Processor) end() string {
	if p.EOS != "" {
		return p.EOS
	}
	eos, ok := p.Tok.EOS()
	if !ok {
		return ""
	}
	return p.Tok.Token(eos)
}

// common is the length of the longest common prefix.
func common(a, b []int32) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
