package ensemble

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// member is what an encoder's entry says beside its config.
type member struct {
	ModelType string    `json:"model_type"`
	Name      string    `json:"name"`  // of the stage that its features are; the model type where absent
	Shown     []shown   `json:"shown"` // scalings one after another, from the view of the ensemble to what the encoder sees
	Mean      []float64 `json:"image_mean"`
	Std       []float64 `json:"image_std"` // those of the ensemble where absent
	Layer     *int      `json:"layer"`     // the hidden state that is the features, negative from the end; the last where absent
	Norm      *bool     `json:"norm"`      // whether they go through the last norm; where absent, those of the last layer do
	Class     *bool     `json:"class"`     // whether a class token is one of them; where absent it is

	// Across: a row attends to the same row of the picture's other views, and not to
	// the other rows of its own.
	Across bool `json:"attends_across_views"`

	views int // of a picture
}

// shown is one scaling.
type shown struct {
	Size   int    `json:"size"`   // of a view, in pixels
	Filter string `json:"filter"` // nearest, bilinear or bicubic; bicubic where absent
	Half   bool   `json:"half"`   // in 16 bits
}

// kind declares an encoder of one type.
type kind func(data []byte, e *member) (d declared, err error)

type declared struct {
	encoder model.Encoder
	fixed   int                // side of the views that it reads; 0: any
	places  func(side int) int // on a side of its map of a view; nil: its features have no places
	class   bool
	rows    int // of a view, where there are no places
}

// member declares the encoder of an entry.
func (m *Model) member(data []byte) (*Member, error) {
	e := member{views: m.Views()}
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	build := kinds()[e.ModelType]
	if build == nil {
		return nil, fmt.Errorf("model_type %q, known here: %s", e.ModelType, strings.Join(slices.Sorted(maps.Keys(kinds())), ", "))
	}
	if e.Name == "" {
		e.Name = e.ModelType
	}
	d, err := build(data, &e)
	if err != nil {
		return nil, err
	}
	out := &Member{Encoder: d.encoder, name: e.Name, look: look{from: m.norm}, layout: layout{class: d.class, n: d.rows}}
	if out.look.norm, err = normalize(m.norm, e.Mean, e.Std); err != nil {
		return nil, err
	}
	if out.look.steps, err = m.steps(&e, d.fixed); err != nil {
		return nil, err
	}
	side := out.look.side(m.side, m.grid)
	if d.fixed > 0 && side != d.fixed {
		return nil, fmt.Errorf("it is shown views of %d pixels and reads %d", side, d.fixed)
	}
	if d.places != nil {
		if out.side = d.places(side); out.side < 1 {
			return nil, fmt.Errorf("views of %d pixels are smaller than its patches", side)
		}
	}
	return out, nil
}

// steps are the scalings that an entry asks for, or else the one that is needed.
func (m *Model) steps(e *member, fixed int) ([]step, error) {
	if e.Shown == nil {
		side := m.side / m.grid
		if fixed > 0 {
			side = fixed
		}
		if side == m.side && m.grid == 1 {
			return nil, nil
		}
		return []step{{side, imageproc.CubicPixels, false}}, nil
	}
	if len(e.Shown) == 0 && m.grid > 1 || len(e.Shown) > maxSteps {
		return nil, fmt.Errorf("shown: %d scalings, want 1 to %d", len(e.Shown), maxSteps)
	}
	var out []step
	for i, s := range e.Shown {
		if s.Filter == "" {
			s.Filter = "bicubic"
		}
		how, err := imageproc.ParseInterpolation(s.Filter)
		if err == nil {
			err = model.CheckSize("size", s.Size, maxSide/m.grid)
		}
		if err != nil {
			return nil, fmt.Errorf("shown: %d: %w", i, err)
		}
		out = append(out, step{s.Size, how, s.Half})
	}
	return out, nil
}
