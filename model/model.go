// Package model says what a vision-language model is made of: a Processor turns
// a conversation with pictures into a Prompt, an Encoder turns the pictures into
// features, an Adapter turns features into embeddings that the language model
// can read, and a Decoder turns embeddings into logits.
package model

import (
	"image"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/tensor"
)

// Tiles is what a Processor makes of one picture, or of a video.
type Tiles struct {
	Views    Views
	Original image.Point          // size of the picture in pixels
	Geometry []imageproc.Geometry // of each view: where its pixels come from

	// Cols and Rows are how many tiles across and down follow the view of the
	// whole picture, row by row; 0 where pictures are not cut.
	Cols, Rows int

	Text []int32 // what an adapter reads beside the picture, in its own tokenizer's ids; nil: nothing

	Clip *Clip // of a video, or of a part of one that has placeholders of its own; nil: a picture
}

// Clip says when the views of a video are.
type Clip struct {
	Times []float64 // of every frame of every view, in seconds
	FPS   float64   // frames a second
}

// Features is what an Encoder sees.
type Features struct {
	X      *tensor.Tensor // [rows of all views, width]
	Starts []int          // first row of each view, and the number of rows

	// Deep are what earlier blocks saw, as X, where an adapter reads those too.
	Deep []*tensor.Tensor
}

// Prompt is a tokenised conversation in which every picture has been given its
// placeholder tokens. It feeds inference and, with Labels, training. Several
// conversations may be packed one after another.
type Prompt struct {
	IDs      []int32
	Starts   []int    // first token of each packed conversation, and the number of tokens; nil means one
	Branches [][]int  // of each conversation, as in Sequence
	Images   []*Tiles // in the order of their placeholders
	Labels   []int32  // next-token targets: Labels[i] follows token i of Reads; negative where nothing is taught

	// Weights[i] is what the loss of Labels[i] is multiplied by. Nil: all are 1.
	Weights []float32

	// At[i] is the first placeholder of Images[i]. Nil where pictures have none
	// since the decoder reads them by cross-attention: then Images[i] is that of
	// the conversation i.
	At []int

	// DecoderIDs are what the decoder reads at first where IDs are for an encoder.
	// Nil: the decoder reads IDs. With DecoderIDs and nothing for the encoder, a
	// prompt goes on from one that had it. DecoderStarts are as Starts.
	DecoderIDs    []int32
	DecoderStarts []int
}

// Reads are the tokens that the decoder reads.
func (p *Prompt) Reads() []int32 {
	if p.DecoderIDs != nil {
		return p.DecoderIDs
	}
	return p.IDs
}

// Remembers reports whether the prompt brings something that the decoder reads by
// cross-attention: tokens of an encoder or pictures without placeholders.
func (p *Prompt) Remembers() bool {
	return p.DecoderIDs != nil && len(p.IDs)+len(p.Images) > 0 || len(p.Images) > len(p.At)
}

// Encoder turns pictures into features.
type Encoder interface {
	Encode(c *tensor.Ctx, v *Views) *Features
	Width() int // of a feature
}

// Adapter turns features into embeddings of the decoder's width.
type Adapter interface {
	Adapt(c *tensor.Ctx, f *Features) *tensor.Tensor // [tokens, decoder width]
}

// Decoder is a language model. It reads embeddings, so that whoever made them,
// the token table or an adapter, is none of its business.
type Decoder interface {
	Embed(c *tensor.Ctx, ids []int32) *tensor.Tensor       // [len(ids), width]
	Forward(c *tensor.Ctx, s *Sequence) *tensor.Tensor     // [tokens, width], after the final norm
	Logits(c *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor // [rows of h, vocabulary]
	NewCache(capacity int) *KVCache                        // room for capacity tokens
	Context() int                                          // the most tokens a sequence may have
	Vocab() int                                            // number of logits
}

// Recomputer is a Decoder, an Encoder or a VLM that can keep only the inputs of its blocks while
// training, and run them again for their gradients.
type Recomputer interface{ SetRecompute(on bool) }

// VLM is a model that can be prompted. A language model alone is one that takes no pictures.
type VLM interface {
	Embed(c *tensor.Ctx, p *Prompt) *Sequence
	Decoder() Decoder
}

// DualEncoder scores texts against pictures in one embedding space. A model may give
// each view several vectors, of which that counts which is most like the text.
type DualEncoder interface {
	EmbedText(c *tensor.Ctx, ids [][]int32) *tensor.Tensor               // [texts, width], unit length
	EmbedImage(c *tensor.Ctx, v *Views) *tensor.Tensor                   // [views·vectors, width], unit length
	Similarity(c *tensor.Ctx, image, text *tensor.Tensor) *tensor.Tensor // [views, texts], scaled by the learned temperature
	Context() int                                                        // the most tokens a text may have
}

// PairScorer is a DualEncoder whose similarities are, each by itself, the
// log-odds that picture and text belong together; without it they compare the
// texts of a picture, by a softmax.
type PairScorer interface {
	DualEncoder
	PairLogits()
}

// PaddedReader is a DualEncoder that sees padding: each of its texts has exactly
// Context tokens, filled up behind its end.
type PaddedReader interface {
	DualEncoder
	ReadsPadding()
}

// Matcher reads texts with pictures before it, and tells which belong together.
type Matcher interface {
	DualEncoder
	See(c *tensor.Ctx, v *Views) *Features                          // what Match reads of pictures
	EmbedSeen(c *tensor.Ctx, f *Features) *tensor.Tensor            // EmbedImage of what has been seen already
	Match(c *tensor.Ctx, f *Features, ids [][]int32) *tensor.Tensor // of text i and view i, the logits of no match and of a match: [texts, 2]
}
