package main

import (
	"fmt"
	"os"
	"runtime"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/kernel"
)

type benchMachineCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (benchMachineCmd) Help() string {
	return `The roofs that no kernel can break: multiply-adds in registers, and reading
memory that no cache holds. FOVEA_KERNEL=avx2 or generic chooses slower kernels.

Examples:

    fovea bench machine
    fovea bench machine --json --workers 4`
}

// machine is what bench tells of the machine.
type machine struct {
	Platform string   `json:"platform"` // linux/amd64
	Cores    int      `json:"cores"`
	Kernel   string   `json:"kernel"`    // in use
	Kernels  []string `json:"available"` // that this machine can run, fastest first
	Workers  int      `json:"workers"`
	One      roofs    `json:"one_core"`
	All      roofs    `json:"workers_together"`
}

// roofs are measured limits.
type roofs struct {
	GFLOPS float64 `json:"f32_gflop_per_s"`
	BF16   float64 `json:"bf16_gflop_per_s,omitempty"` // by matrix units
	Int8   float64 `json:"int8_gop_per_s,omitempty"`
	GBS    float64 `json:"read_gb_per_s"`
}

func (c *benchMachineCmd) Run(g *globals) error {
	m := machine{Platform: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Kernel: kernel.Name(), Workers: g.workers()}
	for _, impl := range kernel.Impls {
		if impl.Available {
			m.Kernels = append(m.Kernels, impl.Name)
		}
	}
	m.Kernels = append(m.Kernels, "generic")
	m.One, m.All = measureRoofs(1), measureRoofs(m.Workers)
	if c.JSON {
		return writeJSON(os.Stdout, m)
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "machine\t%s, %d cores\n", m.Platform, m.Cores)
	fmt.Fprintf(t, "kernel\t%s of %v\n", m.Kernel, m.Kernels)
	fmt.Fprintf(t, "\tone core\t%d workers\n", m.Workers)
	fmt.Fprintf(t, "float32\t%.1f\t%.1f GFLOP/s\n", m.One.GFLOPS, m.All.GFLOPS)
	if m.One.BF16 > 0 {
		fmt.Fprintf(t, "bfloat16\t%.1f\t%.1f GFLOP/s, matrix units\n", m.One.BF16, m.All.BF16)
	}
	if m.One.Int8 > 0 {
		fmt.Fprintf(t, "8-bit integers\t%.1f\t%.1f GOP/s\n", m.One.Int8, m.All.Int8)
	}
	fmt.Fprintf(t, "memory, reading\t%.1f\t%.1f GB/s\n", m.One.GBS, m.All.GBS)
	return t.Flush()
}

func measureRoofs(workers int) roofs {
	return roofs{GFLOPS: kernel.PeakFMA(workers), BF16: kernel.PeakBF16(workers), Int8: kernel.PeakInt8(workers), GBS: kernel.ReadBandwidth(workers)}
}
