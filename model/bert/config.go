package bert

import (
	"cmp"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
)

// Config is what a config.json says of a stack of BERT's layers, in BERT's names.
// Defaults are the family's.
type Config struct {
	VocabSize        int     `json:"vocab_size"`
	HiddenSize       int     `json:"hidden_size"`
	NumHiddenLayers  int     `json:"num_hidden_layers"`
	NumHeads         int     `json:"num_attention_heads"`
	IntermediateSize int     `json:"intermediate_size"`
	HiddenAct        string  `json:"hidden_act"`
	LayerNormEps     float32 `json:"layer_norm_eps"`
	MaxPositions     int     `json:"max_position_embeddings"`
	PositionType     string  `json:"position_embedding_type"` // only "absolute" is known
	EncoderWidth     int     `json:"encoder_hidden_size"`     // of what cross-attention reads

	Act ops.Act `json:"-"` // what HiddenAct names, after Check
}

// Check refuses what cannot be a model, and looks the activation up.
func (cfg *Config) Check() error {
	err := cmp.Or(
		model.CheckSize("vocab_size", cfg.VocabSize, 1<<24),
		model.CheckSize("hidden_size", cfg.HiddenSize, 1<<20),
		model.CheckSize("num_hidden_layers", cfg.NumHiddenLayers, 1<<10),
		model.CheckSize("num_attention_heads", cfg.NumHeads, 1<<12),
		model.CheckSize("intermediate_size", cfg.IntermediateSize, 1<<24),
		model.CheckSize("max_position_embeddings", cfg.MaxPositions, 1<<20),
		model.CheckSize("encoder_hidden_size", cfg.EncoderWidth, 1<<20),
	)
	switch {
	case err != nil:
		return err
	case cfg.HiddenSize%cfg.NumHeads != 0:
		return fmt.Errorf("hidden_size %d is no multiple of num_attention_heads %d", cfg.HiddenSize, cfg.NumHeads)
	case cfg.PositionType != "" && cfg.PositionType != "absolute":
		return fmt.Errorf("position_embedding_type %q, known: absolute", cfg.PositionType)
	case !(cfg.LayerNormEps >= 0):
		return fmt.Errorf("layer_norm_eps is %v", cfg.LayerNormEps)
	}
	cfg.Act, err = ops.ParseAct(cfg.HiddenAct)
	if err != nil {
		return fmt.Errorf("hidden_act: %w", err)
	}
	return nil
}
