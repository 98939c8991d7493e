package chat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
)

// isDocument reports whether a conversation is one turn that nobody speaks.
func isDocument(conv []model.Turn) bool { return len(conv) == 1 && conv[0].Role == "" }

// learnText is for text that is learned whole, as language models learn it: every
// token but the first special one, and an end token behind them. Pictures stand where
// the text says <image>; neither their places nor the tokens around these are learned. No
// template is applied. A model with an encoder reads the pictures there, and its decoder
// learns the text.
func (p *Processor) learnText(t *model.Turn) (*model.Prompt, error) {
	end, err := p.mustEnd()
	if err != nil {
		return nil, err
	}
	text, err := p.document(t.Text, len(t.Images))
	if err != nil {
		return nil, err
	}
	weight, err := weightOf(t)
	if err != nil {
		return nil, err
	}
	s, err := p.see(t.Images, nil)
	if err != nil {
		return nil, err
	}
	out, err := p.learnRounds([]round{{answer: text + end, weight: weight}}, s)
	if err != nil {
		return nil, err
	}
	around := p.Tok.Encode(p.pictureText(), tokenizer.Bare)
	for i, id := range out.Labels {
		if len(t.Images) > 0 && id >= 0 && p.Tok.Special(id) && slices.Contains(around, id) {
			out.Labels[i] = -1
		}
	}
	return out, nil
}

// document is text with the model's own markers.
func (p *Processor) document(text string, pictures int) (string, error) {
	marked := strings.Count(text, marker)
	switch {
	case p.Ahead && p.Pictures != nil:
		text, err := behind(text, pictures)
		if err != nil {
			return "", fmt.Errorf("chat: %w", err)
		}
		return text, nil
	case marked != pictures:
		return "", fmt.Errorf("chat: %d %s markers and %d pictures", marked, marker, pictures)
	case pictures == 0:
		return text, nil
	}
	return strings.ReplaceAll(text, marker, p.pictureText()), nil
}

// isPlace reports whether a token says where a picture is, and nothing else.
func (p *Processor) isPlace(id int32) bool {
	if p.Tokens == nil || p.Pictures == nil {
		return false
	}
	return id == p.Marker || p.Brackets != nil && id == p.Brackets.End
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
