package data

import (
	"fmt"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/grounding"
)

// Ground writes the labels and boxes of turns taken from the sample into the texts of
// the conversation that [Sample.Conversation] made of them, the way a family of models
// does. pictures is the pipeline of the model, which may resize, pad and crop: dialects
// that count pixels count those that the model sees. The error is a [*Problem] where a
// box is not in its picture.
func (s *Sample) Ground(turns []Turn, conv []model.Turn, d *grounding.Dialect, pictures *imageproc.Processor) error {
	var seen []grounding.Picture
	for i, t := range turns {
		if t.Places == nil {
			continue
		}
		if d == nil || pictures == nil {
			return fmt.Errorf("data: sample %s says where things are, and this family of models has no words for it", s.ID)
		}
		if seen == nil {
			for _, img := range model.Pictures(conv) {
				views, err := pictures.Placed(img.W, img.H)
				if err != nil {
					return fmt.Errorf("data: %w", err)
				}
				seen = append(seen, grounding.Picture{W: img.W, H: img.H, Seen: views[0]})
			}
		}
		text, err := t.grounded(d, seen)
		if err != nil {
			return s.problem(fmt.Errorf("turn %d: %w", i+1, err))
		}
		conv[i].Text = text
	}
	return nil
}

// grounded is the text of a turn with its labels and boxes written out.
func (t *Turn) grounded(d *grounding.Dialect, pictures []grounding.Picture) (string, error) {
	var out strings.Builder
	for _, p := range t.phrases() {
		out.WriteString(p.text)
		if !p.named && len(p.boxes) == 0 {
			continue
		}
		var marks []grounding.Mark
		var in grounding.Picture
		for _, b := range p.boxes {
			if b.Image >= len(pictures) {
				return "", fmt.Errorf("box %v is in picture %d of %d", b.At, b.Image+1, len(pictures))
			}
			in = pictures[b.Image]
			marks = append(marks, b.Mark(p.label, in.W, in.H).Within(in.W, in.H, slack*float64(max(in.W, in.H))))
		}
		text, err := d.Phrase(p.label, marks, in)
		if err != nil {
			return "", err
		}
		out.WriteString(text)
	}
	return out.String(), nil
}

// phrase is a stretch of text, and what is named or boxed behind it.
type phrase struct {
	text  string
	named bool
	label string
	boxes []Box // of one picture
}

// phrases takes the text of a turn apart at its tags. Boxes that follow a label, and
// each other, without anything between belong to it.
func (t *Turn) phrases() (out []phrase) {
	var refs []string
	var boxes []Box
	if t.Places != nil {
		refs, boxes = t.Places.Refs, t.Places.Boxes
	}
	rest := t.Text
	var p phrase
	for {
		before, tag, after := nextTag(rest)
		p.text = before
		switch {
		case tag == RefTag && len(refs) > 0:
			p.named, p.label, refs = true, refs[0], refs[1:]
		case tag == BoxTag && len(boxes) > 0:
			p.boxes, boxes = boxes[:1:1], boxes[1:]
		default:
			p.text = rest
			return append(out, p)
		}
		for len(boxes) > 0 && strings.HasPrefix(after, BoxTag) && (len(p.boxes) == 0 || boxes[0].Image == p.boxes[0].Image) {
			p.boxes, boxes, after = append(p.boxes, boxes[0]), boxes[1:], after[len(BoxTag):]
		}
		out = append(out, p)
		p, rest = phrase{}, after
	}
}

// nextTag cuts a text at its first tag.
func nextTag(text string) (before, tag, after string) {
	ref, box := strings.Index(text, RefTag), strings.Index(text, BoxTag)
	switch {
	case ref < 0 && box < 0:
		return text, "", ""
	case box < 0 || ref >= 0 && ref < box:
		return text[:ref], RefTag, text[ref+len(RefTag):]
	}
	return text[:box], BoxTag, text[box+len(BoxTag):]
}
