package main

import (
	"image"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blip"
	"github.com/fovea-ml/fovea/model/blip2"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/model/qwen2vl"
	"github.com/fovea-ml/fovea/model/qwenvl"
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
	takes  int           // tokens of the prompt
	reads  *model.Prompt // what an answer begins with, where the decoder reads the picture by cross-attention
}

// towerOf returns nil for a model of text only.
func towerOf(m *zoo.Model) *tower {
	switch net := m.Net.(type) {
	case *llava.Model:
		return tiledTower(m, net)
	case *blip2.Model:
		t := adapted(net, square(net.Vision.Config().ImageSize))
		t.count(m, net.Vision, func(name string) int { return queriesOf(net.Config(), name) })
		return t
	case *qwenvl.Model:
		return resampledTower(m, net)
	case *qwen2vl.Model:
		return dynamicTower(m, net)
	case *sphinx.Model:
		return ensembleTower(net)
	case *blip.Captioner:
		cfg := net.Config()
		t := encoded(net.Vision, cfg.Vision.ImageSize)
		t.count(m, net.Vision, nil)
		t.reads = &model.Prompt{IDs: []int32{cfg.Text.StartID}, Images: []*model.Tiles{{Views: square(cfg.Vision.ImageSize)}}}
		return t
	case *clip.VisionModel:
		t := encoded(net, net.Vision.Side())
		t.count(m, net.Vision, nil)
		return t
	}
	return nil
}

// adapted is the way of a picture through encoder and adapter, encoded through an encoder alone.
func adapted(net model.Pictured, views model.Views) *tower {
	return adaptedTiles(net, &model.Tiles{Views: views})
}

func adaptedTiles(net model.Pictured, tiles *model.Tiles) *tower {
	return &tower{run: func(c *tensor.Ctx) { net.Features(c, []*model.Tiles{tiles}) }, takes: net.Tokens(tiles)}
}

// tiledTower is the way of a picture in LLaVA: of the tower's size in LLaVA-1.5, and
// of twice that, whole and as four tiles, in those that cut pictures.
func tiledTower(m *zoo.Model, net *llava.Model) *tower {
	side := net.Vision.Config().ImageSize
	tiles := &model.Tiles{Views: square(side)}
	if net.Newline != nil {
		tiles.Cols, tiles.Rows, tiles.Original = 2, 2, image.Pt(2*side, 2*side)
		for range 4 {
			view := square(side)
			tiles.Views.Append(&view)
		}
	}
	t, views := adaptedTiles(net, tiles), len(tiles.Views.Sizes)
	t.count(m, net.Vision, nil)
	t.tokens *= views
	t.flops *= float64(views)
	return t
}

func encoded(v model.Encoder, side int) *tower {
	views := square(side)
	return &tower{run: func(c *tensor.Ctx) { v.Encode(c, &views) }}
}

// queriesOf is the number of rows that a matrix of BLIP-2's adapter maps: those of
// its queries, 0 for all that the picture has. Nothing is read beside the picture.
func queriesOf(cfg blip2.Config, name string) int {
	for _, features := range []string{"vision_model.", ".crossattention.attention.key.", ".crossattention.attention.value."} {
		if strings.Contains(name, features) {
			return 0
		}
	}
	for _, text := range []string{"embeddings.", ".intermediate.dense.", ".output.dense."} {
		if strings.Contains(name, text) && !strings.Contains(name, "attention.output.") {
			return -1
		}
	}
	return cfg.Queries
}

// ensembleTower is the way of a picture through several encoders, its views made of it included.
func ensembleTower(net *sphinx.Model) *tower {
	t, work := adapted(net, square(net.Vision.Side())), net.Vision.Work()
	for i, g := range net.Vision.Groups {
		rows := g.Rows() * net.Vision.Views()
		nn.Walk(net.Adapters[i], func(_ string, w *tensor.Tensor) {
			if len(w.Shape) == 2 {
				work += rows * w.Len()
			}
		})
	}
	t.tokens, t.flops = net.TokensPerImage(), multiplyAdd*float64(work)
	return t
}

// grey is a picture whose values do not matter, of the size that a tower reads.
func grey(w, h int) model.Views {
	pixels := make([]float32, 3*w*h)
	for i := range pixels {
		pixels[i] = float32(i%7) / 7
	}
	return model.Views{Pixels: pixels, Sizes: []image.Point{{X: w, Y: h}}}
}

func square(side int) model.Views { return grey(side, side) }

// count adds up the multiply-adds of the matrices and of the tower's attention,
// twice, in the blocks that run. mapped tells of how many rows a matrix maps, 0 for
// as many as the tower has and -1 for none; nil: 0 for all.
func (t *tower) count(m *zoo.Model, v vit.Tower, mapped func(name string) int) {
	cfg := v.Config()
	t.tokens = cfg.Grid()*cfg.Grid() + 1
	t.matrices(m, func(_, name string) int {
		if strings.Contains(name, "position_embedding") || blockNumber(name) >= v.Depth() {
			return -1
		}
		rows := 0
		if mapped != nil {
			rows = mapped(name)
		}
		if rows == 0 {
			rows = t.tokens
		}
		return rows
	})
	t.attention(t.tokens*t.tokens*v.Depth(), cfg.HiddenSize)
}

const multiplyAdd = 2

// matrices adds the multiply-adds of the matrices of tower and adapter, twice.
// mapped tells of how many rows one maps; of none where it is no factor.
func (t *tower) matrices(m *zoo.Model, mapped func(part, name string) int) {
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		if part := m.Family.PartOf(name); len(w.Shape) == 2 && (part == "vision" || part == "adapter") {
			t.flops += multiplyAdd * float64(max(0, mapped(part, name))) * float64(w.Len())
		}
	})
}

// attention adds those of scores and values, for so many pairs of rows.
func (t *tower) attention(pairs, width int) {
	const products = 2
	t.flops += multiplyAdd * products * float64(pairs) * float64(width)
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
