// Package convnext is ConvNeXt: convolutions arranged as a vision transformer
// is, on maps that halve from stage to stage.
//
// A ConvNet for the 2020s, Liu et al. 2022, https://arxiv.org/abs/2201.03545.
// Parameters are named as in Hugging Face checkpoints of ConvNextModel. Maps are
// [views, h, w, channels] here and [views, channels, h, w] there.
package convnext

import (
	"strconv"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is the tower. It takes views of any size, all of one batch the same.
type Model struct {
	Patch  *nn.Linear    `ckpt:"embeddings.patch_embeddings"`
	Embed  *nn.LayerNorm `ckpt:"embeddings.layernorm"`
	Stages []*Stage      `ckpt:"encoder.stages"`
	Norm   *nn.LayerNorm `ckpt:"layernorm"` // of the mean over the last map

	cfg Config
}

// New declares the model of a checked config.
func New(cfg Config) (*Model, error) {
	in, last := cfg.HiddenSizes[0], cfg.HiddenSizes[len(cfg.HiddenSizes)-1]
	m := &Model{
		Patch: nn.NewKernel(in, true, 3, cfg.PatchSize, cfg.PatchSize),
		Embed: nn.NewLayerNorm(in, cfg.BlockNormEps),
		Norm:  nn.NewLayerNorm(last, cfg.LayerNormEps),
		cfg:   cfg,
	}
	for i, out := range cfg.HiddenSizes {
		m.Stages = append(m.Stages, newStage(cfg, in, out, cfg.Depths[i], i > 0))
		in = out
	}
	return m, nil
}

// SetRecompute implements model.Recomputer.
func (m *Model) SetRecompute(on bool) {
	for _, s := range m.Stages {
		s.recompute = on
	}
}

// Width is that of a feature.
func (m *Model) Width() int { return m.cfg.HiddenSizes[len(m.cfg.HiddenSizes)-1] }

// Side is how many places the last map of a view of size pixels has on a side.
func (m *Model) Side(size int) int { return m.Places(size, len(m.Stages)-1) }

// Places is the same of a stage's map, counted from 0.
func (m *Model) Places(size, stage int) int {
	n := size / m.cfg.PatchSize
	for range stage {
		n /= shrink
	}
	return n
}

// Encode returns the last map of every view, a row for each place.
func (m *Model) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	x := m.forward(c, views)
	f := &model.Features{X: c.View(x, x.Rows(), x.Cols())}
	if m.cfg.NormFeatures {
		f.X = m.Norm.Forward(c, f.X)
	}
	for i := range len(views.Sizes) + 1 {
		f.Starts = append(f.Starts, i*x.Shape[1]*x.Shape[2])
	}
	return f
}

// Pool returns the normalised mean over the last map: [views, width].
func (m *Model) Pool(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	x := m.forward(c, views)
	c.Observe("last_hidden_state", x)
	x = m.Norm.Forward(c, ops.MeanRows(c, c.View(x, x.Rows(), x.Cols()), len(views.Sizes)))
	c.Observe("pooler_output", x)
	return x
}

// forward returns the last map.
func (m *Model) forward(c *tensor.Ctx, views *model.Views) *tensor.Tensor {
	n, size, p := len(views.Sizes), views.Size(), m.cfg.PatchSize
	x := m.Patch.Forward(c, ops.Patches(c, views.Tensor(), p))
	x = c.View(m.Embed.Forward(c, x), n, size.Y/p, size.X/p, m.cfg.HiddenSizes[0])
	c.Observe("hidden.0", x)
	for i, s := range m.Stages {
		x = s.forward(c, x)
		if c.Observing() {
			c.Observe("hidden."+strconv.Itoa(i+1), x)
		}
	}
	return x
}
