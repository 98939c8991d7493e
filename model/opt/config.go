package opt

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
)

// Config is the config.json of an OPT checkpoint, or the text_config of one that
// contains it. What a file leaves out has the reference's default.
type Config struct {
	VocabSize             int    `json:"vocab_size"`
	HiddenSize            int    `json:"hidden_size"`
	EmbedSize             int    `json:"word_embed_proj_dim"` // 0: HiddenSize
	Inner                 int    `json:"ffn_dim"`
	NumHiddenLayers       int    `json:"num_hidden_layers"`
	NumAttentionHeads     int    `json:"num_attention_heads"`
	MaxPositionEmbeddings int    `json:"max_position_embeddings"`
	Activation            string `json:"activation_function"`
	NormBefore            bool   `json:"do_layer_norm_before"`
	NoFinalNorm           bool   `json:"_remove_final_layer_norm"`
	Bias                  bool   `json:"enable_bias"`
	NormAffine            bool   `json:"layer_norm_elementwise_affine"`
	TieWordEmbeddings     bool   `json:"tie_word_embeddings"`

	act ops.Act
}

// DefaultConfig is OPT-125m, which is what the reference assumes.
func DefaultConfig() Config {
	return Config{
		VocabSize: 50272, HiddenSize: 768, Inner: 3072, NumHiddenLayers: 12, NumAttentionHeads: 12, MaxPositionEmbeddings: 2048,
		Activation: "relu", NormBefore: true, Bias: true, NormAffine: true, TieWordEmbeddings: true,
	}
}

// ParseConfig reads a config.json over the defaults and checks it.
func ParseConfig(data []byte) (Config, error) {
	cfg := DefaultConfig()
	err := json.Unmarshal(data, &cfg)
	if err == nil {
		err = cfg.resolve()
	}
	if err != nil {
		return cfg, fmt.Errorf("opt: config: %w", err)
	}
	return cfg, nil
}

// resolve fills the derived fields and checks the rest.
func (cfg *Config) resolve() (err error) {
	if cfg.EmbedSize == 0 {
		cfg.EmbedSize = cfg.HiddenSize
	}
	err = cmp.Or(
		model.CheckSize("vocab_size", cfg.VocabSize, 1<<24),
		model.CheckSize("hidden_size", cfg.HiddenSize, 1<<20),
		model.CheckSize("word_embed_proj_dim", cfg.EmbedSize, 1<<20),
		model.CheckSize("ffn_dim", cfg.Inner, 1<<24),
		model.CheckSize("num_hidden_layers", cfg.NumHiddenLayers, 1<<10),
		model.CheckSize("num_attention_heads", cfg.NumAttentionHeads, 1<<20),
		model.CheckSize("max_position_embeddings", cfg.MaxPositionEmbeddings, 1<<24),
	)
	if err != nil {
		return err
	}
	if cfg.HiddenSize%cfg.NumAttentionHeads != 0 {
		return fmt.Errorf("hidden_size %d is no multiple of num_attention_heads %d", cfg.HiddenSize, cfg.NumAttentionHeads)
	}
	if !cfg.NormAffine {
		return fmt.Errorf("layer_norm_elementwise_affine is false: norms without weights are not supported")
	}
	if cfg.act, err = ops.ParseAct(cfg.Activation); err != nil {
		return fmt.Errorf("activation_function: %w", err)
	}
	return nil
}
