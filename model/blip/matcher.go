package blip

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blipvit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Matcher tells whether a text belongs to a picture, in two ways: by the likeness of
// what each is alone (ITC), and by reading the text with the picture before it (ITM),
// which is slower and better.
type Matcher struct {
	Vision     *blipvit.Vision `ckpt:"vision_model"`
	Text       *Text           `ckpt:"text_encoder"`
	VisionProj *nn.Linear      `ckpt:"vision_proj"`
	TextProj   *nn.Linear      `ckpt:"text_proj"`
	ITM        *nn.Linear      `ckpt:"itm_head"` // to two logits: no match, match

	cfg Config
}

// NewMatcher declares the model of a checked config.
func NewMatcher(cfg Config) (*Matcher, error) {
	vision, err := blipvit.New(cfg.Vision, "vision.")
	if err != nil {
		return nil, fmt.Errorf("blip: %w", err)
	}
	d := cfg.Text.HiddenSize
	return &Matcher{
		Vision: vision, Text: newText(cfg.Text), VisionProj: nn.NewLinear(cfg.Vision.HiddenSize, cfg.Joint, true),
		TextProj: nn.NewLinear(d, cfg.Joint, true), ITM: nn.NewLinear(d, 2, true), cfg: cfg,
	}, nil
}

// Side is that of the square views that the tower reads, in pixels.
func (m *Matcher) Side() int { return m.Vision.Config().ImageSize }

// Context is the most tokens a text may have.
func (m *Matcher) Context() int { return m.Text.Context() }

// EmbedImage returns what each view is alone: [views, joint width], of unit length.
func (m *Matcher) EmbedImage(c *tensor.Ctx, v *model.Views) *tensor.Tensor {
	return m.EmbedSeen(c, m.See(c, v))
}

// EmbedSeen is EmbedImage of views that See has seen.
func (m *Matcher) EmbedSeen(c *tensor.Ctx, f *model.Features) *tensor.Tensor {
	x := ops.L2Norm(c, m.VisionProj.Forward(c, ops.Gather(c, firsts(f.Starts), f.X)))
	c.Observe("image_embeds", x)
	return x
}

// EmbedText returns what each text is alone: [texts, joint width], of unit length.
func (m *Matcher) EmbedText(c *tensor.Ctx, ids [][]int32) *tensor.Tensor {
	all, starts := pack(ids)
	x := m.Text.encode(c, all, starts, nil)
	x = ops.L2Norm(c, m.TextProj.Forward(c, ops.Gather(c, firsts(starts), x)))
	c.Observe("text_embeds", x)
	return x
}

// Similarity is the cosine of every view and text: [views, texts].
func (m *Matcher) Similarity(c *tensor.Ctx, image, text *tensor.Tensor) *tensor.Tensor {
	return ops.Linear(c, image, text, nil)
}

// See returns what Match reads of pictures.
func (m *Matcher) See(c *tensor.Ctx, v *model.Views) *model.Features { return m.Vision.Encode(c, v) }

// Match reads each text with the view of the same number before it: [pairs, 2], the
// logits of no match and of a match.
func (m *Matcher) Match(c *tensor.Ctx, f *model.Features, ids [][]int32) *tensor.Tensor {
	all, starts := pack(ids)
	x := m.Text.encode(c, all, starts, f)
	x = m.ITM.Forward(c, ops.Gather(c, firsts(starts), x))
	c.Observe("itm_score", x)
	return x
}

// pack lays texts end to end.
func pack(ids [][]int32) (all []int32, starts []int) {
	starts = []int{0}
	for _, t := range ids {
		all = append(all, t...)
		starts = append(starts, len(all))
	}
	return all, starts
}

// firsts are the first rows of packed sequences.
func firsts(starts []int) []int32 {
	rows := make([]int32, len(starts)-1)
	for i := range rows {
		rows[i] = int32(starts[i])
	}
	return rows
}
