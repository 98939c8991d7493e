package main

import (
	"image"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/model/sphinx"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// tower is the way of a picture's pixels through encoder and adapter.
type tower struct {
	run    func(*tensor.Ctx)
	tokens int // that the encoder computes, the class token included
	flops  float64
}

// towerOf returns nil for a model of text only.
func towerOf(m *zoo.Model) *tower {
	switch net := m.Net.(type) {
	case *llava.Model:
		views := grey(net.Vision.Config().ImageSize)
		t := &tower{run: func(c *tensor.Ctx) { net.Features(c, []*model.Tiles{{Views: views}}) }}
		t.count(m, net.Vision)
		return t
	case *sphinx.Model:
		return ensembleTower(net)
	case *clip.VisionModel:
		views := grey(net.Vision.Side())
		t := &tower{run: func(c *tensor.Ctx) { net.Encode(c, &views) }}
		t.count(m, net.Vision)
		return t
	}
	return nil
}

// ensembleTower is the way of a picture through several encoders, its views made of it included.
func ensembleTower(net *sphinx.Model) *tower {
	const multiplyAdd = 2
	views := grey(net.Vision.Side())
	work := net.Vision.Work()
	for i, g := range net.Vision.Groups {
		rows := g.Rows() * net.Vision.Views()
		nn.Walk(net.Adapters[i], func(_ string, w *tensor.Tensor) {
			if len(w.Shape) == 2 {
				work += float64(rows) * float64(w.Len())
			}
		})
	}
	return &tower{
		run:    func(c *tensor.Ctx) { net.Features(c, []*model.Tiles{{Views: views}}) },
		tokens: net.TokensPerImage(), flops: multiplyAdd * work,
	}
}

// grey is a picture whose values do not matter, of the size that a tower reads.
func grey(side int) model.Views {
	pixels := make([]float32, 3*side*side)
	for i := range pixels {
		pixels[i] = float32(i%7) / 7
	}
	return model.Views{Pixels: pixels, Sizes: []image.Point{{X: side, Y: side}}}
}

// count adds up the multiply-adds of the matrices and of attention, twice, in
// the blocks that run.
func (t *tower) count(m *zoo.Model, v vit.Tower) {
	const multiplyAdd, products = 2, 2
	cfg := v.Config()
	t.tokens = cfg.Grid()*cfg.Grid() + 1
	rows := float64(t.tokens)
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		if part := m.Family.PartOf(name); len(w.Shape) != 2 || part != "vision" && part != "adapter" ||
			strings.Contains(name, "position_embedding") || blockNumber(name) >= v.Depth() {
			return
		}
		t.flops += multiplyAdd * rows * float64(w.Len())
	})
	t.flops += multiplyAdd * products * rows * rows * float64(cfg.HiddenSize*v.Depth())
}

// blockNumber is that of the block that a parameter is in, -1 outside of blocks.
func blockNumber(name string) int {
	_, after, _ := strings.Cut(name, ".layers.")
	number, _, _ := strings.Cut(after, ".")
	if n, err := strconv.Atoi(number); err == nil {
		return n
	}
	return -1
}
