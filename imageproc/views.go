package imageproc

// Views is all that an encoder sees of one picture: the whole, and where the
// processor cuts pictures, its tiles row by row.
type Views struct {
	Pixels []float32 // of every view, each [3, H, W]
	Each   []View
	Cols   int // tiles across; 0 if the picture is not cut
	Rows   int // tiles down
	Whole  int // which view shows the whole picture, the others being tiles; -1 if none does
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
	out := &Views{Cols: shown.Cols, Rows: shown.Rows, Whole: shown.Whole}
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
	Whole      int // as in Views
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
	if img.W < 1 || img.H < 1 {
		_, _, err := show(img, nil)
		return nil, err
	}
	plans, out := p.plans(img.W, img.H)
	for _, steps := range plans {
		view, geo, err := show(img, steps)
		if err != nil {
			return nil, err
		}
		out.Pictures, out.Geometry = append(out.Pictures, view), append(out.Geometry, geo)
	}
	return out, nil
}

// plans are the steps of every view of a picture of w by h pixels.
func (p *Processor) plans(w, h int) (plans [][]Step, out *Shown) {
	plans, out = [][]Step{p.steps}, &Shown{}
	if p.dynamic != nil {
		plans, out.Cols, out.Rows, out.Whole = p.dynamic.views(w, h)
	}
	if p.tiling != nil {
		out.Cols, out.Rows = p.tiling.Grid(w, h)
		for _, t := range p.tiling.tiles(w, h) {
			plans = append(plans, append([]Step{t}, p.tileSteps...))
		}
	}
	return plans, out
}

// Tile is the number of the tile that a view shows, row by row; -1 for the whole picture.
func (s *Shown) Tile(view int) int {
	switch {
	case view == s.Whole:
		return -1
	case s.Whole >= 0 && view > s.Whole:
		return view - 1
	}
	return view
}
