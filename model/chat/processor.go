// Package chat turns conversations with pictures into prompts: the chat
// template, the tokens, a row of placeholders for every picture, and for
// training the labels. It is the Processor of every family whose pictures stand
// in the text as one marker each.
package chat

import (
	"cmp"
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tokenizer"
)

// Processor implements model.Processor.
type Processor struct {
	Tok      *tokenizer.Tokenizer
	Template *tokenizer.Template // nil: turns are joined as they are

	// Of models that take pictures; Pictures is nil otherwise.
	Pictures *imageproc.Processor
	Marker   int32                  // the token that stands for a picture in text
	Tokens   func(*model.Tiles) int // placeholders that a picture gets
	Inline   bool                   // the template is one for text: a picture is its marker, on a line of its own
	Mark     string                 // the marker in text where Marker is no token of the vocabulary; what is around it is encoded apart
	Brackets *Brackets              // Marker opens a picture's place, and another token closes it; nil: it is the place

	// Of models that take videos, which take pictures too; Videos is nil otherwise.
	Videos      *imageproc.VideoProcessor
	VideoMarker int32   // the token that stands for a video in text
	Stamps      *Stamps // each view of a video has a place of its own, with its time; nil: all have one

	EOS string // the token that ends an answer; "": the tokenizer's end of a sequence

	// Ahead: the placeholders of the picture, of which there is one, stand before
	// the text and its first special token, and no marker is in the text. Without
	// Tokens there are none: the model reads the picture by cross-attention.
	Ahead   bool
	Second  bool                      // with Ahead: they stand behind the first special token, not before it
	Frame   func(ids []int32) []int32 // what the model reads of the ids of a text; nil: all
	Adapter *tokenizer.Tokenizer      // reads the text for an adapter that sees it beside the picture; nil: none does
	Longest int                       // tokens that the adapter or, without one, an encoder of text can read; 0: any number
	Start   []int32                   // what the decoder of an encoder-decoder model reads first; nil for decoders alone

	// Parted: the template is one for pictures, and wants text in parts too where Pictures is nil.
	Parted bool
}

// Tokenizer returns the checkpoint's tokenizer.
func (p *Processor) Tokenizer() *tokenizer.Tokenizer { return p.Tok }

// Templated reports whether turns are rendered by a template, the checkpoint's or the family's.
func (p *Processor) Templated() bool { return p.Template != nil }

// PictureProcessor returns the picture pipeline, nil for models of text only.
func (p *Processor) PictureProcessor() *imageproc.Processor { return p.Pictures }

// VideoProcessor returns the pipeline of videos, nil for models that take none.
func (p *Processor) VideoProcessor() *imageproc.VideoProcessor { return p.Videos }

// Process renders the conversation, ready for an answer.
func (p *Processor) Process(conv []model.Turn) (*model.Prompt, error) {
	text, err := p.render(conv, true)
	if err != nil {
		return nil, err
	}
	return p.ProcessText(text, model.Pictures(conv), model.Videos(conv)...)
}

// ProcessText takes text in the model's own format, with a marker for every picture and video.
func (p *Processor) ProcessText(text string, images []*imageproc.RGB, videos ...*imageproc.Video) (*model.Prompt, error) {
	text, err := p.finished(text, len(images))
	if err != nil {
		return nil, err
	}
	s, err := p.see(images, videos)
	if err == nil {
		s.images, err = p.beside(s.images, text)
	}
	if err == nil {
		text, err = p.stamped(text, s.videos)
	}
	if err != nil {
		return nil, err
	}
	out, err := p.place(p.encode(text), nil, s)
	if err == nil {
		out.DecoderIDs = slices.Clone(p.Start)
	}
	return out, err
}

// Captions reports whether a picture alone is a prompt. It is none for models whose
// encoder reads the question and nothing else.
func (p *Processor) Captions() bool {
	return p.Ahead && !p.Second && (p.Tokens != nil || p.Start == nil)
}

// Begun are the tokens of a prompt that an answer to it begins with: of captions,
// which go on from what they are given.
func (p *Processor) Begun(prompt *model.Prompt) []int32 {
	if p.Frame == nil {
		return nil
	}
	return prompt.IDs
}

// mark is the marker as it stands in text.
func (p *Processor) mark() string { return cmp.Or(p.Mark, p.Tok.Token(p.Marker)) }

// around encodes what stands before, between and behind markers that are no tokens,
// as LLaVA's authors do.
func (p *Processor) around(text string) []int32 {
	parts := strings.Split(text, p.Mark)
	ids := p.Tok.Encode(parts[0])
	for _, part := range parts[1:] {
		ids = append(ids, p.Marker)
		ids = append(ids, p.Tok.Encode(part, tokenizer.Bare)...)
	}
	return ids
}

// encode adds the special tokens of a sequence unless the template has put
// them into the text itself.
func (p *Processor) encode(text string) []int32 {
	if bos, ok := p.Tok.BOS(); ok && p.Frame == nil && strings.HasPrefix(text, p.Tok.Token(bos)) {
		return p.Tok.Encode(text, tokenizer.Bare)
	}
	if p.Mark != "" {
		return p.around(text)
	}
	ids := p.Tok.Encode(text)
	if p.Frame != nil {
		ids = p.Frame(ids)
	}
	return ids
}

// tiles runs the picture pipeline.
func (p *Processor) tiles(images []*imageproc.RGB) ([]*model.Tiles, error) {
	if len(images) > 0 && p.Pictures == nil {
		return nil, fmt.Errorf("chat: this model takes no pictures, and the prompt has %d", len(images))
	}
	var out []*model.Tiles
	for i, img := range images {
		v, err := p.Pictures.Views(img)
		if err != nil {
			return nil, fmt.Errorf("chat: picture %d: %w", i+1, err)
		}
		t := &model.Tiles{Views: model.Views{Pixels: v.Pixels}, Original: image.Pt(img.W, img.H), Cols: v.Cols, Rows: v.Rows}
		for _, view := range v.Each {
			t.Views.Sizes = append(t.Views.Sizes, image.Pt(view.W, view.H))
			t.Geometry = append(t.Geometry, view.Geometry)
		}
		out = append(out, t)
	}
	return out, nil
}

// beside gives the pictures the text that an adapter reads with them. The same
// picture may stand in several prompts, each with a text of its own.
func (p *Processor) beside(tiles []*model.Tiles, text string) ([]*model.Tiles, error) {
	if p.Adapter == nil {
		return tiles, nil
	}
	ids := p.Adapter.Encode(text)
	if len(ids) > p.Longest {
		return nil, fmt.Errorf("chat: the text has %d tokens for the adapter, which reads %d: shorten it", len(ids), p.Longest)
	}
	out := make([]*model.Tiles, len(tiles))
	for i, t := range tiles {
		with := *t
		with.Text = ids
		out[i] = &with
	}
	return out, nil
}

// ahead puts the markers of the pictures before ids.
func (p *Processor) ahead(ids []int32, taught []float32, tiles []*model.Tiles) ([]int32, []float32, error) {
	if p.Ahead && p.Tokens == nil && len(tiles) == 0 {
		return nil, nil, fmt.Errorf("chat: this model reads a picture beside the text, and the prompt has none")
	}
	if !p.Ahead || len(tiles) == 0 {
		return ids, taught, nil
	}
	if len(tiles) > 1 {
		return nil, nil, fmt.Errorf("chat: this model takes one picture, and the prompt has %d", len(tiles))
	}
	if p.Tokens == nil {
		return ids, taught, nil
	}
	at := 0
	if bos, ok := p.Tok.BOS(); p.Second && ok && len(ids) > 0 && ids[0] == bos {
		at = 1
	}
	if taught != nil {
		taught = slices.Insert(slices.Clone(taught), at, 0)
	}
	return slices.Insert(slices.Clone(ids), at, p.Marker), taught, nil
}

// place repeats every marker among ids once for each token of its picture or video.
// taught, if not nil, has for each id the weight of its loss, 0 where it is not learned.
func (p *Processor) place(ids []int32, taught []float32, s seen) (*model.Prompt, error) {
	tiles, err := p.inOrder(ids, s)
	if err != nil {
		return nil, err
	}
	if p.Start != nil && p.Adapter == nil && p.Longest > 0 && len(ids) > p.Longest {
		return nil, fmt.Errorf("chat: the text has %d tokens for the encoder, which reads %d: shorten it", len(ids), p.Longest)
	}
	if ids, taught, err = p.ahead(ids, taught, tiles); err != nil {
		return nil, err
	}
	out := &model.Prompt{Images: tiles}
	if slices.ContainsFunc(taught, func(w float32) bool { return w != 0 && w != 1 }) {
		out.Weights = make([]float32, 0, len(ids))
	}
	if p.Brackets != nil && p.Pictures != nil {
		return p.placeBetween(out, ids, taught)
	}
	for i, id := range ids {
		n := 1
		if p.Tokens != nil && (id == p.Marker || p.Videos != nil && id == p.VideoMarker) {
			var err error
			if n, err = p.next(out); err != nil {
				return nil, err
			}
		}
		for range n {
			out.IDs = append(out.IDs, id)
			if taught != nil {
				teach(out, id, taught[i])
			}
		}
	}
	return p.placed(out, taught != nil)
}

// next gives the picture whose turn it is the place behind what is in the prompt,
// and tells how many tokens it takes.
func (p *Processor) next(out *model.Prompt) (int, error) {
	if len(out.At) == len(out.Images) {
		return 0, fmt.Errorf("chat: the prompt has more %s markers than pictures (%d)", p.mark(), len(out.Images))
	}
	n := p.Tokens(out.Images[len(out.At)])
	out.At = append(out.At, len(out.IDs))
	return n, nil
}

// placed checks that every picture has a place, and moves labels and weights to theirs.
func (p *Processor) placed(out *model.Prompt, labelled bool) (*model.Prompt, error) {
	if p.Tokens != nil && len(out.At) < len(out.Images) {
		return nil, fmt.Errorf("chat: the prompt has %d %s markers and %d pictures", len(out.At), p.ownMarker(), len(out.Images))
	}
	if labelled { // a label stands at the token before the one it names
		copy(out.Labels, out.Labels[1:])
		out.Labels[len(out.Labels)-1] = -1
		if out.Weights != nil {
			copy(out.Weights, out.Weights[1:])
			out.Weights[len(out.Weights)-1] = 0
		}
	}
	return out, nil
}

// teach adds the label of an id, with the weight of its loss if the prompt has weights.
func teach(out *model.Prompt, id int32, weight float32) {
	if out.Weights != nil {
		out.Weights = append(out.Weights, weight)
	}
	if weight == 0 {
		id = -1
	}
	out.Labels = append(out.Labels, id)
}
