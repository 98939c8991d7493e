package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

type benchCmd struct {
	Model   benchModelCmd   `cmd:"" default:"withargs" help:"Measure a model, or the shape of one (default)."`
	Train   benchTrainCmd   `cmd:"" help:"Measure training: time and memory of updates."`
	Machine benchMachineCmd `cmd:"" help:"Measure the limits of this machine."`
}

func (benchCmd) Help() string { return benchModelCmd{}.Help() }

type benchModelCmd struct {
	modelFlags
	computeFlags
	Preset       string `help:"Instead of a model, a published one's shape with random weights, stored as --quant says (bf16 without it)." placeholder:"NAME"`
	PromptTokens int    `help:"Tokens to prefill, a picture's among them; 0 is 512, or a picture and 32 more." default:"0" placeholder:"N"`
	DecodeTokens int    `help:"Tokens to decode." default:"64" placeholder:"N"`
	Compare      string `help:"Print ratios to an earlier --json." placeholder:"FILE"`
	JSON         bool   `name:"json" help:"Print JSON."`
}

func (benchModelCmd) Help() string {
	return `Prefill and the vision encoder are bound by arithmetic, decoding by memory: each
rate stands beside the limit measured on this machine with the same cores. Times
are medians.

Presets: ` + strings.Join(presetNames(), " ") + `

Examples:

    fovea bench
    fovea bench --preset llava-1.5-7b --quant q4_0      # before downloading it
    fovea bench --model llava-1.5-7b --prompt-tokens 640 --workers 8 --json > old.json
    fovea bench --model llava-1.5-7b --prompt-tokens 640 --compare old.json
    fovea bench train --preset llava-1.5-7b --quant q4_0 --lora 16 --batch 1 --recompute
    fovea bench machine`
}

// benchResult is what bench tells of a model.
type benchResult struct {
	Model         string  `json:"model"`
	Quant         string  `json:"quant,omitempty"`
	Kernel        string  `json:"kernel"`
	Compute       string  `json:"compute"`       // dtype of products: F32, BF16 or I8
	Steps         string  `json:"compute_steps"` // the same while decoding
	Workers       int     `json:"workers"`
	ImageMS       float64 `json:"image_encode_ms,omitempty"`
	ImageTokens   int     `json:"image_tokens,omitempty"` // that the encoder computes
	ImageGFLOPS   float64 `json:"image_gflop_per_s,omitempty"`
	PromptTokens  int     `json:"prompt_tokens,omitempty"`
	PrefillTokS   float64 `json:"prefill_tokens_per_s,omitempty"`
	PrefillGFLOPS float64 `json:"prefill_gflop_per_s,omitempty"`
	FirstTokenMS  float64 `json:"first_token_ms,omitempty"` // encoding a picture and reading the prompt, its tokens among them
	PeakGFLOPS    float64 `json:"peak_gflop_per_s"`         // measured multiply-add limit of the cores
	DecodeTokens  int     `json:"decode_tokens,omitempty"`
	DecodeTokS    float64 `json:"decode_tokens_per_s,omitempty"`
	DecodeGBS     float64 `json:"decode_gb_per_s,omitempty"`
	DecodeAllocs  float64 `json:"decode_allocations_per_token"`
	PeakGBS       float64 `json:"peak_gb_per_s"` // measured reading limit of the cores
	PeakMemory    int64   `json:"peak_memory_bytes"`
}

func (c *benchModelCmd) Run(ctx context.Context, g *globals) error {
	if c.PromptTokens < 0 || c.DecodeTokens < 1 {
		return fmt.Errorf("--prompt-tokens %d and --decode-tokens %d, want at least 0 and 1", c.PromptTokens, c.DecodeTokens)
	}
	old, err := c.before()
	if err != nil {
		return err
	}
	m, vlm, err := c.open()
	if err != nil {
		return err
	}
	defer m.Close()
	r := &benchResult{Model: m.Name, Quant: c.Quant, Kernel: kernel.Name(), Workers: g.workers()}
	if vlm != nil {
		room := vlm.Decoder().Context()
		r.DecodeTokens = min(c.DecodeTokens, max(1, room/2))
		r.PromptTokens = min(c.promptTokens(m), room-r.DecodeTokens)
	}
	pool := c.pool(g, m)
	defer pool.Close()
	r.Compute, r.Steps = pool.Compute.String(), pool.Compute.String()
	if pool.Steps != kernel.F32 {
		r.Steps = pool.Steps.String()
	}
	b := bencher{model: m, vlm: vlm, pool: pool, load: loadOf(m, vlm)}
	if err := b.measure(ctx, r); err != nil {
		return err
	}
	r.PeakMemory = peakMemory() // before the roofs are measured, which takes memory too
	r.PeakGFLOPS, r.PeakGBS = kernel.PeakFMA(r.Workers), kernel.ReadBandwidth(r.Workers)
	switch {
	case pool.Compute == kernel.I8:
		r.PeakGFLOPS = kernel.PeakInt8(r.Workers)
	case pool.Rounds():
		r.PeakGFLOPS = kernel.PeakBF16(r.Workers)
	}
	switch {
	case old != nil:
		return r.compare(old)
	case c.JSON:
		return writeJSON(os.Stdout, r)
	}
	return r.write()
}

// promptTokens is the length of the prompt that is asked for.
func (c *benchModelCmd) promptTokens(m *zoo.Model) int {
	const least, text = 512, 32
	if c.PromptTokens > 0 {
		return c.PromptTokens
	}
	if t := towerOf(m); t != nil {
		return max(least, t.takes+text)
	}
	return least
}

// open opens a model that can be measured; vlm is nil for a tower alone.
func (c *benchModelCmd) open() (m *zoo.Model, vlm model.VLM, err error) {
	switch {
	case c.Preset == "":
		m, err = c.openModel()
	case c.Model != "" || c.Mmproj != "" || c.LoRA != "":
		return nil, nil, errors.New("--preset takes the place of --model, and has no --lora")
	default:
		m, err = openPreset(c.Preset, c.Quant)
	}
	if err != nil {
		return nil, nil, err
	}
	vlm, generates := m.VLM()
	if generates && model.ReadsMemory(vlm.Decoder()) { // a rate of tokens would say little of an encoder and a decoder
		vlm, generates = nil, false
	}
	if !generates && towerOf(m) == nil {
		_ = m.Close()
		return nil, nil, fmt.Errorf("%s: a %s cannot be measured", m.Name, m.Family.Architecture)
	}
	return m, vlm, nil
}

// before reads an earlier result; nil if none is asked for.
func (c *benchModelCmd) before() (*benchResult, error) {
	if c.Compare == "" {
		return nil, nil
	}
	data, err := os.ReadFile(c.Compare)
	if err != nil {
		return nil, err
	}
	old := new(benchResult)
	if err := json.Unmarshal(data, old); err != nil {
		return nil, fmt.Errorf("%s: %w", c.Compare, err)
	}
	if old.ImageMS == 0 && old.PrefillTokS == 0 {
		return nil, fmt.Errorf("%s: no result of fovea bench --json", c.Compare)
	}
	return old, nil
}

func (r *benchResult) write() error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("model", "%s", r.Model)
	row("kernel", "%s, products in %s, of steps in %s, %d workers", r.Kernel, r.Compute, r.Steps, r.Workers)
	if r.ImageMS > 0 {
		row("image encode", "%.2f ms for %d tokens\t%.1f GFLOP/s, %.0f %% of the measured %.1f",
			r.ImageMS, r.ImageTokens, r.ImageGFLOPS, 100*r.ImageGFLOPS/r.PeakGFLOPS, r.PeakGFLOPS)
	}
	if r.FirstTokenMS > 0 && r.PrefillTokS == 0 {
		row("first token", "%.0f ms after a picture", r.FirstTokenMS)
	}
	if r.PrefillTokS > 0 {
		row("prefill", "%.0f tok/s of %d tokens\t%.1f GFLOP/s, %.0f %% of the measured %.1f",
			r.PrefillTokS, r.PromptTokens, r.PrefillGFLOPS, 100*r.PrefillGFLOPS/r.PeakGFLOPS, r.PeakGFLOPS)
		if r.FirstTokenMS > 0 {
			row("first token", "%.0f ms after a picture and a prompt of %d tokens, the picture's among them", r.FirstTokenMS, r.PromptTokens)
		}
		row("decode", "%.1f tok/s of %d tokens\t%.2f GB/s, %.0f %% of the measured %.1f",
			r.DecodeTokS, r.DecodeTokens, r.DecodeGBS, 100*r.DecodeGBS/r.PeakGBS, r.PeakGBS)
		row("", "%.1f allocations a token", r.DecodeAllocs)
	}
	row("peak memory", "%s", size(r.PeakMemory))
	return t.Flush()
}

// compare prints how many times as fast r is as old.
func (r *benchResult) compare(old *benchResult) error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\tbefore\tnow\tratio\n")
	fmt.Fprintf(t, "model\t%s %s\t%s %s\n", old.Model, old.Quant, r.Model, r.Quant)
	fmt.Fprintf(t, "kernel\t%s, %d workers\t%s, %d workers\n", old.Kernel, old.Workers, r.Kernel, r.Workers)
	row := func(name, unit string, before, now, ratio float64) {
		if before > 0 && now > 0 {
			fmt.Fprintf(t, "%s\t%.1f %s\t%.1f %s\t%.2f\n", name, before, unit, now, unit, ratio)
		}
	}
	row("image encode", "ms", old.ImageMS, r.ImageMS, old.ImageMS/r.ImageMS)
	row("first token", "ms", old.FirstTokenMS, r.FirstTokenMS, old.FirstTokenMS/r.FirstTokenMS)
	row("prefill", "tok/s", old.PrefillTokS, r.PrefillTokS, r.PrefillTokS/old.PrefillTokS)
	row("decode", "tok/s", old.DecodeTokS, r.DecodeTokS, r.DecodeTokS/old.DecodeTokS)
	row("peak memory", "MB", float64(old.PeakMemory)/1e6, float64(r.PeakMemory)/1e6, float64(r.PeakMemory)/float64(old.PeakMemory))
	return t.Flush()
}
