package imageproc

// Views is all that an encoder sees of one picture: the whole, and where the
// processor cuts pictures, its tiles row by row.
type Views struct {
	Pixels []float32 // of every view, each [3, H, W]
	Each   []View
	Cols   int // tiles across; 0 if the picture is not cut
	Rows   int // tiles down
}

// View is the size of one view in pixels, and where they come from.
type View struct {
	H, W int
	Geometry
}

// Views computes every view of img. The errors are those of Process.
func (p *Processor) Views(img *RGB) (*Views, error) {
	shown, err := p.show(img)
	if err != nil {
		return nil, err
	}
	out := &Views{Cols: shown.Cols, Rows: shown.Rows}
	size := 0
	for _, m := range shown.Pictures {
		size += len(m.Pix)
	}
	out.Pixels = make([]float32, size)
	at := 0
	for i, m := range shown.Pictures {
		planar(out.Pixels[at:at+len(m.Pix)], m.Pix, p.table)
		at += len(m.Pix)
		out.Each = append(out.Each, View{m.H, m.W, shown.Geometry[i]})
	}
	return out, nil
}

// Shown is Views still in bytes.
type Shown struct {
	Pictures   []*RGB
	Geometry   []Geometry
	Cols, Rows int
}

// Show applies the geometric stages only: what the encoder sees in every view.
func (p *Processor) Show(img *RGB) (*Shown, error) {
	out, err := p.show(img)
	if err != nil || p.parts == 0 {
		return out, err
	}
	whole, geo := out.Pictures[0], out.Geometry[0]
	w, h := whole.W/p.parts, whole.H/p.parts
	for y := 0; y < p.parts; y++ {
		for x := 0; x < p.parts; x++ {
			out.Pictures = append(out.Pictures, whole.Window(x*w, y*h, w, h, Color{}))
			out.Geometry = append(out.Geometry, geo.moved(x*w, y*h))
		}
	}
	out.Cols, out.Rows = p.parts, p.parts
	return out, nil
}

func (p *Processor) show(img *RGB) (*Shown, error) {
	plans, out := [][]Step{p.steps}, &Shown{}
	if p.tiling != nil && img.W > 0 && img.H > 0 {
		out.Cols, out.Rows = p.tiling.Grid(img.W, img.H)
		for _, t := range p.tiling.tiles(img.W, img.H) {
			plans = append(plans, append([]Step{t}, p.tileSteps...))
		}
	}
	for _, steps := range plans {
		view, geo, err := show(img, steps)
		if err != nil {
			return nil, err
		}
		out.Pictures, out.Geometry = append(out.Pictures, view), append(out.Geometry, geo)
	}
	return out, nil
}
