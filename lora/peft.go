package lora

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The files of an adapter.
const (
	ConfigFile  = "adapter_config.json"
	weightsFile = "adapter_model.safetensors"
	oldWeights  = "adapter_model.bin"
	prefix      = "base_model.model." // of every name in them
)

// peftConfig is adapter_config.json, as far as it matters here.
type peftConfig struct {
	Type      string    `json:"peft_type"`
	Task      *string   `json:"task_type"`
	Base      *string   `json:"base_model_name_or_path"`
	Rank      int       `json:"r"`
	Alpha     float64   `json:"lora_alpha"`
	Dropout   float64   `json:"lora_dropout"`
	DoRA      bool      `json:"use_dora"`
	RSLoRA    bool      `json:"use_rslora"`
	FanIn     bool      `json:"fan_in_fan_out"`
	Bias      string    `json:"bias"`
	Ranks     Overrides `json:"rank_pattern"`
	Alphas    Overrides `json:"alpha_pattern"`
	Targets   any       `json:"target_modules"`  // a list, or a text that is a regular expression
	Exclude   any       `json:"exclude_modules"` // the same
	Saved     []string  `json:"modules_to_save"`
	Start     any       `json:"init_lora_weights"`
	LoRABias  bool      `json:"lora_bias"`
	Repeats   any       `json:"layer_replication"`
	Indices   any       `json:"trainable_token_indices"`
	Layers    any       `json:"layers_to_transform"`
	Inference bool      `json:"inference_mode"`
}

// ParseConfig reads an adapter_config.json of PEFT: what Attach needs for an adapter of
// the same kind. Which layers an adapter that is read has, its weights say.
func ParseConfig(data []byte) (Config, error) {
	var p peftConfig
	cfg := Config{}
	err := json.Unmarshal(data, &p)
	if err == nil {
		cfg, err = p.config()
	}
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", ConfigFile, err)
	}
	return cfg, nil
}

func (p *peftConfig) config() (Config, error) {
	cfg := Config{
		Rank: p.Rank, Alpha: p.Alpha, Dropout: p.Dropout, RSLoRA: p.RSLoRA, DoRA: p.DoRA,
		ModulesToSave: p.Saved, Ranks: p.Ranks, Alphas: p.Alphas,
	}
	if err := p.check(); err != nil {
		return cfg, err
	}
	switch t := p.Targets.(type) {
	case string:
		if cfg.Pattern = t; t == allLinear {
			cfg.Pattern, cfg.Targets = "", []string{allLinear}
		}
	case []any:
		cfg.Targets = texts(t)
	}
	if t, ok := p.Exclude.([]any); ok {
		cfg.Exclude = texts(t)
	}
	return cfg, cfg.check()
}

func texts(list []any) (out []string) {
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// check refuses what would be computed otherwise here.
func (p *peftConfig) check() error {
	start, _ := p.Start.(string)
	switch {
	case p.Type != "" && p.Type != "LORA":
		return fmt.Errorf("peft_type %q, known: LORA", p.Type)
	case p.FanIn:
		return errors.New("fan_in_fan_out is not supported")
	case p.Bias != "" && p.Bias != "none", p.LoRABias:
		return errors.New("trained biases (bias, lora_bias) are not supported")
	case p.Repeats != nil:
		return errors.New("layer_replication is not supported")
	case p.Indices != nil:
		return errors.New("trainable_token_indices are not supported")
	case slices.ContainsFunc([]string{"pissa", "olora", "corda", "loftq"}, func(s string) bool { return strings.HasPrefix(start, s) }):
		return fmt.Errorf("init_lora_weights %q changes the base's weights: convert the adapter to plain LoRA when saving it (path_initial_model_for_weight_conversion)", start)
	}
	return nil
}

// peft is the adapter_config.json of an adapter whose layers have these names in the
// files, of all that the model has.
func (a *Adapter) peft(base string, names, all, saved []string) ([]byte, error) {
	c := a.Config
	p := peftConfig{
		Type: "LORA", Base: &base, Rank: c.Rank, Alpha: c.Alpha, Dropout: c.Dropout, DoRA: c.DoRA, RSLoRA: c.RSLoRA,
		Bias: "none", Ranks: Overrides{}, Alphas: Overrides{}, Targets: targetModules(names, all), Saved: saved, Start: true, Inference: true,
	}
	for i, l := range a.Layers {
		if l.Rank != c.Rank {
			p.Ranks = append(p.Ranks, Override{Key: names[i], Value: float64(l.Rank)})
		}
		if l.Alpha != c.Alpha {
			p.Alphas = append(p.Alphas, Override{Key: names[i], Value: l.Alpha})
		}
	}
	text, err := json.MarshalIndent(p, "", "  ")
	return append(text, '\n'), err
}
