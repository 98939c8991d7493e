package blip2

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/bert"
	"github.com/fovea-ml/fovea/model/qformer"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// MatcherConfig is the config.json of a Blip2ForImageTextRetrieval, and of a Learner.
type MatcherConfig struct {
	Seeing
	Joint int // width of the space in which pictures and texts are compared
}

// ParseMatcher reads and checks a config.json.
func ParseMatcher(data []byte) (cfg MatcherConfig, err error) {
	f := struct {
		seeingFile
		Joint int `json:"image_text_hidden_size"`
	}{defaultSeeing(), 256}
	if err = json.Unmarshal(data, &f); err == nil {
		err = f.resolve(&cfg.Seeing)
	}
	if err == nil {
		err = model.CheckSize("image_text_hidden_size", f.Joint, 1<<20)
	}
	if err != nil {
		return cfg, fmt.Errorf("blip2: config: %w", err)
	}
	cfg.Joint, cfg.QFormer.ReadsText, cfg.QFormer.TextApart = f.Joint, true, true
	return cfg, nil
}

// Matcher tells whether a text belongs to a picture, in two ways: by the likeness of
// the text to the answer of that query which is most like it (ITC), and by reading the
// text beside the queries (ITM), which is slower and better.
type Matcher struct {
	Vision     vit.Tower        `ckpt:"vision_model"`
	Queries    *tensor.Tensor   `ckpt:"query_tokens"` // [1, queries, width of the Q-Former]
	Embeddings *bert.Embeddings `ckpt:"embeddings"`   // the Q-Former's, of text
	QFormer    *qformer.Model   `ckpt:"qformer"`
	VisionProj *nn.Linear       `ckpt:"vision_projection"`
	TextProj   *nn.Linear       `ckpt:"text_projection"`
	ITM        *nn.Linear       `ckpt:"itm_head"` // to two logits: no match, match

	cfg MatcherConfig
}

// NewMatcher declares the model of a checked config.
func NewMatcher(cfg MatcherConfig) (*Matcher, error) {
	vision, err := cfg.tower.declare()
	if err != nil {
		return nil, fmt.Errorf("blip2: %w", err)
	}
	q, d := qformer.New(cfg.QFormer), cfg.QFormer.HiddenSize
	return &Matcher{
		Vision: vision, Queries: tensor.Declare(1, cfg.Queries, d), Embeddings: q.Words(), QFormer: q,
		VisionProj: nn.NewLinear(d, cfg.Joint, true), TextProj: nn.NewLinear(d, cfg.Joint, true), ITM: nn.NewLinear(d, 2, true), cfg: cfg,
	}, nil
}

// Config returns the resolved configuration.
func (m *Matcher) Config() MatcherConfig { return m.cfg }

// Side is that of the square views that the tower reads, in pixels.
func (m *Matcher) Side() int { return m.cfg.Vision.ImageSize }

// Context is the most tokens a text may have.
func (m *Matcher) Context() int { return m.cfg.QFormer.MaxPositions }

// Vocab is the number of tokens that the model knows.
func (m *Matcher) Vocab() int { return m.cfg.QFormer.VocabSize }

// See returns what Match reads of pictures.
func (m *Matcher) See(c *tensor.Ctx, v *model.Views) *model.Features { return m.Vision.Encode(c, v) }

// EmbedImage returns a vector for each query over each view: [views·queries, joint
// width], of unit length.
func (m *Matcher) EmbedImage(c *tensor.Ctx, v *model.Views) *tensor.Tensor {
	return m.EmbedSeen(c, m.See(c, v))
}

// EmbedSeen is EmbedImage of views that See has seen.
func (m *Matcher) EmbedSeen(c *tensor.Ctx, f *model.Features) *tensor.Tensor {
	return m.embedAsked(c, m.QFormer.Forward(c, m.Queries, qformer.Input{Seen: f}))
}

// embedAsked makes vectors of what queries have become.
func (m *Matcher) embedAsked(c *tensor.Ctx, asked *tensor.Tensor) *tensor.Tensor {
	x := ops.L2Norm(c, m.VisionProj.Forward(c, asked))
	c.Observe("image_embeds", x)
	return x
}

// EmbedText returns what each text is alone: [texts, joint width], of unit length.
func (m *Matcher) EmbedText(c *tensor.Ctx, ids [][]int32) *tensor.Tensor {
	_, x := m.QFormer.Run(c, nil, qformer.Input{Text: ids})
	c.Observe("text.last_hidden_state", x)
	first := make([]int32, len(ids))
	for i, n := 0, 0; i < len(ids); i++ {
		first[i] = int32(n)
		n += len(ids[i])
	}
	x = ops.L2Norm(c, m.TextProj.Forward(c, ops.Gather(c, first, x)))
	c.Observe("text_embeds", x)
	return x
}

// Similarity is the cosine of every text and that vector of a view which is most like
// it: [views, texts].
func (m *Matcher) Similarity(c *tensor.Ctx, image, text *tensor.Tensor) *tensor.Tensor {
	x := transpose(c, m.likeness(c, image, text))
	c.Observe("logits_per_image", x)
	return x
}

// likeness is Similarity by text: [texts, views].
func (m *Matcher) likeness(c *tensor.Ctx, image, text *tensor.Tensor) *tensor.Tensor {
	n := m.cfg.Queries
	return ops.Max(c, c.View(ops.Linear(c, text, image, nil), text.Rows(), image.Rows()/n, n))
}

// transpose turns a matrix around.
func transpose(c *tensor.Ctx, x *tensor.Tensor) *tensor.Tensor {
	rows, cols := x.Rows(), x.Cols()
	from := make([]int32, rows*cols)
	for i := range from {
		from[i] = int32(i%rows*cols + i/rows)
	}
	return c.View(ops.Gather(c, from, c.View(x, rows*cols, 1)), cols, rows)
}

// Match reads each text beside the queries over the view of the same number: [pairs,
// 2], the logits of no match and of a match.
func (m *Matcher) Match(c *tensor.Ctx, f *model.Features, ids [][]int32) *tensor.Tensor {
	x := m.match(c, qformer.Input{Seen: f, Text: ids})
	c.Observe("itm_score", x)
	return x
}

// match is the mean of what the queries of each item say.
func (m *Matcher) match(c *tensor.Ctx, in qformer.Input) *tensor.Tensor {
	x, _ := m.QFormer.Run(c, m.Queries, in)
	return ops.MeanRows(c, m.ITM.Forward(c, x), len(in.Text))
}
