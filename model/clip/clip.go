package clip

import (
	"math"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is both towers with their projections into the common space.
type Model struct {
	Text             *Text          `ckpt:"text_model"`
	Vision           *Vision        `ckpt:"vision_model"`
	VisualProjection *nn.Linear     `ckpt:"visual_projection"`
	TextProjection   *nn.Linear     `ckpt:"text_projection"`
	LogitScale       *tensor.Tensor `ckpt:"logit_scale"` // a scalar: the logarithm of the temperature's inverse
}

// VisionModel is the picture tower alone, as CLIPVisionModel saves it.
type VisionModel struct {
	*Vision `ckpt:"vision_model"`
}

// New declares the model of a checked config.
func New(cfg Config) (*Model, error) {
	vision, err := NewVision(cfg.Vision, vit.Output{Stage: "vision."})
	if err != nil {
		return nil, err
	}
	return &Model{
		Text:             NewText(cfg.Text),
		Vision:           vision,
		VisualProjection: nn.NewLinear(cfg.Vision.HiddenSize, cfg.ProjectionDim, false),
		TextProjection:   nn.NewLinear(cfg.Text.HiddenSize, cfg.ProjectionDim, false),
		LogitScale:       tensor.Declare(),
	}, nil
}

// Context is the most tokens a text may have.
func (m *Model) Context() int { return m.Text.Context() }

// Side is that of the square views that the model reads, in pixels.
func (m *Model) Side() int { return m.Vision.Side() }

// EmbedText returns [texts, projection], rows of length 1.
func (m *Model) EmbedText(c *tensor.Ctx, texts [][]int32) *tensor.Tensor {
	x := ops.L2Norm(c, m.TextProjection.Forward(c, m.Text.Pool(c, texts)))
	c.Observe("text_embeds", x)
	return x
}

// EmbedImage returns [views, projection], rows of length 1.
func (m *Model) EmbedImage(c *tensor.Ctx, v *model.Views) *tensor.Tensor {
	x := ops.L2Norm(c, m.VisualProjection.Forward(c, m.Vision.Pool(c, v)))
	c.Observe("image_embeds", x)
	return x
}

// Similarity returns the scaled cosines [views, texts].
func (m *Model) Similarity(c *tensor.Ctx, image, text *tensor.Tensor) *tensor.Tensor {
	scale := []float32{0}
	m.LogitScale.Floats(scale)
	x := ops.Scale(c, ops.Linear(c, image, text, nil), float32(math.Exp(float64(scale[0]))))
	c.Observe("logits_per_image", x)
	return x
}
