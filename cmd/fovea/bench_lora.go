package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"text/tabwriter"
	"time"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

type benchLoRACmd struct {
	modelFlags
	computeFlags
	Preset  string   `help:"Instead of a model, a published one's shape with random weights, stored as --quant says (bf16 without it)." placeholder:"NAME"`
	Rank    int      `help:"Rank of the updates." default:"16" placeholder:"N"`
	Targets []string `help:"Globs of the layers that get one." default:"all-linear" placeholder:"GLOB"`
	Exclude []string `help:"Globs of layers that get none." placeholder:"GLOB"`
	DoRA    bool     `name:"dora" help:"Learn the lengths of the weights' rows too."`
	Tokens  int      `help:"Tokens of the sample behind the picture, of which half are learnt." default:"128" placeholder:"N"`
	Steps   int      `help:"Steps of AdamW." default:"2" placeholder:"N"`
	JSON    bool     `name:"json" help:"Print JSON."`
}

func (benchLoRACmd) Help() string {
	return `Steps of LoRA training on one sample, blocks recomputed: LLaVA's models see a picture
of full size, others read text. Tells the time of a step and the most memory that the
process has held, weights included.

Examples:

    fovea bench lora --preset llava-qwen2-0.5b
    fovea bench lora --preset llava-1.5-7b --quant q4_0          # QLoRA
    fovea bench lora --preset llava-1.5-7b --quant q4_0 --exclude 'vision_tower.**' --dora`
}

// loraResult is what bench lora tells.
type loraResult struct {
	Model      string    `json:"model"`
	Quant      string    `json:"quant,omitempty"`
	Compute    string    `json:"compute"`
	Workers    int       `json:"workers"`
	Layers     int       `json:"layers"` // with an update
	Learning   int       `json:"learning_parameters"`
	Tokens     int       `json:"tokens"` // of the sample, the picture's among them
	StepMS     float64   `json:"step_ms"`
	Losses     []float32 `json:"losses"`
	PeakMemory int64     `json:"peak_memory_bytes"`
}

func (c *benchLoRACmd) Run(ctx context.Context, g *globals) error {
	if c.Tokens < 2 || c.Steps < 1 {
		return fmt.Errorf("--tokens %d and --steps %d, want at least 2 and 1", c.Tokens, c.Steps)
	}
	m, vlm, err := c.open()
	if err != nil {
		return err
	}
	defer m.Close()
	cfg := lora.Config{Rank: c.Rank, Alpha: float64(2 * c.Rank), DoRA: c.DoRA, Targets: c.Targets, Exclude: c.Exclude}
	if err := m.AttachLoRA(cfg); err != nil {
		return err
	}
	pool := c.pool(g, m)
	defer pool.Close()
	pool.Steps = kernel.F32
	if pool.Compute == kernel.I8 { // gradients have no levels
		pool.Compute = kernel.F32
	}
	r := &loraResult{Model: m.Name, Quant: c.Quant, Compute: pool.Compute.String(), Workers: g.workers(), Layers: len(m.Adapter.Layers)}
	t := newLoraSteps(m, pool)
	r.Learning = t.count
	p := sample(m, vlm, c.Tokens)
	r.Tokens = len(p.IDs)
	for range c.Steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		began := time.Now()
		r.Losses = append(r.Losses, t.step(vlm, p))
		r.StepMS = ms(time.Since(began))
	}
	r.PeakMemory = peakMemory()
	if c.JSON {
		return writeJSON(os.Stdout, r)
	}
	return r.write()
}

// open opens a model that can be trained.
func (c *benchLoRACmd) open() (m *zoo.Model, vlm model.VLM, err error) {
	switch {
	case c.Preset == "":
		return c.openGenerator()
	case c.Model != "" || c.Mmproj != "" || c.LoRA != "":
		return nil, nil, errors.New("--preset takes the place of --model, and has no --lora")
	}
	if m, err = openPreset(c.Preset, c.Quant); err != nil {
		return nil, nil, err
	}
	vlm, ok := m.VLM()
	if !ok || model.ReadsMemory(vlm.Decoder()) {
		_ = m.Close()
		return nil, nil, fmt.Errorf("%s: a %s cannot be measured so", m.Name, m.Family.Architecture)
	}
	return m, vlm, nil
}

// sample is a picture, where the model is LLaVA of one view, and n tokens behind it.
func sample(m *zoo.Model, vlm model.VLM, n int) *model.Prompt {
	p := &model.Prompt{}
	if net, ok := m.Net.(*llava.Model); ok && net.Newline == nil {
		p.Images = []*model.Tiles{{Views: square(net.Vision.Config().ImageSize)}}
		p.At = []int{0}
		p.IDs = make([]int32, net.Tokens(p.Images[0]))
	}
	pictured := len(p.IDs)
	for i := range n {
		p.IDs = append(p.IDs, int32(1+i%(vlm.Decoder().Vocab()-1)))
	}
	p.Labels = make([]int32, len(p.IDs))
	for i := range p.Labels {
		p.Labels[i] = -1
		if i >= pictured+n/2 {
			p.Labels[i] = int32(i % vlm.Decoder().Vocab())
		}
	}
	return p
}

// loraSteps trains what an adapter has.
type loraSteps struct {
	c      tensor.Ctx
	params []*tensor.Tensor
	m, v   [][]float32
	count  int
	done   int
}

func newLoraSteps(m *zoo.Model, pool *kernel.Pool) *loraSteps {
	t := &loraSteps{c: tensor.Ctx{Train: true, Pool: pool}}
	if r, ok := m.Net.(model.Recomputer); ok {
		r.SetRecompute(true)
	} else if vlm, ok := m.VLM(); ok {
		if r, ok := vlm.Decoder().(model.Recomputer); ok {
			r.SetRecompute(true)
		}
	}
	nn.Walk(m.Net, func(_ string, w *tensor.Tensor) {
		if w.NeedsGrad() {
			t.params = append(t.params, w)
			t.m, t.v = append(t.m, make([]float32, w.Len())), append(t.v, make([]float32, w.Len()))
			t.count += w.Len()
		}
	})
	return t
}

// step is one of AdamW, and gives the loss before it.
func (t *loraSteps) step(vlm model.VLM, p *model.Prompt) float32 {
	loss := model.Loss(&t.c, vlm, p, float32(p.Labelled()))
	before := loss.F32[0]
	t.c.Backward(loss)
	t.c.Reset()
	t.c.Draw++
	t.done++
	a := kernel.AdamWParams{
		LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, GradScale: 1,
		Correction1: 1 - math.Pow(0.9, float64(t.done)), Correction2: 1 - math.Pow(0.999, float64(t.done)),
	}
	for i, w := range t.params {
		if w.HasGrad() {
			kernel.AdamW(w.F32, t.m[i], t.v[i], w.Grad(), a)
			w.ZeroGrad()
		}
	}
	return before
}

func (r *loraResult) write() error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("model", "%s %s, products in %s, %d workers", r.Model, r.Quant, r.Compute, r.Workers)
	row("adapter", "%d layers, %.1f million parameters", r.Layers, float64(r.Learning)/1e6)
	row("step", "%.1f s for a sample of %d tokens", r.StepMS/1000, r.Tokens)
	row("loss", "%.4f, then %.4f", r.Losses[0], r.Losses[len(r.Losses)-1])
	row("peak memory", "%s", size(r.PeakMemory))
	return t.Flush()
}
