package llama

import (
	"fmt"
	"math"
)

// Scaling stretches rotary positions beyond the length a model was trained
// with, in the ways of the reference's modeling_rope_utils.
type Scaling struct {
	RopeType       string  `json:"rope_type"`
	Type           string  `json:"type"` // the older name of rope_type
	RopeTheta      float64 `json:"rope_theta"`
	Factor         float64 `json:"factor"`
	LowFreqFactor  float64 `json:"low_freq_factor"`
	HighFreqFactor float64 `json:"high_freq_factor"`
	OriginalLength float64 `json:"original_max_position_embeddings"`

	// Sections are how many of a head's pairs turn with the position in time, height
	// and width (M-RoPE); nil: there is one position.
	Sections []int `json:"mrope_section"`
	// Mixed: the pairs of the axes take turns, as far as the sections of height and
	// width go, instead of lying one section after the other.
	Mixed bool `json:"mrope_interleaved"`

	// Factors divide the frequency of each pair, as the rope_freqs of llama.cpp's
	// files do, where they stand for what "llama3" computes; nil: 1.
	Factors []float32 `json:"-"`
}

func (s *Scaling) kind() string {
	switch {
	case s == nil, s.RopeType == "" && s.Type == "", s.RopeType == "mrope", s.RopeType == "" && s.Type == "mrope":
		return "default" // the sections say all
	case s.RopeType != "":
		return s.RopeType
	}
	return s.Type
}

func (s *Scaling) check() error {
	switch kind := s.kind(); kind {
	case "default":
		return nil
	case "linear", "dynamic":
		if s.Factor < 1 {
			return fmt.Errorf("rope_scaling: %s: factor is %v", kind, s.Factor)
		}
		return nil
	case "llama3":
		if s.Factor < 1 || s.LowFreqFactor <= 0 || s.HighFreqFactor <= s.LowFreqFactor || s.OriginalLength <= 0 {
			return fmt.Errorf("rope_scaling: llama3: factor %v, low_freq_factor %v, high_freq_factor %v, original_max_position_embeddings %v",
				s.Factor, s.LowFreqFactor, s.HighFreqFactor, s.OriginalLength)
		}
		return nil
	default:
		return fmt.Errorf("rope_scaling: unknown type %q, want default, linear, dynamic or llama3", kind)
	}
}

// frequencies returns the angle per position of each pair of a head's elements
// for sequences of length tokens; only "dynamic" and Long depend on the length.
func (cfg *Config) frequencies(length int) []float32 {
	base, d := cfg.RopeTheta, float64(cfg.HeadDim)
	s := cfg.RopeScaling
	if most := float64(cfg.MaxPositionEmbeddings); s.kind() == "dynamic" && float64(length) > most {
		base *= math.Pow(s.Factor*float64(length)/most-(s.Factor-1), d/(d-2))
	}
	base *= math.Pow(cfg.Long.alpha(length), d/(d-2))
	f := make([]float32, cfg.HeadDim/2)
	for i := range f {
		f[i] = float32(1 / math.Pow(base, float64(2*i)/d))
		switch s.kind() {
		case "linear":
			f[i] /= float32(s.Factor)
		case "llama3":
			f[i] = s.llama3(f[i])
		}
		if s != nil && s.Factors != nil {
			f[i] /= s.Factors[i]
		}
	}
	return f
}

// checkSections refuses sections that are not all pairs of a head.
func (cfg *Config) checkSections() error {
	if cfg.RopeScaling == nil || cfg.RopeScaling.Sections == nil {
		return nil
	}
	s := cfg.RopeScaling.Sections
	if len(s) != 3 || min(s[0], s[1], s[2]) < 0 || max(s[0], s[1], s[2]) > cfg.HeadDim || s[0]+s[1]+s[2] != cfg.HeadDim/2 {
		return fmt.Errorf("rope_scaling: mrope_section %v, want three that make %d", s, cfg.HeadDim/2)
	}
	return nil
}

// axes are the place of a position (time, height, width) that each pair turns with.
func (cfg *Config) axes() []uint8 {
	out := make([]uint8, cfg.HeadDim/2)
	if cfg.RopeScaling == nil || cfg.RopeScaling.Sections == nil {
		return out
	}
	if cfg.RopeScaling.Mixed {
		for i := range out {
			if axis := i % 3; i < 3*cfg.RopeScaling.Sections[axis] {
				out[i] = uint8(axis)
			}
		}
		return out
	}
	at := 0
	for axis, n := range cfg.RopeScaling.Sections {
		for range n {
			out[at] = uint8(axis)
			at++
		}
	}
	return out
}

// FrequencyFactors is what "llama3" scaling divides the frequency of each pair
// by, and nil for other kinds, or the Factors if there are any.
func (cfg *Config) FrequencyFactors() []float32 {
	s := cfg.RopeScaling
	if s.kind() != "llama3" {
		if s == nil {
			return nil
		}
		return s.Factors
	}
	plain := *cfg
	plain.RopeScaling = nil
	factors := plain.frequencies(0)
	for i, f := range cfg.frequencies(0) {
		factors[i] /= f
	}
	return factors
}

// llama3 divides low frequencies by the factor, keeps high ones, and blends in between.
func (s *Scaling) llama3(f float32) float32 {
	wavelength := 2 * math.Pi / float64(f)
	switch {
	case wavelength < s.OriginalLength/s.HighFreqFactor:
		return f
	case wavelength > s.OriginalLength/s.LowFreqFactor:
		return f / float32(s.Factor)
	}
	smooth := (s.OriginalLength/wavelength - s.LowFreqFactor) / (s.HighFreqFactor - s.LowFreqFactor)
	return float32((1-smooth)*float64(f)/s.Factor + float64(smooth*float64(f)))
}
