package imageproc

import (
	"fmt"
	"strings"
)

// Normalize turns bytes into floats: v = byte*Rescale when Rescale is not zero,
// then (v-Mean)/Std for each channel when Std is not zero.
//
// The arithmetic is that of the reference: the product in float64, rounded to
// float32; mean and std rounded to float32 and applied in float32.
type Normalize struct {
	Rescale   float64
	Mean, Std [3]float64
}

func (n Normalize) normalizes() bool { return n.Std != [3]float64{} }

// table returns the value of every byte in every channel.
func (n Normalize) table() *[3][256]float32 {
	t := new([3][256]float32)
	for c := range t {
		mean, std := float32(n.Mean[c]), float32(n.Std[c])
		for b := range t[c] {
			v := float32(b)
			if n.Rescale != 0 {
				v = float32(float64(b) * n.Rescale)
			}
			if n.normalizes() {
				v = (v - mean) / std
			}
			t[c][b] = v
		}
	}
	return t
}

// Processor is the preprocessing of one vision encoder. It is safe for use by
// several goroutines.
type Processor struct {
	steps []Step
	norm  Normalize
	table *[3][256]float32

	tiling    *Tiling        // nil: the whole picture is all that is seen
	tileSteps []Step         // what is done to each tile
	dynamic   *DynamicTiling // in place of steps and tiling; nil: they stand
	parts     int            // lines and columns of parts that a model sees of what Process makes; 0: none
}

// NewPipeline returns the processor that applies steps in order and then norm.
func NewPipeline(norm Normalize, steps ...Step) *Processor {
	return &Processor{steps: steps, norm: norm, table: norm.table()}
}

// Tiled returns the processor that shows tiles too, each after further steps.
func (p *Processor) Tiled(t Tiling, steps ...Step) *Processor {
	q := *p
	q.tiling, q.tileSteps = &t, steps
	return &q
}

// Cut returns the processor of a model that cuts what it is given into n lines and
// columns of parts itself: Show shows them, and Views are the whole alone.
func (p *Processor) Cut(n int) *Processor {
	q := *p
	q.parts = n
	if n < 2 {
		q.parts = 0
	}
	return &q
}

// Tiling tells how pictures are cut, nil if they are not.
func (p *Processor) Tiling() *Tiling { return p.tiling }

// Dynamic tells how pictures are cut into dynamic tiles, nil if they are not.
func (p *Processor) Dynamic() *DynamicTiling { return p.dynamic }

// Processed is a picture as an encoder reads it.
type Processed struct {
	Pixels []float32 // [3, H, W]
	H, W   int
	Geometry
}

// Steps returns the geometric stages, in order.
func (p *Processor) Steps() []Step { return p.steps }

// Smart returns the step that fits pictures to patches, and whether there is one.
func (p *Processor) Smart() (SmartResize, bool) {
	for _, s := range p.steps {
		if r, ok := s.(SmartResize); ok {
			return r, true
		}
	}
	return SmartResize{}, false
}

// Normalize returns the numeric stage.
func (p *Processor) Normalize() Normalize { return p.norm }

// String describes the pipeline on one line, stages separated by bars.
func (p *Processor) String() string {
	parts := []string{"rgb"}
	for _, s := range p.steps {
		parts = append(parts, s.String())
	}
	switch r := p.norm.Rescale; {
	case float32(255*r) == 1:
		parts = append(parts, "rescale 1/255")
	case r != 0:
		parts = append(parts, fmt.Sprintf("rescale %g", r))
	}
	if p.norm.normalizes() {
		parts = append(parts, "normalise")
	}
	if p.tiling != nil {
		parts = append(parts, "and "+p.tiling.String())
	}
	if p.dynamic != nil {
		parts = append(parts, p.dynamic.String())
	}
	return strings.Join(parts, " | ")
}

// OutputSize returns the size, in pixels, of what a picture of w by h pixels
// becomes; tiles apart.
func (p *Processor) OutputSize(w, h int) (outW, outH int) {
	for _, s := range p.steps {
		size := s.place(w, h).win.Size()
		w, h = size.X, size.Y
	}
	return w, h
}

// Process computes the encoder's view of the whole img. Its pixels are written to dst
// when dst has the capacity, and to a new slice otherwise. The only errors are
// an empty picture and one so long and thin that its scaled size is absurd.
func (p *Processor) Process(img *RGB, dst []float32) (Processed, error) {
	view, geo, err := p.View(img)
	if err != nil {
		return Processed{}, err
	}
	n := 3 * view.W * view.H
	if cap(dst) < n {
		dst = make([]float32, n)
	}
	dst = dst[:n]
	planar(dst, view.Pix, p.table)
	return Processed{Pixels: dst, H: view.H, W: view.W, Geometry: geo}, nil
}

// View applies the geometric stages only: what the encoder sees, still in bytes.
func (p *Processor) View(img *RGB) (*RGB, Geometry, error) { return show(img, p.steps) }

func show(img *RGB, steps []Step) (*RGB, Geometry, error) {
	all, geo, err := plan(img.W, img.H, steps)
	if err != nil {
		return nil, geo, err
	}
	for _, at := range all {
		img = at.apply(img)
	}
	return img, geo, nil
}

// planar looks interleaved bytes up in table and writes them channel by channel.
func planar(dst []float32, pix []uint8, table *[3][256]float32) {
	n := len(pix) / 3
	r, g, b := dst[:n], dst[n:2*n], dst[2*n:3*n]
	for i := range r {
		px := pix[3*i : 3*i+3 : 3*i+3]
		r[i] = table[0][px[0]]
		g[i] = table[1][px[1]]
		b[i] = table[2][px[2]]
	}
}
