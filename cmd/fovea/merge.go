package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

type mergeCmd struct {
	modelFlags
	Output    string `help:"Directory to write, or GGUF file." required:"" placeholder:"PATH" type:"path"`
	MmprojOut string `name:"mmproj-out" help:"GGUF file to write the picture encoder and adapter to, beside a GGUF --output." placeholder:"FILE" type:"path"`
	DType     string `name:"dtype" help:"Store weights as f32, f16 or bf16. Without it each keeps its type, and quantised ones become f16 where they have to." enum:",f32,f16,bf16" default:"" placeholder:"TYPE"`
	Force     bool   `help:"Overwrite files that exist."`
}

func (mergeCmd) Help() string {
	return `Adds LoRA, rsLoRA or DoRA weights in PEFT's layout to a model and writes the sum:
a directory in Hugging Face's layout, or GGUF files. A quantised weight that gets an
update is dequantised; fovea quantize makes the result small again.

Examples:

    fovea merge --model llava-1.5-7b --lora runs/lora --output merged
    fovea merge --model llava-1.5-7b --lora runs/lora --output m.gguf --mmproj-out mm.gguf
    fovea quantize merged merged-q4.gguf --type q4_k_m
    fovea ask --model llava-1.5-7b --lora runs/lora --image a.jpg "What is this?"   # without merging`
}

func (c *mergeCmd) Run(g *globals) error {
	if err := c.checkPaths(); err != nil {
		return err
	}
	m, err := c.openModel()
	if err != nil {
		return err
	}
	defer m.Close()
	pool := g.pool()
	defer pool.Close()
	wide, err := kernel.ParseDType(strings.ToUpper(c.DType))
	if c.DType == "" {
		wide, err = tensor.F16, nil
	}
	if err != nil {
		return err
	}
	dequantised, err := m.MergeLoRA(pool, wide)
	if err != nil {
		return err
	}
	if n := len(dequantised); n > 0 {
		fmt.Fprintf(os.Stderr, "fovea: %d quantised weights have been dequantised for the sum, among them %s\n", n, dequantised[0])
	}
	return c.write(m, wide)
}

// write writes what has been merged.
func (c *mergeCmd) write(m *zoo.Model, wide tensor.DType) error {
	if !isGGUF(c.Output) {
		return m.WriteDir(c.Output, func(stored tensor.DType) tensor.DType {
			if c.DType == "" && !stored.Quantised() {
				return stored
			}
			return wide
		})
	}
	o := zoo.GGUFOptions{}
	if c.DType != "" {
		o.DType = func(string, []int) tensor.DType { return wide }
	}
	return o.Write(m, c.Output, c.MmprojOut)
}

// checkPaths refuses what would be lost, or has nothing to merge.
func (c *mergeCmd) checkPaths() error {
	if c.LoRA == "" {
		return errors.New("--lora: name the directory with adapter_config.json")
	}
	if c.MmprojOut != "" && !(isGGUF(c.Output) && isGGUF(c.MmprojOut)) {
		return fmt.Errorf("--mmproj-out %s: it is a GGUF file beside a GGUF --output", c.MmprojOut)
	}
	for _, path := range []string{c.Output, c.MmprojOut} {
		if path == "" {
			continue
		}
		for _, source := range []string{c.Model, c.Mmproj, c.LoRA} {
			if source != "" && same(path, source) {
				return fmt.Errorf("%s is read and cannot be written at the same time: merge into another path", path)
			}
		}
		if c.Force {
			continue
		}
		if st, err := os.Stat(path); err == nil && (!st.IsDir() || checkpoint.HasWeights(path)) {
			return fmt.Errorf("%s exists; --force overwrites it", path)
		}
	}
	return nil
}
