package zoo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// hasLoRA reports whether a directory holds LoRA weights in PEFT's layout.
func hasLoRA(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "adapter_config.json"))
	return err == nil
}

// loraConfig is PEFT's adapter_config.json, as far as it matters here.
type loraConfig struct {
	Type    string         `json:"peft_type"`
	Rank    int            `json:"r"`
	Alpha   float64        `json:"lora_alpha"`
	DoRA    bool           `json:"use_dora"`
	RSLoRA  bool           `json:"use_rslora"`
	FanIn   bool           `json:"fan_in_fan_out"`
	Bias    string         `json:"bias"`
	Ranks   map[string]any `json:"rank_pattern"`
	Alphas  map[string]any `json:"alpha_pattern"`
	Modules any            `json:"modules_to_save"`
}

func (c *loraConfig) check() error {
	switch {
	case c.Type != "" && c.Type != "LORA":
		return fmt.Errorf("peft_type %q, known: LORA", c.Type)
	case c.Rank < 1 || c.Rank > 1<<16:
		return fmt.Errorf("r is %d", c.Rank)
	case c.DoRA, c.RSLoRA, c.FanIn, len(c.Ranks) > 0, len(c.Alphas) > 0, c.Bias != "" && c.Bias != "none":
		return fmt.Errorf("use_dora, use_rslora, fan_in_fan_out, patterns of ranks and trained biases are not supported")
	}
	return nil
}

// mergeLoRA adds the LoRA weights of a directory to the parameters behind a prefix:
// W + alpha/r · B·A for each pair (Hu et al. 2021, https://arxiv.org/abs/2106.09685),
// stored as W was.
func (m *Model) mergeLoRA(dir, prefix string) error {
	var cfg loraConfig
	if err := readJSON(dir, "adapter_config.json", &cfg); err != nil {
		return err
	}
	if err := cfg.check(); err != nil {
		return fmt.Errorf("adapter_config.json: %w", err)
	}
	c, err := openEither(dir, "adapter_model.safetensors", "adapter_model.bin")
	if err != nil {
		return err
	}
	defer c.Close()
	params := map[string]*tensor.Tensor{}
	for _, p := range m.params() {
		params[p.Name] = p.T
	}
	pool := kernel.NewPool(1)
	defer pool.Close()
	merged := 0
	for _, name := range c.Names() {
		base, ok := strings.CutSuffix(name, ".lora_A.weight")
		if !ok {
			if !strings.HasSuffix(name, ".lora_B.weight") {
				return fmt.Errorf("%s: not a LoRA weight", name)
			}
			continue
		}
		target := prefix + strings.TrimPrefix(base, "base_model.model.") + ".weight"
		w := params[target]
		if w == nil {
			return fmt.Errorf("%s: the model has no %s", name, target)
		}
		if err := addLoRA(c, pool, w, base, cfg); err != nil {
			return err
		}
		merged++
	}
	if merged == 0 {
		return fmt.Errorf("%s has no LoRA weights", dir)
	}
	return nil
}

// addLoRA adds one pair to w.
func addLoRA(c *checkpoint.Checkpoint, pool *kernel.Pool, w *tensor.Tensor, base string, cfg loraConfig) error {
	a, b := tensor.Declare(cfg.Rank, w.Cols()), tensor.Declare(w.Rows(), cfg.Rank)
	pair := []checkpoint.Param{{Name: base + ".lora_A.weight", T: a}, {Name: base + ".lora_B.weight", T: b}}
	if err := checkpoint.Bind(c, pair, nil, checkpoint.BindOptions{Ignore: []string{"*"}}); err != nil {
		return err
	}
	dtype := w.DType
	if dtype.Quantised() {
		return fmt.Errorf("%s: LoRA weights cannot be merged into quantised ones", base)
	}
	a.Own()
	b.Own()
	w.Own()
	kernel.Scale(b.F32, b.F32, float32(cfg.Alpha/float64(cfg.Rank)))
	pool.GemmNN(w.Mat(), b.Mat(), a.Mat(), true)
	if dtype != tensor.F32 {
		w.Store(dtype, nil)
	}
	return nil
}

// openEither opens the first of several files that is there.
func openEither(dir string, names ...string) (*checkpoint.Checkpoint, error) {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return openFile(filepath.Join(dir, name))
		}
	}
	return nil, fmt.Errorf("%s has none of %s", dir, strings.Join(names, ", "))
}
