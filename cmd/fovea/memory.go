package main

import (
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// memory is what inference takes, in bytes.
type memory struct {
	Weights     int64 `json:"weights_bytes"`               // as stored; mapped from the file
	Cache       int64 `json:"kv_cache_bytes,omitempty"`    // at full context
	Activations int64 `json:"activations_bytes,omitempty"` // estimate: one picture and a short question
}

const (
	float32Bytes   = 4
	questionTokens = 64 // of the estimate's question, the template included
)

func memoryOf(m *zoo.Model) memory {
	var out memory
	nn.Walk(m.Net, func(_ string, t *tensor.Tensor) {
		out.Weights += int64(t.Bytes())
	})
	if vlm, ok := m.VLM(); ok {
		out.Activations = activations(m)
		out.Cache = cachePerToken(vlm.Decoder()) * int64(vlm.Decoder().Context())
	}
	return out
}

// activations estimates what one prefill keeps: every block's output, what is
// outside of blocks, and all that the largest block makes while it runs.
func activations(m *zoo.Model) (bytes int64) {
	picture := 0
	if v, ok := m.Net.(interface{ TokensPerImage() int }); ok {
		picture = v.TokensPerImage() + 1 // the class token
	}
	blocks := map[string]int64{}
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) {
		rows := picture
		if m.Family.PartOf(name) == "language" {
			rows += questionTokens
		}
		made := int64(rows) * floatsPerRow(name, t) * float32Bytes
		block, inside := blockOf(name)
		if !inside {
			bytes += made
			return
		}
		if _, seen := blocks[block]; !seen {
			bytes += int64(rows) * int64(t.Shape[len(t.Shape)-1]) * float32Bytes // the first tensor is a norm, as wide as the output
		}
		blocks[block] += made
	})
	largest := int64(0)
	for _, b := range blocks {
		largest = max(largest, b)
	}
	return bytes + largest
}

// blockOf cuts a parameter's name behind the number of its block.
func blockOf(name string) (block string, inside bool) {
	before, after, inside := strings.Cut(name, ".layers.")
	number, _, _ := strings.Cut(after, ".")
	return before + ".layers." + number, inside
}

// cachePerToken is the size of one token's keys and values in all layers.
func cachePerToken(d model.Decoder) (bytes int64) {
	const keysAndValues = 2
	for _, l := range d.NewCache(1).Layer {
		bytes += keysAndValues * int64(l.Width()) * float32Bytes
	}
	return bytes
}

// floatsPerRow is what a layer makes of each row: a norm its output, a matrix
// its product and what a rotation, an activation or the residual makes of that.
// Tables are looked up, and the head runs for the last row only.
func floatsPerRow(name string, t *tensor.Tensor) int64 {
	switch {
	case strings.Contains(name, "embed"), strings.Contains(name, "lm_head"), strings.HasSuffix(name, ".bias"), len(t.Shape) == 0:
		return 0
	case len(t.Shape) == 1:
		return int64(t.Shape[0])
	default:
		return 2 * int64(t.Shape[0])
	}
}

func (m memory) write(row func(name, format string, args ...any)) {
	row("memory", "")
	row("  weights", "%s", size(m.Weights))
	if m.Cache > 0 {
		row("  KV cache", "%s at full context", size(m.Cache))
	}
	if m.Activations > 0 {
		row("  activations", "about %s for a picture and a question", size(m.Activations))
	}
}
