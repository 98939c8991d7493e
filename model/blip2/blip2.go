// Package blip2 is BLIP-2 and InstructBLIP: a Q-Former asks a picture's features
// as many questions as it has learned queries, and its answers, projected, stand
// ahead of the text of a language model, which was trained before and without it.
// InstructBLIP's Q-Former reads the text too.
//
// Before that, in the first stage of its training, BLIP-2's Q-Former learns without a
// language model to look for what a text says: Learner. What it then knows, whether a
// text belongs to a picture, is Matcher.
//
// BLIP-2, Li et al. 2023, https://arxiv.org/abs/2301.12597; InstructBLIP, Dai et
// al. 2023, https://arxiv.org/abs/2305.06500. Parameters are named as in Hugging
// Face checkpoints of Blip2ForConditionalGeneration, Blip2ForImageTextRetrieval and
// InstructBlipForConditionalGeneration.
package blip2

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/qformer"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is BLIP-2 or InstructBLIP.
type Model struct {
	Vision     vit.Tower      `ckpt:"vision_model"`
	Queries    *tensor.Tensor `ckpt:"query_tokens"` // [1, queries, width of the Q-Former]
	QFormer    *qformer.Model `ckpt:"qformer"`
	Projection *nn.Linear     `ckpt:"language_projection"`
	Language   model.Decoder  `ckpt:"language_model"`

	cfg Config
}

// New declares the model of a checked config.
func New(cfg Config) (*Model, error) {
	vision, err := cfg.tower.declare()
	if err != nil {
		return nil, fmt.Errorf("blip2: %w", err)
	}
	width := cfg.QFormer.HiddenSize
	return &Model{
		Vision: vision, QFormer: qformer.New(cfg.QFormer), Language: cfg.language.declare(), cfg: cfg,
		Queries: tensor.Declare(1, cfg.Queries, width), Projection: nn.NewLinear(width, cfg.language.width, true),
	}, nil
}

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// Decoder is the language model, or the half of it that writes.
func (m *Model) Decoder() model.Decoder { return m.Language }

// TokensPerImage is the number of placeholders that a picture takes.
func (m *Model) TokensPerImage() int { return m.cfg.Queries }

// Tokens is the same of any picture.
func (m *Model) Tokens(*model.Tiles) int { return m.cfg.Queries }

// Embed looks up the tokens and puts what the Q-Former found over the
// placeholders. An encoder, where the language model has one, reads all that.
func (m *Model) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	s := model.EmbedAmong(c, m, p)
	if e, ok := m.Language.(encoderDecoder); ok {
		return e.Sequence(c, p, s.X)
	}
	return s
}

// Features returns the rows of all pictures that enter the language model. A
// picture that several conversations share is encoded once.
func (m *Model) Features(c *tensor.Ctx, images []*model.Tiles) *tensor.Tensor {
	var text [][]int32
	for _, t := range images {
		if m.cfg.Instructed {
			text = append(text, t.Text)
		}
	}
	views, of := distinct(images)
	if len(views.Sizes) == len(images) {
		of = nil
	}
	x := m.QFormer.Forward(c, m.Queries, qformer.Input{Seen: m.Vision.Encode(c, views), Of: of, Text: text})
	x = m.Projection.Forward(c, x)
	c.Observe("projected", x)
	return x
}

// distinct are the pictures' views, one each, without those that are in the same
// memory as one before, and for every picture the number of its view.
func distinct(images []*model.Tiles) (views *model.Views, of []int) {
	views = new(model.Views)
	number := map[*float32]int{}
	for _, t := range images {
		n, ok := number[&t.Views.Pixels[0]]
		if !ok {
			n = len(number)
			number[&t.Views.Pixels[0]] = n
			views.Append(&t.Views)
		}
		of = append(of, n)
	}
	return views, of
}
