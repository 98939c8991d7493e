package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/kernel"
)

type benchCmd struct {
	Model        string `help:"Checkpoint directory, instead of the model in the binary." placeholder:"DIR"`
	PromptTokens int    `help:"Tokens to prefill." default:"512" placeholder:"N"`
	DecodeTokens int    `help:"Tokens to decode." default:"64" placeholder:"N"`
	JSON         bool   `name:"json" help:"Print JSON."`
}

func (benchCmd) Help() string {
	return `Prefill and the vision encoder are bound by arithmetic, decoding by memory: each
rate stands beside the limit measured on this machine with the same cores.

Examples:

    fovea bench
    fovea bench --model llava-1.5-7b --prompt-tokens 640 --workers 8 --json`
}

// benchResult is what bench tells.
type benchResult struct {
	Model         string  `json:"model"`
	Kernel        string  `json:"kernel"`
	Workers       int     `json:"workers"`
	ImageMS       float64 `json:"image_encode_ms,omitempty"`
	PromptTokens  int     `json:"prompt_tokens"`
	PrefillTokS   float64 `json:"prefill_tokens_per_s"`
	PrefillGFLOPS float64 `json:"prefill_gflop_per_s"`
	PeakGFLOPS    float64 `json:"peak_gflop_per_s"` // measured multiply-add limit of the cores
	DecodeTokens  int     `json:"decode_tokens"`
	DecodeTokS    float64 `json:"decode_tokens_per_s"`
	DecodeGBS     float64 `json:"decode_gb_per_s"`
	PeakGBS       float64 `json:"peak_gb_per_s"` // measured reading limit of the cores
	PeakMemory    int64   `json:"peak_memory_bytes"`
}

func (c *benchCmd) Run(ctx context.Context, g *globals) error {
	if c.PromptTokens < 1 || c.DecodeTokens < 1 {
		return fmt.Errorf("--prompt-tokens %d and --decode-tokens %d, want at least 1", c.PromptTokens, c.DecodeTokens)
	}
	m, vlm, err := openGenerator(c.Model)
	if err != nil {
		return err
	}
	defer m.Close()
	pool := g.pool()
	defer pool.Close()
	r := benchResult{Model: m.Name, Kernel: kernel.Name(), Workers: g.workers()}
	room := vlm.Decoder().Context()
	r.DecodeTokens = min(c.DecodeTokens, max(1, room/2))
	r.PromptTokens = min(c.PromptTokens, room-r.DecodeTokens)
	b := bencher{model: m, vlm: vlm, pool: pool, load: loadOf(m, vlm)}
	if err := b.measure(ctx, &r); err != nil {
		return err
	}
	r.PeakMemory = peakMemory() // before the roofs are measured, which takes memory too
	r.PeakGFLOPS, r.PeakGBS = kernel.PeakFMA()*float64(r.Workers), kernel.ReadBandwidth(r.Workers)
	if c.JSON {
		return writeJSON(os.Stdout, r)
	}
	return r.write()
}

func (r *benchResult) write() error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("model", "%s", r.Model)
	row("kernel", "%s, %d workers", r.Kernel, r.Workers)
	if r.ImageMS > 0 {
		row("image encode", "%.2f ms", r.ImageMS)
	}
	row("prefill", "%.0f tok/s of %d tokens\t%.1f GFLOP/s, %.0f %% of the measured %.1f",
		r.PrefillTokS, r.PromptTokens, r.PrefillGFLOPS, 100*r.PrefillGFLOPS/r.PeakGFLOPS, r.PeakGFLOPS)
	row("decode", "%.1f tok/s of %d tokens\t%.2f GB/s, %.0f %% of the measured %.1f",
		r.DecodeTokS, r.DecodeTokens, r.DecodeGBS, 100*r.DecodeGBS/r.PeakGBS, r.PeakGBS)
	row("peak memory", "%s", size(r.PeakMemory))
	return t.Flush()
}
