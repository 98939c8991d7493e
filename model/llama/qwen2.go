package llama

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ErrSlidingWindow is the refusal of a model in which some layers see the last
// tokens only.
var ErrSlidingWindow = errors.New("sliding window attention is not supported")

// qwen2 is a config.json of Qwen2: Llama's fields, of which some are read
// differently, and the window.
type qwen2 struct {
	Config
	NumKeyValueHeads *int     `json:"num_key_value_heads"` // null: as many as attention heads
	UseSlidingWindow bool     `json:"use_sliding_window"`
	SlidingWindow    *int     `json:"sliding_window"`
	MaxWindowLayers  int      `json:"max_window_layers"` // layers from here on have the window
	LayerTypes       []string `json:"layer_types"`       // newer files say it of every layer
}

// ParseQwen2 reads the config.json of a Qwen2 or Qwen2.5 language model and
// checks it. The decoder is Llama's with biases on queries, keys and values
// (Qwen2 Technical Report, Yang et al. 2024, https://arxiv.org/abs/2407.10671);
// what a file leaves out has the default of the reference, Qwen2Config. A
// window that would cut what a layer sees is ErrSlidingWindow.
func ParseQwen2(data []byte) (Config, error) {
	f := newQwen2()
	if err := f.parse(data); err != nil {
		return f.Config, fmt.Errorf("qwen2: config: %w", err)
	}
	f.Config.AttentionBias, f.Config.QKVBias = false, true // not the file's to say
	return f.Config, nil
}

// newQwen2 has the defaults that Qwen2Config and Qwen3Config have in common.
func newQwen2() *qwen2 {
	heads, window := 32, 4096
	return &qwen2{
		Config: Config{
			VocabSize: 151936, HiddenSize: 4096, IntermediateSize: 22016, NumHiddenLayers: 32, NumAttentionHeads: 32,
			HiddenAct: "silu", MaxPositionEmbeddings: 32768, RMSNormEps: 1e-6, RopeTheta: 10000,
		},
		NumKeyValueHeads: &heads, SlidingWindow: &window, MaxWindowLayers: 28,
	}
}

// parse reads a file over what is there, and checks it.
func (f *qwen2) parse(data []byte) error {
	if err := json.Unmarshal(data, f); err != nil {
		return err
	}
	f.Config.MLPBias = false // not the file's to say
	f.Config.NumKeyValueHeads = 0
	if f.NumKeyValueHeads != nil {
		f.Config.NumKeyValueHeads = *f.NumKeyValueHeads
	}
	if err := f.Config.resolve(); err != nil {
		return err
	}
	if f.windowed() {
		return fmt.Errorf("%w: use_sliding_window is true, and sliding_window %d below max_position_embeddings %d",
			ErrSlidingWindow, *f.SlidingWindow, f.MaxPositionEmbeddings)
	}
	return nil
}

// windowed reports whether some layer would see less than the whole context.
func (f *qwen2) windowed() bool {
	if !f.UseSlidingWindow || f.SlidingWindow == nil || *f.SlidingWindow >= f.MaxPositionEmbeddings {
		return false
	}
	if f.LayerTypes != nil {
		return slices.Contains(f.LayerTypes, "sliding_attention")
	}
	return f.MaxWindowLayers < f.NumHiddenLayers
}
