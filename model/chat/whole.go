package chat

import (
	"fmt"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// LearnText is for text that is learned whole, as language models learn it: every
// token but the first special one, and an end token behind them. Pictures stand where
// the text says <image>; their places are not learned. A model with an encoder reads
// the pictures there, and its decoder learns the text.
func (p *Processor) LearnText(text string, images []*imageproc.RGB) (*model.Prompt, error) {
	end, err := p.mustEnd()
	if err != nil {
		return nil, err
	}
	if text, err = p.document(text, len(images)); err != nil {
		return nil, err
	}
	s, err := p.see(images, nil)
	if err != nil {
		return nil, err
	}
	return p.learnRounds([]round{{answer: text + end}}, s)
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
	return strings.ReplaceAll(text, marker, p.ownMarker()), nil
}

// isPlace reports whether a token says where a picture is, and nothing else.
func (p *Processor) isPlace(id int32) bool {
	if p.Tokens == nil || p.Pictures == nil {
		return false
	}
	return id == p.Marker || p.Brackets != nil && id == p.Brackets.End
}
