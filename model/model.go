// Package model says what a vision-language model is made of: a Processor turns
// a conversation with pictures into a Prompt, an Encoder turns the pictures into
// features, an Adapter turns features into embeddings that the language model
// can read, and a Decoder turns embeddings into logits.
package model

import (
	"image"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Tiles is what a Processor makes of one picture.
type Tiles struct {
	Views    Views
	Original image.Point          // size of the picture in pixels
	Geometry []imageproc.Geometry // of each view: where its pixels come from

	// Cols and Rows are how many tiles across and down follow the view of the
	// whole picture, row by row; 0 where pictures are not cut.
	Cols, Rows int
}

// Features is what an Encoder sees.
type Features struct {
	X      *tensor.Tensor // [rows of all views, width]
	Starts []int          // first row of each view, and the number of rows
}

// Prompt is a tokenised conversation in which every picture has been given its
// placeholder tokens. It feeds inference and, with Labels, training. Several
// conversations may be packed one after another.
type Prompt struct {
	IDs      []int32
	Starts   []int    // first token of each packed conversation, and the number of tokens; nil means one
	Branches [][]int  // of each conversation, as in Sequence
	Images   []*Tiles // in the order of their placeholders
	At       []int    // At[i] is the first placeholder of Images[i]
	Labels   []int32  // next-token targets: Labels[i] follows IDs[i]; negative where nothing is taught
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

// Sequence is the input of Decoder.Forward: packed sequences, no padding.
type Sequence struct {
	X      *tensor.Tensor // [tokens, width] embeddings
	Starts []int          // first row of each sequence, and the number of rows; nil means one

	// Branches cut each sequence into branches that go on from its trunk, the rows
	// before the first, and do not see each other: the first row of each, counted
	// from the start of the sequence. Nil means none; only in training.
	Branches [][]int

	Past []*KVCache // of each sequence; nil when there is none, as in training
}

// Position is the place of a row of sequence i, counted from its start, among
// the rows that it sees: a branch goes on where the trunk ends.
func (s *Sequence) Position(i, row int) int {
	at := row
	if s.Branches != nil {
		for _, first := range s.Branches[i] {
			if first <= row {
				at = s.Branches[i][0] + row - first
			}
		}
	}
	return at
}

// VLM is a model that can be prompted. A language model alone is one that takes no pictures.
type VLM interface {
	Embed(c *tensor.Ctx, p *Prompt) *Sequence
	Decoder() Decoder
}

// DualEncoder scores texts against pictures in one embedding space.
type DualEncoder interface {
	EmbedText(c *tensor.Ctx, ids [][]int32) *tensor.Tensor               // [texts, width], unit length
	EmbedImage(c *tensor.Ctx, v *Views) *tensor.Tensor                   // [views, width], unit length
	Similarity(c *tensor.Ctx, image, text *tensor.Tensor) *tensor.Tensor // [views, texts], scaled by the learned temperature
	Context() int                                                        // the most tokens a text may have
}

// KVCache is what one sequence has left behind in every layer.
type KVCache struct{ Layer []*ops.KV }

// NewKVCache makes room for capacity tokens in each layer; width is that of a layer's keys.
func NewKVCache(layers, capacity, width int) *KVCache {
	k := &KVCache{Layer: make([]*ops.KV, layers)}
	for i := range k.Layer {
		k.Layer[i] = ops.NewKV(capacity, width)
	}
	return k
}

// Len is the number of tokens in the cache.
func (k *KVCache) Len() int { return k.Layer[0].Len() }

// Truncate forgets all tokens but the first n.
func (k *KVCache) Truncate(n int) {
	for _, l := range k.Layer {
		l.Truncate(n)
	}
}
