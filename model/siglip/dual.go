package siglip

import (
	"math"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is both towers. A text's score for a picture is the log-odds that they
// belong together.
type Model struct {
	Text       *Text          `ckpt:"text_model"`
	Vision     *Vision        `ckpt:"vision_model"`
	LogitScale *tensor.Tensor `ckpt:"logit_scale"` // [1]: the logarithm of the temperature's inverse
	LogitBias  *tensor.Tensor `ckpt:"logit_bias"`  // [1]: of a picture and any text, most of which do not belong to it
}

// Text is the text tower: every token sees all of its text, padding included.
type Text struct {
	vit.Text `ckpt:""`
	Head     *nn.Linear `ckpt:"head"`
}

var (
	_ model.PairScorer   = (*Model)(nil)
	_ model.PaddedReader = (*Model)(nil)
)

// New declares the model of a checked config.
func New(cfg DualConfig) (*Model, error) {
	vision, err := NewVision(cfg.Vision, vit.Output{Stage: "vision."})
	if err != nil {
		return nil, err
	}
	text := &Text{vit.NewText(cfg.Text.TextConfig, false), nn.NewLinear(cfg.Text.HiddenSize, cfg.Text.ProjectionSize, true)}
	return &Model{Text: text, Vision: vision, LogitScale: tensor.Declare(1), LogitBias: tensor.Declare(1)}, nil
}

// Pool maps the hidden state of each text's last token: [texts, projection].
func (t *Text) Pool(c *tensor.Ctx, texts [][]int32) *tensor.Tensor {
	x, starts := t.Encode(c, texts)
	last := make([]int32, len(texts))
	for i := range last {
		last[i] = int32(starts[i+1] - 1)
	}
	x = t.Head.Forward(c, ops.Gather(c, last, x))
	c.Observe("text.pooler_output", x)
	return x
}

// Context is the number of tokens of every text, padding included.
func (m *Model) Context() int { return m.Text.Context() }

// ReadsPadding says that the text tower was trained on texts of full length.
func (*Model) ReadsPadding() {}

// PairLogits says that a sigmoid makes probabilities of similarities.
func (*Model) PairLogits() {}

// Side is that of the square views that the model reads, in pixels.
func (m *Model) Side() int { return m.Vision.Side() }

// EmbedText returns [texts, projection], rows of length 1, of texts of Context tokens.
func (m *Model) EmbedText(c *tensor.Ctx, texts [][]int32) *tensor.Tensor {
	return unit(c, "text_embeds", m.Text.Pool(c, texts))
}

// EmbedImage returns [views, projection], rows of length 1.
func (m *Model) EmbedImage(c *tensor.Ctx, v *model.Views) *tensor.Tensor {
	return unit(c, "image_embeds", m.Vision.Pool(c, v))
}

func unit(c *tensor.Ctx, stage string, x *tensor.Tensor) *tensor.Tensor {
	x = ops.L2Norm(c, x)
	c.Observe(stage, x)
	return x
}

// Similarity returns the log-odds [views, texts].
func (m *Model) Similarity(c *tensor.Ctx, image, text *tensor.Tensor) *tensor.Tensor {
	var scale, bias [1]float32
	m.LogitScale.Floats(scale[:])
	m.LogitBias.Floats(bias[:])
	x := ops.Scale(c, ops.Linear(c, image, text, nil), float32(math.Exp(float64(scale[0]))))
	row := tensor.New(1, x.Cols())
	for i := range row.F32 {
		row.F32[i] = bias[0]
	}
	x = ops.AddRows(c, x, row, make([]int32, x.Rows()))
	c.Observe("logits_per_image", x)
	return x
}
