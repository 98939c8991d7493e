package ensemble

import (
	"github.com/fovea-ml/fovea/model/convnext"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Work is the number of multiply-adds with which all encoders see one picture: of
// their matrices, convolutions and attention. It is what speed is measured against.
func (m *Model) Work() (n int) {
	for _, g := range m.Groups {
		for _, e := range g.Members {
			n += m.Views() * e.work(e.look.side(m.side, m.grid))
		}
	}
	return n
}

// work is that of one view of side pixels.
func (e *Member) work(side int) int {
	switch v := e.Encoder.(type) {
	case *queries:
		return v.work()
	case *convnext.Model:
		return convolutions(v, side)
	case vit.Tower:
		return blocks(v, side, e.class)
	}
	return 0
}

// blocks is the work of a vision transformer. Its matrices are four of attention and
// those of the MLP; attention multiplies every row with every other one, twice.
func blocks(v vit.Tower, side int, class bool) int {
	cfg, places := v.Config(), side/v.Config().PatchSize
	patches, d := places*places, cfg.HiddenSize
	rows := patches
	if class {
		rows++
	}
	block := rows*(4*d*d+inner(v)) + 2*rows*rows*d
	return patches*3*cfg.PatchSize*cfg.PatchSize*d + v.Depth()*block
}

// inner are the elements of the matrices of a block's MLP.
func inner(v vit.Tower) (n int) {
	if t, ok := v.(interface{ MLP() nn.Layer }); ok {
		nn.Walk(t.MLP(), func(_ string, w *tensor.Tensor) {
			if len(w.Shape) == 2 {
				n += w.Len()
			}
		})
	}
	return n
}

// convolutions is the work of ConvNeXt, whose maps shrink from stage to stage.
func convolutions(v *convnext.Model, side int) (n int) {
	for i, s := range v.Stages {
		places := v.Places(side, i) * v.Places(side, i)
		if i == 0 {
			n += places * v.Patch.Weight.Len()
		} else {
			n += places * s.Down.Weight.Len()
		}
		for _, b := range s.Blocks {
			n += places * (b.Conv.Weight.Len() + b.FC1.Weight.Len() + b.FC2.Weight.Len())
		}
	}
	return n
}

// work is that of the tower and of the queries, which attend to each other in every
// layer, and in some to the tower's rows.
func (q *queries) work() int {
	cfg, seen := q.QFormer.Config(), q.Vision.Rows()
	n, d := q.Queries.Rows(), cfg.HiddenSize
	layer := n*(4*d*d+2*d*cfg.IntermediateSize) + 2*n*n*d
	cross := 2*n*d*d + 2*seen*cfg.EncoderWidth*d + 2*n*seen*d
	layers := cfg.NumHiddenLayers
	asking := (layers + cfg.CrossEvery - 1) / cfg.CrossEvery
	return blocks(q.Vision, q.Vision.Config().ImageSize, true) + layers*layer + asking*cross
}
