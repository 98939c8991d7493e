package chat

import (
	"fmt"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
)

// How turns say where a picture or a video stands, whatever the checkpoint calls it.
const marker, videoMarker = "<image>", "<video>"

// render applies the chat template. Models without one get the texts as they are.
func (p *Processor) render(conv []model.Turn, answer bool) (string, error) {
	messages := make([]tokenizer.Message, len(conv))
	for i, t := range conv {
		parts, err := p.parts(t)
		if err != nil {
			return "", fmt.Errorf("chat: turn %d: %w", i+1, err)
		}
		messages[i] = tokenizer.Message{Role: t.Role, Text: t.Text, Parts: parts}
		if p.Inline && parts != nil {
			messages[i].Text, messages[i].Parts = p.inline(parts), nil
		}
	}
	if p.Template == nil {
		return p.join(messages), nil
	}
	text, err := p.Template.Render(messages, answer, nil)
	if err != nil {
		return "", fmt.Errorf("chat: %w", err)
	}
	return text, nil
}

// parts splits a turn at its markers; pictures and videos without one come first.
// Models of text only have templates that want the plain text: nil.
func (p *Processor) parts(t model.Turn) ([]tokenizer.Part, error) {
	if p.Pictures == nil && p.Parted {
		return []tokenizer.Part{{Type: "text", Text: t.Text}}, nil
	}
	if p.Pictures == nil {
		return nil, nil
	}
	if p.Ahead {
		return p.textOf(t)
	}
	texts, kinds := p.split(t.Text)
	out, err := unmarked(kinds, t)
	if err != nil {
		return nil, err
	}
	for i, text := range texts {
		if i > 0 {
			out = append(out, tokenizer.Part{Type: kinds[i-1]})
			text = strings.TrimPrefix(text, "\n") // templates break the line after a picture themselves
		}
		if i < len(kinds) {
			text = strings.TrimSuffix(text, "\n")
		}
		if text != "" || len(texts) == 1 {
			out = append(out, tokenizer.Part{Type: "text", Text: text})
		}
	}
	return out, nil
}

// split cuts a text at its markers: the texts around them, and what each stands for.
func (p *Processor) split(text string) (texts, kinds []string) {
	for {
		at, kind, length := strings.Index(text, marker), "image", len(marker)
		if v := strings.Index(text, videoMarker); p.Videos != nil && v >= 0 && (at < 0 || v < at) {
			at, kind, length = v, "video", len(videoMarker)
		}
		if at < 0 {
			return append(texts, text), kinds
		}
		texts, kinds = append(texts, text[:at]), append(kinds, kind)
		text = text[at+length:]
	}
}

// unmarked are the parts of the pictures and videos of a turn that has markers of
// some kinds: of each either all have one or none has.
func unmarked(kinds []string, t model.Turn) (out []tokenizer.Part, err error) {
	for _, k := range []struct {
		kind, marker, name string
		n                  int
	}{{"image", marker, "pictures", len(t.Images)}, {"video", videoMarker, "videos", len(t.Videos)}} {
		marked := 0
		for _, kind := range kinds {
			if kind == k.kind {
				marked++
			}
		}
		if marked != 0 && marked != k.n {
			return nil, fmt.Errorf("%d %s markers and %d %s", marked, k.marker, k.n, k.name)
		}
		for range k.n - marked {
			out = append(out, tokenizer.Part{Type: k.kind})
		}
	}
	return out, nil
}

// textOf is the one part of a turn whose picture is no part of the text. Its
// marker may stand before the text all the same.
func (p *Processor) textOf(t model.Turn) ([]tokenizer.Part, error) {
	text, err := behind(t.Text, len(t.Images))
	if err != nil {
		return nil, err
	}
	return []tokenizer.Part{{Type: "text", Text: text}}, nil
}

// behind is the text behind the markers of so many pictures.
func behind(text string, pictures int) (string, error) {
	before := 0
	for ; strings.HasPrefix(text, marker); before++ {
		text = strings.TrimPrefix(strings.TrimPrefix(text, marker), "\n")
	}
	if before > pictures {
		return "", fmt.Errorf("%d %s markers and %d pictures", before, marker, pictures)
	}
	if strings.Contains(text, marker) {
		return "", fmt.Errorf("this model's picture stands before the text: an %s marker within it says nothing", marker)
	}
	return text, nil
}

// finished is text in the model's own format without markers that the model does not have.
func (p *Processor) finished(text string, pictures int) (string, error) {
	if p.Videos != nil && strings.Contains(text, videoMarker) && p.markOf("video") != videoMarker {
		return "", fmt.Errorf("chat: %s says nothing to this model in a finished prompt: %s stands for a video", videoMarker, p.markOf("video"))
	}
	if p.Pictures == nil || !strings.Contains(text, marker) {
		return text, nil
	}
	if p.Ahead {
		text, err := behind(text, pictures)
		if err != nil {
			return "", fmt.Errorf("chat: %w", err)
		}
		return text, nil
	}
	if own := p.ownMarker(); own != marker {
		return "", fmt.Errorf("chat: %s says nothing to this model in a finished prompt: %s stands for a picture", marker, own)
	}
	return text, nil
}

// ownMarker is what stands for a picture in the model's own format.
func (p *Processor) ownMarker() string {
	own := p.mark()
	if p.Brackets != nil {
		own += p.Tok.Token(p.Brackets.End)
	}
	return own
}

// inline is the content of a turn for a template that knows text only.
func (p *Processor) inline(parts []tokenizer.Part) string {
	var b strings.Builder
	for _, c := range parts {
		if c.Type != "text" {
			b.WriteString(p.markOf(c.Type) + "\n")
		}
		b.WriteString(c.Text)
	}
	return b.String()
}

// join is the prompt of a model without a template.
func (p *Processor) join(messages []tokenizer.Message) string {
	var lines []string
	for _, m := range messages {
		if m.Parts == nil {
			lines = append(lines, m.Text)
		}
		for _, c := range m.Parts {
			if c.Type != "text" {
				c.Text = p.markOf(c.Type)
			}
			lines = append(lines, c.Text)
		}
	}
	if p.Ahead { // as BLIP-2's authors do
		return strings.Join(lines, " ")
	}
	return strings.Join(lines, "\n")
}
