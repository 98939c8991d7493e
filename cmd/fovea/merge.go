package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/fovea-ml/fovea/checkpoint"
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
	dequantised, err := m.MergeLoRA(pool, c.store)
	if err != nil {
		return err
	}
	if n := len(dequantised); n > 0 {
		fmt.Fprintf(os.Stderr, "fovea: %d quantised weights have been dequantised for the sum, among them %s\n", n, dequantised[0])
	}
	return c.write(m)
}

// store is the dtype of a weight that is written, by the one that it has.
func (c *mergeCmd) store(weight tensor.DType) tensor.DType {
	switch {
	case c.DType != "":
		return map[string]tensor.DType{"f32": tensor.F32, "f16": tensor.F16, "bf16": tensor.BF16}[c.DType]
	case weight.Quantised():
		return tensor.F16
	}
	return weight
}

// write writes what has been merged.
func (c *mergeCmd) write(m *zoo.Model) error {
	if !isGGUF(c.Output) {
		return m.WriteDir(c.Output, c.store)
	}
	o := zoo.GGUFOptions{}
	if c.DType != "" {
		o.DType = func(string, []int) tensor.DType { return c.store(tensor.F32) }
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
