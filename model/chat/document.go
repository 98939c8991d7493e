package chat

import (
	"fmt"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
)

// isDocument reports whether a conversation is one turn that nobody speaks.
func isDocument(conv []model.Turn) bool { return len(conv) == 1 && conv[0].Role == "" }

// learnDocument labels every token of a text with pictures in it, and the end token
// behind it, but neither placeholders nor the tokens that stand around pictures. No
// template is applied.
func (p *Processor) learnDocument(t model.Turn) (*model.Prompt, error) {
	end := p.end()
	switch {
	case p.Start != nil:
		return nil, fmt.Errorf("chat: a model whose encoder reads the text learns answers, and no documents")
	case end == "":
		return nil, fmt.Errorf("chat: the tokenizer has no end-of-sequence token, so that a document could not end")
	}
	text := t.Text
	if p.Pictures != nil && !p.Ahead {
		text = strings.ReplaceAll(text, marker, p.pictureText())
	}
	out, err := p.ProcessText(text+end, t.Images)
	if err != nil {
		return nil, err
	}
	hidden := make([]bool, len(out.IDs))
	for k, at := range out.At {
		for i := range p.Tokens(out.Images[k]) {
			hidden[at+i] = true
		}
	}
	out.Labels = make([]int32, len(out.IDs))
	for i := range out.Labels {
		out.Labels[i] = -1
		if i+1 == len(out.IDs) || hidden[i+1] {
			continue
		}
		if next := out.IDs[i+1]; !p.Tok.Special(next) || p.Tok.Token(next) == end {
			out.Labels[i] = next
		}
	}
	return out, nil
}

// pictureText is what stands for a picture in running text: what the template writes
// between two texts, or the marker alone where it puts pictures elsewhere.
func (p *Processor) pictureText() string {
	if p.Template == nil || p.Inline {
		return p.ownMarker()
	}
	const before, after = "\uE000", "\uE001" // of private use
	parts := []tokenizer.Part{{Type: "text", Text: before}, {Type: "image"}, {Type: "text", Text: after}}
	text, err := p.Template.Render([]tokenizer.Message{{Role: "user", Parts: parts}}, false, nil)
	if err != nil {
		return p.ownMarker()
	}
	_, text, _ = strings.Cut(text, before)
	text, _, found := strings.Cut(text, after)
	if !found || p.Brackets != nil || !strings.Contains(text, p.mark()) {
		return p.ownMarker()
	}
	return text
}
