// Package qformer is the Q-Former, the adapter of BLIP-2: a fixed number of
// learned queries looks at a picture's features through layers of BERT, and what
// the queries have become stands for the picture. InstructBLIP's reads a text
// beside the queries, and looks for what that asks about.
//
// BLIP-2, Li et al. 2023, https://arxiv.org/abs/2301.12597; InstructBLIP, Dai et
// al. 2023, https://arxiv.org/abs/2305.06500. Parameters are named as in Hugging
// Face checkpoints, without "qformer.".
package qformer

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/bert"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is the Q-Former without its queries, which checkpoints keep elsewhere.
type Model struct {
	Norm   *nn.LayerNorm `ckpt:"layernorm"` // of the queries; nil with text
	Text   *embeddings   `ckpt:"embeddings"`
	Layers []*layer      `ckpt:"encoder.layer"`

	cfg Config
}

// embeddings are those of a text, with the norm of queries and text.
type embeddings struct {
	*bert.Embeddings `ckpt:""`
	Norm             *nn.LayerNorm `ckpt:"layernorm"`
}

// New declares the model that a checked config describes.
func New(cfg Config) *Model {
	m := &Model{cfg: cfg}
	norm := nn.NewLayerNorm(cfg.HiddenSize, cfg.LayerNormEps)
	if cfg.ReadsText {
		m.Text = &embeddings{bert.NewEmbeddings(cfg.Config), norm}
	} else {
		m.Norm = norm
	}
	for i := range cfg.NumHiddenLayers {
		m.Layers = append(m.Layers, newLayer(cfg, i))
	}
	return m
}

// Config returns the configuration.
func (m *Model) Config() Config { return m.cfg }

// Forward asks the features of every view with all queries [1, n, width]:
// [views·n, width]. text has the tokens that are read beside the queries of each
// view, and is nil where the model reads none.
func (m *Model) Forward(c *tensor.Ctx, queries *tensor.Tensor, f *model.Features, text [][]int32) *tensor.Tensor {
	if text != nil && (m.Text == nil || len(text) != len(f.Starts)-1) {
		panic(fmt.Sprintf("qformer: %d texts for %d views, and the model reads text: %v", len(text), len(f.Starts)-1, m.Text != nil))
	}
	p := m.begin(c, queries, f, text)
	x := m.embed(c, queries, p, text)
	for _, l := range m.Layers {
		x = m.forward(c, l, x, p)
	}
	c.Observe("qformer.last_hidden_state", x)
	return p.queries(c, x)
}

// embed normalises the queries of all views and what stands beside them.
func (m *Model) embed(c *tensor.Ctx, queries *tensor.Tensor, p *pass, text [][]int32) *tensor.Tensor {
	x := p.repeat(c, queries)
	if m.Text == nil {
		return m.Norm.Forward(c, x)
	}
	if p.reads() {
		x = p.join(c, x, m.Text.forward(c, text))
	}
	return m.Text.Norm.Forward(c, x)
}
