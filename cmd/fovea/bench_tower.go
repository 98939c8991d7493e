package main

import (
	"image"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/llava"
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
		views := grey(net.Vision)
		t := &tower{run: func(c *tensor.Ctx) { net.Features(c, []*model.Tiles{{Views: views}}) }}
		t.count(m, net.Vision)
		return t
	case *clip.VisionModel:
		views := grey(net.Vision)
		t := &tower{run: func(c *tensor.Ctx) { net.Encode(c, &views) }}
		t.count(m, net.Vision)
		return t
	}
	return nil
}

// grey is a picture whose values do not matter, of the size that a tower reads.
func grey(v vit.Tower) model.Views {
	side := v.Config().ImageSize
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
