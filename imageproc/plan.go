package imageproc

import "fmt"

// Fits tells why a picture of w by h pixels cannot be processed, without
// processing one; nil if nothing about its size forbids it.
func (p *Processor) Fits(w, h int) error {
	plans := [][]Step{nil}
	if w > 0 && h > 0 {
		plans, _ = p.plans(w, h)
	}
	for _, steps := range plans {
		if _, _, err := plan(w, h, steps); err != nil {
			return err
		}
	}
	return nil
}

// Placed tells where a picture of w by h pixels comes to stand in each of its views, in
// the order of Views, without computing one.
func (p *Processor) Placed(w, h int) ([]Geometry, error) {
	if w < 1 || h < 1 {
		_, geo, err := plan(w, h, nil)
		return []Geometry{geo}, err
	}
	plans, _ := p.plans(w, h)
	var out []Geometry
	for _, steps := range plans {
		_, geo, err := plan(w, h, steps)
		if err != nil {
			return nil, err
		}
		out = append(out, geo)
	}
	return out, nil
}

// plan is what steps do to a picture of w by h pixels, and where that comes to stand.
func plan(w, h int, steps []Step) ([]placement, Geometry, error) {
	geo := identity()
	if w < 1 || h < 1 {
		return nil, geo, fmt.Errorf("imageproc: a picture of %d×%d pixels cannot be processed", w, h)
	}
	var all []placement
	for i := 0; i < len(steps); i++ {
		at := steps[i].place(w, h)
		if i+1 < len(steps) && at.showsAll() && max(at.w, at.h) <= maxScaledSide {
			// A window right after a scaling: compute no pixel that it discards.
			if next := steps[i+1].place(at.w, at.h); next.w == at.w && next.h == at.h {
				at = at.then(next)
				i++
			}
		}
		if err := at.check(); err != nil {
			return nil, geo, fmt.Errorf("imageproc: %v of a %d×%d picture: %w", steps[i], w, h, err)
		}
		geo = geo.resized(w, h, at.w, at.h).moved(at.win.Min.X, at.win.Min.Y)
		all = append(all, at)
		w, h = at.win.Dx(), at.win.Dy()
	}
	return all, geo, nil
}
