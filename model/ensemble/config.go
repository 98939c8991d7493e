package ensemble

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// file is the JSON of an ensemble: a list of encoders, how they are joined, and
// the view of a picture that all of them are shown something of.
type file struct {
	Side     int               `json:"image_size"`
	Grid     int               `json:"grid"`
	Mean     []float64         `json:"image_mean"`
	Std      []float64         `json:"image_std"`
	Join     string            `json:"join"`
	Encoders []json.RawMessage `json:"encoders"`
}

const (
	onChannels, onTokens = "channels", "tokens"

	maxSide, maxGrid, maxEncoders, maxSteps = 1 << 13, 16, 64, 8
)

// New reads a config and declares what it describes:
//
//	{"image_size": 448, "grid": 2, "join": "channels", "encoders": [
//	  {"model_type": "clip_vision_model", …},
//	  {"model_type": "dinov2", "image_mean": […], "image_std": […], …}]}
//
// image_size is the side of the square view, in pixels, that image_mean and
// image_std normalise (CLIP's where absent) and that the encoders' views are made
// of; grid cuts it into parts. Joined on channels, the encoders' rows stand side by
// side; joined on tokens, one encoder's follow the other's, and an entry may be
// {"join": "channels", "encoders": […]} again. An encoder's entry has the fields of
// its own config.json, and those of member.
func New(data []byte) (*Model, error) {
	m, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("ensemble: config: %w", err)
	}
	return m, nil
}

func parse(data []byte) (*Model, error) {
	f := file{Grid: 1, Join: onChannels}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	m := &Model{side: f.Side, grid: f.Grid}
	err := model.CheckSize("image_size", f.Side, maxSide)
	if err == nil {
		err = model.CheckSize("grid", f.Grid, maxGrid)
	}
	if err == nil && f.Side%f.Grid != 0 {
		err = fmt.Errorf("image_size %d is no multiple of grid %d", f.Side, f.Grid)
	}
	if err == nil {
		m.norm, err = normalize(imageproc.CLIPNormalize(), f.Mean, f.Std)
	}
	if err != nil {
		return nil, err
	}
	return m, m.groups(&f)
}

// groups reads the list of encoders.
func (m *Model) groups(f *file) error {
	if len(f.Encoders) < 1 || len(f.Encoders) > maxEncoders {
		return fmt.Errorf("encoders: %d, want 1 to %d", len(f.Encoders), maxEncoders)
	}
	switch f.Join {
	case onChannels:
		g, err := m.group(f.Encoders)
		m.Groups = append(m.Groups, g)
		return err
	case onTokens:
	default:
		return fmt.Errorf("join %q, want %s or %s", f.Join, onChannels, onTokens)
	}
	for i, data := range f.Encoders {
		inner := file{Join: onChannels}
		if err := json.Unmarshal(data, &inner); err != nil {
			return fmt.Errorf("encoders: %d: %w", i, err)
		}
		list := inner.Encoders
		switch {
		case list == nil:
			list = []json.RawMessage{data}
		case inner.Join != onChannels || len(list) == 0 || len(list) > maxEncoders:
			return fmt.Errorf("encoders: %d: %d encoders joined on %q, want 1 to %d on channels", i, len(list), inner.Join, maxEncoders)
		}
		g, err := m.group(list)
		if err != nil {
			return fmt.Errorf("encoders: %d: %w", i, err)
		}
		m.Groups = append(m.Groups, g)
	}
	return nil
}

func (m *Model) group(entries []json.RawMessage) (*Group, error) {
	g := &Group{}
	for i, data := range entries {
		e, err := m.member(data)
		if err != nil {
			return nil, fmt.Errorf("encoders: %d: %w", i, err)
		}
		g.Members = append(g.Members, e)
	}
	return g, g.join()
}

// normalize is what mean and std say, where they do.
func normalize(n imageproc.Normalize, mean, std []float64) (imageproc.Normalize, error) {
	for _, f := range []struct {
		name string
		from []float64
		to   *[3]float64
	}{{"image_mean", mean, &n.Mean}, {"image_std", std, &n.Std}} {
		if f.from == nil {
			continue
		}
		if len(f.from) != 3 {
			return n, fmt.Errorf("%s has %d numbers, want one for each of 3 channels", f.name, len(f.from))
		}
		*f.to = [3]float64(f.from)
	}
	for _, s := range n.Std {
		if !(s > 1e-6) {
			return n, fmt.Errorf("image_std %v: not all are above 0", n.Std)
		}
	}
	return n, nil
}
