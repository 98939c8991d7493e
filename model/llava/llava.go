// Package llava is LLaVA: a tower whose features, through a projector, stand
// among the tokens of a language model. LLaVA-1.5 sees a picture as one view;
// LLaVA-NeXT and LLaVA-OneVision see its tiles too.
//
// Visual Instruction Tuning, Liu et al. 2023, https://arxiv.org/abs/2304.08485;
// LLaVA-1.5, https://arxiv.org/abs/2310.03744; LLaVA-NeXT,
// https://llava-vl.github.io/blog/2024-01-30-llava-next/; LLaVA-OneVision, Li et
// al. 2024, https://arxiv.org/abs/2408.03326. Parameters are named as in Hugging
// Face checkpoints of LlavaForConditionalGeneration and its kin.
package llava

import (
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/projector"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is LLaVA.
type Model struct {
	Vision    vit.Tower      `ckpt:"vision_tower.vision_model"`
	Projector model.Adapter  `ckpt:"multi_modal_projector"`
	Newline   *tensor.Tensor `ckpt:"image_newline"` // [width], ends every line of tiles; nil where pictures are not cut
	Language  *llama.Model   `ckpt:"language_model"`

	cfg Config
}

// New declares the model of a checked config.
func New(cfg Config) (*Model, error) {
	vision, err := cfg.newTower(vit.Output{Layers: cfg.FeatureLayers, DropClass: cfg.DropClass, Stage: "vision."})
	if err != nil {
		return nil, fmt.Errorf("llava: %w", err)
	}
	m := &Model{Vision: vision, Language: llama.New(cfg.Text), cfg: cfg}
	if cfg.ProjectorType == "linear" {
		m.Projector = projector.NewLinear(vision.Width(), cfg.Text.HiddenSize, cfg.ProjectorBias)
	} else {
		m.Projector = projector.NewMLP(vision.Width(), cfg.Text.HiddenSize, cfg.ProjectorBias, cfg.ProjectorAct)
	}
	if cfg.Tiles != nil {
		m.Newline = tensor.Declare(cfg.Text.HiddenSize)
		if g := cfg.Vision.Grid(); vision.Rows() != g*g {
			return nil, fmt.Errorf("llava: the features of tiles cannot be joined with a class token among them: vision_feature_select_strategy must be default")
		}
	}
	return m, nil
}

// Config returns the resolved configuration.
func (m *Model) Config() Config { return m.cfg }

// Decoder is the language model.
func (m *Model) Decoder() model.Decoder { return m.Language }

// SetRecompute implements model.Recomputer, for the tower and the language model.
func (m *Model) SetRecompute(on bool) {
	if v, ok := m.Vision.(model.Recomputer); ok {
		v.SetRecompute(on)
	}
	m.Language.SetRecompute(on)
}

// Embed looks up the tokens and puts every picture's projected features over
// its placeholders.
func (m *Model) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return model.EmbedAmong(c, m, p)
}

// Features returns the rows of all pictures that enter the language model.
func (m *Model) Features(c *tensor.Ctx, images []*model.Tiles) *tensor.Tensor {
	x := m.Projector.Adapt(c, m.Vision.Encode(c, model.ViewsOf(images)))
	if m.Newline != nil {
		x = m.join(c, x, images)
	}
	c.Observe("image_features", x)
	return x
}

// Skips reports whether a stage that the reference computes is not run here:
// the layers of the tower behind those that are features.
func (m *Model) Skips(stage string) bool { return m.Vision.Skips(stage) }
