package llama

import (
	"encoding/json"
	"fmt"
)

// ParseMistral reads the config.json of a Mistral language model and checks it:
// Llama's decoder (Mistral 7B, Jiang et al. 2023, https://arxiv.org/abs/2310.06825)
// with defaults of its own and, in its first version, a window. One that would
// cut what a layer sees is ErrSlidingWindow.
func ParseMistral(data []byte) (Config, error) {
	window := 4096
	f := struct {
		Config
		SlidingWindow *int `json:"sliding_window"` // null: none
	}{
		Config: Config{
			VocabSize: 32000, HiddenSize: 4096, IntermediateSize: 14336, NumHiddenLayers: 32, NumAttentionHeads: 32, NumKeyValueHeads: 8,
			HiddenAct: "silu", MaxPositionEmbeddings: 131072, RMSNormEps: 1e-6, RopeTheta: 10000,
		},
		SlidingWindow: &window,
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return f.Config, fmt.Errorf("mistral: config: %w", err)
	}
	cfg := f.Config
	cfg.AttentionBias, cfg.QKVBias, cfg.MLPBias = false, false, false // not the file's to say
	if err := cfg.resolve(); err != nil {
		return cfg, fmt.Errorf("mistral: config: %w", err)
	}
	if f.SlidingWindow != nil && *f.SlidingWindow < cfg.MaxPositionEmbeddings {
		return cfg, fmt.Errorf("mistral: config: %w: sliding_window %d below max_position_embeddings %d",
			ErrSlidingWindow, *f.SlidingWindow, cfg.MaxPositionEmbeddings)
	}
	return cfg, nil
}
