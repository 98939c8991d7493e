package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

type quantizeCmd struct {
	Source     string `arg:"" help:"Checkpoint directory or GGUF file." type:"path"`
	Out        string `arg:"" help:"GGUF file to write." type:"path"`
	Type       string `help:"How the language model is stored; see below." default:"q4_k_m" placeholder:"TYPE"`
	Mmproj     string `help:"GGUF file of the picture encoder that goes with a GGUF source." placeholder:"FILE"`
	MmprojOut  string `name:"mmproj-out" help:"GGUF file to write the picture encoder and adapter to, for models that have them." placeholder:"FILE" type:"path"`
	MmprojType string `name:"mmproj-type" help:"How they are stored: f32, f16, bf16 or q8_0." enum:"f32,f16,bf16,q8_0" default:"f16" placeholder:"TYPE"`
	Force      bool   `help:"Overwrite files that exist."`
	calibrateFlags
}

func (quantizeCmd) Help() string {
	var types []string
	for _, x := range checkpoint.Mixtures() {
		types = append(types, x.Name)
	}
	return `Writes a model as GGUF files, which llama.cpp reads too. Types, from the largest
to the smallest files:

    ` + strings.Join(types, " ") + `

Those that end in _s, _m and _l keep some matrices in better types than the rest,
by llama.cpp's rules. Rows that are no multiple of a type's block (256 elements
for the k types, 32 for the others) fall back to a type of smaller blocks, or to
f16. Vectors and norms stay f32.

With samples of what the model will read, --calibrate and --calibrate-images, the
mean square of each input weighs the errors of the weights that multiply it, as
llama.cpp's importance matrix does. It helps the small types most.

Examples:

    fovea quantize llava-1.5-7b vicuna-q4_k_m.gguf --mmproj-out mmproj-f16.gguf
    fovea quantize tinyllama tinyllama-q8_0.gguf --type q8_0
    fovea quantize tinyllama tiny.gguf --type q3_k_m --calibrate book.txt
    fovea ask --model vicuna-q4_k_m.gguf --mmproj mmproj-f16.gguf --image a.jpg "What is this?"`
}

func (c *quantizeCmd) Run(ctx context.Context, g *globals) error {
	x, err := checkpoint.ParseMixture(c.Type)
	if err != nil {
		return err
	}
	if err := errors.Join(c.checkOutputs(), c.check(x)); err != nil {
		return err
	}
	m, err := openPath(c.Source, c.Mmproj, zoo.Beside{})
	if err != nil {
		return err
	}
	defer m.Close()
	weights, err := c.importance(ctx, g, m)
	if err != nil {
		return err
	}
	o, err := c.options(m, x, weights)
	if err != nil {
		return err
	}
	if err := o.Write(m, c.Out, c.MmprojOut); err != nil {
		return err
	}
	for _, path := range []string{c.Out, c.MmprojOut} {
		if st, err := os.Stat(path); path != "" && err == nil {
			fmt.Printf("%s  %s\n", path, size(st.Size()))
		}
	}
	if _, pictured := m.Net.(interface{ TokensPerImage() int }); pictured && c.MmprojOut == "" {
		fmt.Fprintln(os.Stderr, "fovea: the picture encoder was left out; --mmproj-out writes it")
	}
	return nil
}

// checkOutputs refuses what would be lost or could not be opened again.
func (c *quantizeCmd) checkOutputs() error {
	for _, path := range []string{c.Out, c.MmprojOut} {
		if path == "" {
			continue
		}
		if !isGGUF(path) {
			return fmt.Errorf("%s: the name of a GGUF file ends in .gguf", path)
		}
		for _, source := range []string{c.Source, c.Mmproj} {
			if same(path, source) {
				return fmt.Errorf("%s is read and cannot be written at the same time", path)
			}
		}
		if _, err := os.Stat(path); err == nil && !c.Force {
			return fmt.Errorf("%s exists; --force overwrites it", path)
		}
	}
	if c.Out == c.MmprojOut {
		return errors.New("OUT and --mmproj-out are the same file")
	}
	return nil
}

func same(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y) || filepath.Clean(a) == filepath.Clean(b)
}

// options choose by the mixture for the language model, and one type for the picture
// encoder. weights are those of the columns of its matrices, or nil.
func (c *quantizeCmd) options(m *zoo.Model, x checkpoint.Mixture, weights func(string) []float32) (zoo.GGUFOptions, error) {
	traits, err := m.MixTraits()
	if err != nil {
		return zoo.GGUFOptions{}, err
	}
	traits.Importance = weights != nil
	pictures, err := checkpoint.ParseMixture(c.MmprojType)
	if err != nil {
		return zoo.GGUFOptions{}, err
	}
	return zoo.GGUFOptions{
		FileType:   x.FileType,
		Importance: weights,
		DType: func(name string, shape []int) tensor.DType {
			if strings.HasPrefix(name, "v.") || strings.HasPrefix(name, "mm.") {
				return pictures.DType(name, shape, checkpoint.MixTraits{})
			}
			return x.DType(name, shape, traits)
		},
	}, nil
}
