// Package blip is BLIP: a vision transformer, and BERT's layers that read a picture
// by cross-attention. They caption it, answer questions about it, or say whether a
// text belongs to it.
//
// BLIP, Li et al. 2022, https://arxiv.org/abs/2201.12086. Parameters are named as in
// Hugging Face checkpoints of BlipForConditionalGeneration, BlipForQuestionAnswering
// and BlipForImageTextRetrieval.
package blip

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blipvit"
	"github.com/fovea-ml/fovea/tensor"
)

// Captioner goes on with a text about a picture.
type Captioner struct {
	Vision *blipvit.Vision `ckpt:"vision_model"`
	Text   *Decoder        `ckpt:"text_decoder"`

	cfg Config
}

// NewCaptioner declares the model of a checked config.
func NewCaptioner(cfg Config) (*Captioner, error) {
	vision, err := blipvit.New(cfg.Vision, "vision.")
	if err != nil {
		return nil, fmt.Errorf("blip: %w", err)
	}
	return &Captioner{vision, newDecoder(cfg.Text), cfg}, nil
}

// Config returns the resolved configuration.
func (m *Captioner) Config() Config { return m.cfg }

// EOS is the token that ends a caption.
func (m *Captioner) EOS() int32 { return m.cfg.Text.EndID }

// Decoder writes captions.
func (m *Captioner) Decoder() model.Decoder { return m.Text }

// Embed looks up the tokens of each conversation, and its picture is the memory.
func (m *Captioner) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	s := &model.Sequence{X: m.Text.Embed(c, p.IDs), Starts: p.Starts}
	if f := see(c, m.Vision, p.Images); f != nil {
		s.Memory, s.MemoryStarts = f.X, f.Starts
	}
	return s
}

// see encodes pictures, of which each is one view; nil if there are none.
func see(c *tensor.Ctx, vision *blipvit.Vision, images []*model.Tiles) *model.Features {
	if len(images) == 0 {
		return nil
	}
	return vision.Encode(c, model.ViewsOf(images))
}

// Answerer answers a question about a picture: one stack reads the question with
// the picture before it, and the decoder reads what became of the question.
type Answerer struct {
	Vision   *blipvit.Vision `ckpt:"vision_model"`
	Question *Text           `ckpt:"text_encoder"`
	Answer   *Decoder        `ckpt:"text_decoder"`

	cfg Config
}

// NewAnswerer declares the model of a checked config.
func NewAnswerer(cfg Config) (*Answerer, error) {
	vision, err := blipvit.New(cfg.Vision, "vision.")
	if err != nil {
		return nil, fmt.Errorf("blip: %w", err)
	}
	answer := cfg.Text
	answer.EncoderWidth = cfg.Text.HiddenSize
	return &Answerer{vision, newText(cfg.Text), newDecoder(answer), cfg}, nil
}

// Config returns the resolved configuration.
func (m *Answerer) Config() Config { return m.cfg }

// EOS is the token that ends an answer.
func (m *Answerer) EOS() int32 { return m.cfg.Text.EndID }

// Decoder writes answers.
func (m *Answerer) Decoder() model.Decoder { return m.Answer }

// Embed encodes the question of each conversation, which is the decoder's memory.
func (m *Answerer) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	s := &model.Sequence{X: m.Answer.Embed(c, p.Reads()), Starts: p.DecoderStarts}
	if len(p.IDs) > 0 {
		s.Memory, s.MemoryStarts = m.Question.encode(c, p.IDs, p.Starts, see(c, m.Vision, p.Images)), p.Starts
		c.Observe("question_embeds", s.Memory)
	}
	return s
}
