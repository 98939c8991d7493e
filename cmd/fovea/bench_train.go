package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/train"
	"github.com/fovea-ml/fovea/zoo"
)

type benchTrainCmd struct {
	Preset    string   `help:"A published model's shape with random weights." default:"llava-20m" placeholder:"NAME"`
	Quant     string   `help:"Type that the weights are stored in: f32, or with --lora bf16 if not told, or a quantised one." default:"" placeholder:"TYPE"`
	Train     []string `help:"What learns: parts or globs; with --lora the updates." placeholder:"NAME"`
	LoRA      int      `name:"lora" help:"Rank of updates that learn in the place of the weights; 0 for none." default:"0" placeholder:"N"`
	Targets   []string `help:"With --lora, globs of the layers that get one." default:"all-linear" placeholder:"GLOB"`
	Exclude   []string `help:"With --lora, globs of layers that get none." placeholder:"GLOB"`
	DoRA      bool     `name:"dora" help:"With --lora, learn the lengths of the weights' rows too."`
	Batch     int      `help:"Samples of an update, a picture and text each." default:"16" placeholder:"N"`
	Text      int      `help:"Tokens of text of a sample, all of them learnt." default:"64" placeholder:"N"`
	Compute   string   `help:"Arithmetic of matrix products: f32, or bf16 for matrix units." enum:"f32,bf16" default:"bf16" placeholder:"TYPE"`
	Optimizer string   `help:"Optimizer of the update." default:"adamw" placeholder:"NAME"`
	Recompute bool     `help:"Keep only the inputs of the blocks of language model and tower."`
	JSON      bool     `name:"json" help:"Print JSON."`
}

func (benchTrainCmd) Help() string {
	return `Times updates, forward, backward and optimizer, of a model with random weights.

Examples:

    fovea bench train
    fovea bench train --preset llava-qwen2-0.5b --lora 16 --batch 1 --recompute
    fovea bench train --preset llava-1.5-7b --quant q4_0 --lora 16 --batch 1 --recompute   # QLoRA
    fovea bench train --compute f32 --json`
}

// trainResult is what bench tells of training.
type trainResult struct {
	Model      string   `json:"model"`
	Train      []string `json:"train"`
	Kernel     string   `json:"kernel"`
	Compute    string   `json:"compute"`
	Workers    int      `json:"workers"`
	Learning   int      `json:"learning_parameters"`
	Batch      int      `json:"batch"`
	Tokens     int      `json:"tokens"` // of an update, pictures' placeholders included
	StepMS     float64  `json:"step_ms"`
	TokS       float64  `json:"tokens_per_s"`
	GFLOPS     float64  `json:"gflop_per_s"` // of products, forward and backward
	PeakGFLOPS float64  `json:"peak_gflop_per_s"`
	PeakMemory int64    `json:"peak_memory_bytes"`
}

func (c *benchTrainCmd) Run(ctx context.Context, g *globals) error {
	if c.Batch < 1 || c.Text < 2 {
		return fmt.Errorf("--batch %d and --text %d, want at least 1 and 2", c.Batch, c.Text)
	}
	m, err := c.open()
	if err != nil {
		return err
	}
	defer m.Close()
	pool := g.pool()
	defer pool.Close()
	if c.Compute == "bf16" {
		pool.Compute = kernel.BF16
	}
	stage := train.Stage{Train: c.Train, Optimizer: c.Optimizer, LR: 1e-6, Clip: 1, Recompute: c.Recompute}
	s, err := train.NewStepper(m, stage, pool)
	if err != nil {
		return err
	}
	p, err := c.prompt(m)
	if err != nil {
		return err
	}
	took, err := medianOver(ctx, 3*time.Second, func() error { s.Step(p); return nil })
	if err != nil {
		return err
	}
	r := &trainResult{Model: m.Name, Train: c.Train, Kernel: kernel.Name(), Compute: pool.Compute.String(), Workers: g.workers(),
		Learning: learning(m), Batch: c.Batch, Tokens: len(p.IDs), StepMS: ms(took), TokS: float64(len(p.IDs)) / took.Seconds(), PeakMemory: peakMemory()}
	r.GFLOPS = c.flops(m, p) / took.Seconds() / 1e9
	r.PeakGFLOPS = kernel.PeakFMA(r.Workers)
	if pool.Rounds() {
		r.PeakGFLOPS = kernel.PeakBF16(r.Workers)
	}
	if c.JSON {
		return writeJSON(os.Stdout, r)
	}
	return r.write()
}

// open makes the model, with updates to learn if they are asked for.
func (c *benchTrainCmd) open() (*zoo.Model, error) {
	if c.LoRA == 0 {
		if c.Quant != "" && c.Quant != "f32" || c.DoRA {
			return nil, errors.New("--quant and --dora are for --lora: weights that learn are float32")
		}
		if len(c.Train) == 0 {
			c.Train = []string{"vision", "adapter", "language"}
		}
		return openPreset(c.Preset, "f32")
	}
	if len(c.Train) == 0 {
		c.Train = []string{"lora"}
	}
	m, err := openPreset(c.Preset, c.Quant)
	if err != nil {
		return nil, err
	}
	return m, m.AttachLoRA(lora.Config{Rank: c.LoRA, Alpha: float64(2 * c.LoRA), DoRA: c.DoRA, Targets: c.Targets, Exclude: c.Exclude})
}

// prompt packs samples of a picture and a text that is learnt whole.
func (c *benchTrainCmd) prompt(m *zoo.Model) (*model.Prompt, error) {
	vlm, _ := m.VLM()
	var views *model.Views
	pictured, takes := m.Net.(model.Pictured)
	tokens := 0
	if takes {
		side, err := sideOf(m)
		if err != nil {
			return nil, err
		}
		v := square(side)
		views, tokens = &v, pictured.Tokens(&model.Tiles{Views: v})
	}
	if n := tokens + c.Text; n > vlm.Decoder().Context() {
		return nil, fmt.Errorf("a sample of %d tokens, and the model's context is %d", n, vlm.Decoder().Context())
	}
	var all []*model.Prompt
	for i := range c.Batch {
		p := &model.Prompt{IDs: make([]int32, tokens+c.Text), Labels: make([]int32, tokens+c.Text)}
		for k := range p.IDs {
			p.IDs[k] = int32((k*31 + i*7) % (vlm.Decoder().Vocab() / 2))
			p.Labels[k] = -1
			if k >= tokens && k < len(p.IDs)-1 {
				p.Labels[k] = int32((k*37 + i*11) % (vlm.Decoder().Vocab() / 2))
			}
		}
		if takes {
			p.Images, p.At = []*model.Tiles{{Views: *views}}, []int{0}
		}
		all = append(all, p)
	}
	return model.Pack(all), nil
}

// sideOf is the side of the square pictures that a model reads.
func sideOf(m *zoo.Model) (int, error) {
	if net, ok := m.Net.(*llava.Model); ok {
		return net.Vision.Config().ImageSize, nil
	}
	return 0, fmt.Errorf("%s: training a %s cannot be measured; give the preset of a LLaVA or of a language model", m.Name, m.Family.Architecture)
}

// learning counts the parameters that learn.
func learning(m *zoo.Model) (n int) {
	nn.Walk(m.Net, func(_ string, w *tensor.Tensor) {
		if w.NeedsGrad() {
			n += w.Len()
		}
	})
	return n
}

// flops counts the products of an update: forward, and backward by the inputs where
// something before learns, and by the weights that learn.
func (c *benchTrainCmd) flops(m *zoo.Model, p *model.Prompt) float64 {
	learns := func(part string) float64 {
		some, all := 0, 0
		nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
			if m.Family.PartOf(name) != part {
				return
			}
			all += w.Len()
			if w.NeedsGrad() {
				some += w.Len()
			}
		})
		return float64(some) / float64(max(1, all))
	}
	vlm, _ := m.VLM()
	l, n := loadOf(m, vlm), len(p.IDs)/c.Batch
	pairs := float64(n) * float64(n+1) / 2
	language := float64(len(p.IDs))*l.flops + float64(p.Labelled())*l.headFLOPs + float64(c.Batch)*pairs*l.attended
	sum := language * (2 + learns("language"))
	if t := towerOf(m); t != nil {
		share := learns("vision")
		back := 0.0
		if share > 0 {
			back = 1
		}
		sum += float64(len(p.Images)) * t.flops * (1 + back + share)
	}
	return sum
}

func (r *trainResult) write() error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "model\t%s\n", r.Model)
	fmt.Fprintf(t, "learning\t%s, %.1f million parameters\n", strings.Join(r.Train, ", "), float64(r.Learning)/1e6)
	fmt.Fprintf(t, "kernel\t%s, products in %s, %d workers\n", r.Kernel, r.Compute, r.Workers)
	fmt.Fprintf(t, "update\t%.1f ms for %d samples, %d tokens\t%.0f tok/s\n", r.StepMS, r.Batch, r.Tokens, r.TokS)
	fmt.Fprintf(t, "\t%.1f GFLOP/s\t%.1f %% of the measured %.1f\n", r.GFLOPS, 100*r.GFLOPS/r.PeakGFLOPS, r.PeakGFLOPS)
	fmt.Fprintf(t, "peak memory\t%s\n", size(r.PeakMemory))
	return t.Flush()
}
