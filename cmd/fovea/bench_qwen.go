package main

import (
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/qwen2vl"
	"github.com/fovea-ml/fovea/model/qwenvl"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// dynamicTower is the way of a picture of 1,280 tokens: of 1120×896 pixels in
// Qwen2-VL and Qwen2.5-VL, of 1280×1024 in Qwen3-VL.
func dynamicTower(m *zoo.Model, net *qwen2vl.Model) *tower {
	const across, down = 40, 32
	cfg := net.Vision.Config()
	side := cfg.PatchSize * cfg.Merge
	views := grey(across*side, down*side)
	p := &model.Prompt{IDs: slices.Repeat([]int32{-1}, across*down), At: []int{0}, Images: []*model.Tiles{{Views: views}}}
	t := &tower{run: func(c *tensor.Ctx) { net.Embed(c, p) }, tokens: across * down * cfg.Merge * cfg.Merge, takes: across * down}
	t.matrices(m, func(part, name string) int {
		switch {
		case strings.Contains(name, "pos_embed"):
			return 0
		case part == "adapter":
			return across * down
		}
		return t.tokens
	})
	t.attention(net.Vision.Pairs(&views), cfg.Width)
	return t
}

// resampledTower is the way of a picture in Qwen-VL.
func resampledTower(m *zoo.Model, net *qwenvl.Model) *tower {
	cfg, r := net.Vision.Config(), net.Resampler
	t := adapted(net, square(cfg.ImageSize))
	t.tokens = cfg.Grid() * cfg.Grid()
	t.matrices(m, func(part, name string) int {
		switch {
		case strings.HasSuffix(name, "positional_embedding") || strings.HasSuffix(name, "pos_embed") || strings.HasSuffix(name, "query"):
			return 0
		case strings.HasSuffix(name, "in_proj_weight"): // a third each for queries, keys and values
			return (r.Queries() + 2*t.tokens) / 3
		case part == "adapter" && !strings.Contains(name, "kv_proj"):
			return r.Queries()
		}
		return t.tokens
	})
	t.attention(t.tokens*t.tokens*len(net.Vision.Blocks), cfg.HiddenSize)
	t.attention(t.tokens*r.Queries(), r.Query.Cols())
	return t
}
