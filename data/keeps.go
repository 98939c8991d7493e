package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// keeps is what a format can hold of a sample.
type keeps uint16

const (
	keepsPictures   keeps = 1 << iota // at least one
	keepsNoPicture                    // samples without one
	keepsMany                         // more than one
	keepsAnswers                      // conversations, and captions
	keepsQuestions                    // other than the one that captions answer
	keepsRounds                       // more than one question
	keepsSystem                       // the system's turn
	keepsDocuments                    // texts that are learned whole
	keepsNames                        // of samples
	keepsPlaces                       // labels and boxes
	keepsMutes                        // which answers are learned
	keepsWeights                      // of their losses
	keepsPreference                   // a worse answer, a verdict
	keepsMeta                         // what a benchmark knows

	keepsTalk = keepsPictures | keepsNoPicture | keepsMany | keepsAnswers | keepsQuestions | keepsRounds | keepsSystem | keepsNames
	keepsAll  = keepsTalk | keepsDocuments | keepsPlaces | keepsMutes | keepsWeights | keepsPreference | keepsMeta
)

func (k keeps) has(what keeps) bool { return k&what == what }

// needs tells what of a sample a format has to hold, that can be left out and that
// cannot.
func (s *Sample) needs() (soft, hard keeps) {
	switch {
	case len(s.Images) == 0:
		hard |= keepsNoPicture
	case len(s.Images) > 1:
		hard |= keepsMany
	}
	rounds := 0
	for _, t := range s.Turns {
		switch {
		case t.Role == System:
			soft |= keepsSystem
		case t.Role == User:
			if rounds++; t.Text != describe {
				soft |= keepsQuestions
			}
		}
		if t.Places != nil {
			soft |= keepsPlaces
		}
		if t.Mute {
			soft |= keepsMutes
		}
		if t.Weight != 0 && t.Weight != 1 {
			soft |= keepsWeights
		}
	}
	if rounds > 1 {
		hard |= keepsRounds
	}
	if s.Document {
		hard |= keepsDocuments
	} else {
		hard |= keepsAnswers
	}
	if s.Rejected != "" || s.Verdict != NoVerdict {
		soft |= keepsPreference
	}
	if s.Meta != nil {
		soft |= keepsMeta
	}
	if !strings.HasPrefix(s.ID, "#") {
		soft |= keepsNames
	}
	return soft, hard
}

// lost names what a format would lose of a sample, and what it cannot do without.
func (k keeps) lost(s *Sample) (lost []string, never string) {
	soft, hard := s.needs()
	for _, one := range []struct {
		what keeps
		name string
	}{
		{keepsNoPicture, "a sample without a picture"}, {keepsMany, fmt.Sprintf("%d pictures", len(s.Images))}, {keepsRounds, "several questions"},
		{keepsDocuments, "a document"}, {keepsAnswers, "a conversation"}, {keepsSystem, "the system's turn"}, {keepsQuestions, "the question"}, {keepsPlaces, "the boxes, which become text"},
		{keepsMutes, "which answers are learned"}, {keepsWeights, "the weights of answers"}, {keepsPreference, "the rejected answer or the verdict"},
		{keepsMeta, "the kind of the question and its other answers"}, {keepsNames, "the sample's name"},
	} {
		switch {
		case k.has(one.what):
		case hard.has(one.what):
			return nil, one.name
		case soft.has(one.what):
			lost = append(lost, one.name)
		}
	}
	return lost, ""
}

// reduced is a copy of the sample without what is lost.
func (k keeps) reduced(s *Sample) (*Sample, error) {
	c := *s
	c.Turns = slices.Clone(s.Turns)
	if !k.has(keepsSystem) {
		c.Turns = slices.DeleteFunc(c.Turns, func(t Turn) bool { return t.Role == System })
	}
	if !k.has(keepsPreference) {
		c.Rejected, c.Verdict = "", NoVerdict
	}
	if !k.has(keepsMeta) {
		c.Meta = nil
	}
	if !k.has(keepsNames) {
		c.ID = "#"
	}
	for i := range c.Turns {
		if !k.has(keepsMutes) {
			c.Turns[i].Mute = false
		}
		if !k.has(keepsWeights) {
			c.Turns[i].Weight = 0
		}
		if !k.has(keepsPlaces) && c.Turns[i].Places != nil {
			text, err := s.inWords(&c.Turns[i])
			if err != nil {
				return s, err
			}
			c.Turns[i].Text, c.Turns[i].Places = text, nil
		}
	}
	return &c, nil
}

// inWords is the text of a turn with boxes as [x1, y1, x2, y2], in shares of the picture.
func (s *Sample) inWords(t *Turn) (string, error) {
	var out strings.Builder
	for _, p := range t.phrases() {
		out.WriteString(p.text + p.label)
		for _, b := range p.boxes {
			b, err := s.boxIn(b, Coords{Unit: Norm01})
			if err != nil {
				return "", err
			}
			var n []string
			for _, v := range b.At {
				n = append(n, strconv.FormatFloat(v, 'f', 3, 64))
			}
			if p.named {
				out.WriteByte(' ')
			}
			out.WriteString("[" + strings.Join(n, ", ") + "]")
		}
	}
	return out.String(), nil
}

// boxIn is a box in other coordinates. It opens the picture if its size is needed.
func (s *Sample) boxIn(b Box, c Coords) (Box, error) {
	from := b.Coords
	if from.Padded == c.Padded && (!from.Padded || from.Unit == c.Unit) && (from.Unit == Pixels) == (c.Unit == Pixels) {
		return b.In(c, 1, 1), nil
	}
	if b.Image >= len(s.Images) {
		return b, fmt.Errorf("box %v is in picture %d of %d", b.At, b.Image+1, len(s.Images))
	}
	img, err := s.Images[b.Image].Open()
	if err != nil {
		return b, fmt.Errorf("the size of the picture that box %v is in: %w", b.At, err)
	}
	return b.In(c, img.W, img.H), nil
}
