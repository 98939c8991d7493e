// Package ensemble is an encoder made of encoders, which look at one picture each
// in its own way: at its own size, normalised as it was in training, the whole
// alone or with parts. Those of a group stand side by side, channels joined; the
// groups give tokens of their own, one group after another.
//
// SPHINX, Lin et al. 2023, https://arxiv.org/abs/2311.07575, mixes CLIP, ConvNeXt,
// DINOv2 and a Q-Former so. Which encoders there are is for the config to say.
package ensemble

import (
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// Model is the encoders with what each is shown.
type Model struct {
	Groups []*Group `ckpt:"groups"`

	side, grid int
	norm       imageproc.Normalize
}

// Side is that of the square view that all others are made of, in pixels.
func (m *Model) Side() int { return m.side }

// Grid is how many parts on a side the encoders see beside the whole; 1: the whole alone.
func (m *Model) Grid() int { return m.grid }

// Views is how many views there are of one picture.
func (m *Model) Views() int {
	if m.grid == 1 {
		return 1
	}
	return 1 + m.grid*m.grid
}

// Normalize is how the view that all others are made of is normalised.
func (m *Model) Normalize() imageproc.Normalize { return m.norm }

// Rows are the features of a view, of all groups together.
func (m *Model) Rows() (n int) {
	for _, g := range m.Groups {
		n += g.Rows()
	}
	return n
}

// Halved reports whether views are interpolated in 16 bits, of which no two
// implementations have the same last ones.
func (m *Model) Halved() bool {
	for _, g := range m.Groups {
		for _, e := range g.Members {
			if e.look.halved() {
				return true
			}
		}
	}
	return false
}

// Encode returns what each group sees of the pictures, whose whole views are given:
// of the views of every picture, the whole before its parts line by line.
func (m *Model) Encode(c *tensor.Ctx, pictures *model.Views) []*model.Features {
	out := make([]*model.Features, len(m.Groups))
	for i, g := range m.Groups {
		out[i] = g.encode(c, func(l *look) *model.Views { return l.views(pictures, m.grid) })
	}
	return out
}
