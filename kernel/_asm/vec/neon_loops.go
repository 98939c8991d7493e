package main

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel/_asm/a64"
)

func (a *neon) start() {}

// block writes the body for each part of one block, some interleaved.
func (a *neon) block(body func(part int)) {
	code := a.code
	for first := 0; first < neonParts; first += a.group {
		var parts [][]inst
		for a.part = first; a.part < first+a.group; a.part++ {
			a.code = nil
			body(a.part)
			parts = append(parts, a.code)
		}
		for i := range parts[0] {
			for _, p := range parts {
				code = append(code, p[i])
			}
		}
	}
	a.code, a.part = code, 0
}

// steps repeats the body while n has step more elements.
func (a *neon) steps(label string, n value, step int, body func()) {
	a.op("SUBS $%d, %s", step, n.Asm())
	a.jump(label+"done", "BLT")
	a.label(label)
	body()
	a.advance(step)
	a.op("SUBS $%d, %s", step, n.Asm())
	a.jump(label, "BGE")
	a.label(label + "done")
	a.op("ADD $%d, %s", step, n.Asm())
}

func (a *neon) each(n value, partial bool, body func()) {
	a.steps("block", n, lanes, func() { a.block(func(int) { body() }) })
	if !partial {
		return
	}
	a.steps("part", n, lanes/neonParts, body)
	a.jump("end", "CBZ %s,", n.Asm())
	a.last(n, body)
	a.label("end")
}

// last writes the body for the 1 to 3 elements that n counts.
func (a *neon) last(n value, body func()) {
	a.rest = n.(*pointer)
	body()
	a.rest, a.inside = nil, nil
}

func (a *neon) partials(unroll int, init func(v value)) partials {
	p := make(partials, unroll)
	for u := range p {
		for range neonParts {
			v := a.vec()
			init(v)
			p[u] = append(p[u], v)
		}
	}
	return p
}

func (a *neon) reduce(n value, p partials, join func(x, y value), body func(acc value)) value {
	if len(p) > 1 {
		a.steps("blocks", n, lanes*len(p), func() {
			for u := range p {
				a.disp = lanes * u
				a.block(func(part int) { body(p[u][part]) })
			}
			a.disp = 0
		})
	}
	a.steps("block", n, lanes, func() { a.block(func(part int) { body(p[0][part]) }) })
	for a.part = range neonParts - 1 {
		a.op("CMP $%d, %s", lanes/neonParts, n.Asm())
		a.jump(fmt.Sprintf("rest%d", a.part), "BLT")
		body(p[0][a.part])
		a.op("SUB $%d, %s", lanes/neonParts, n.Asm())
	}
	for a.part = neonParts - 1; a.part >= 0; a.part-- {
		a.label(fmt.Sprintf("rest%d", a.part))
		a.jump("fold", "CBZ %s,", n.Asm())
		a.last(n, func() { body(p[0][a.part]) })
		if a.part > 0 {
			a.jump("fold", "B")
		}
	}
	a.part = 0
	a.label("fold")
	return a.fold(p, join)
}

// fold joins the partials in the order of lanes.fold in vec_reduce.go.
func (a *neon) fold(p partials, join func(x, y value)) value {
	for w := 1; w < len(p); w *= 2 {
		for u := 0; u < len(p); u += 2 * w {
			for part := range p[u] {
				join(p[u][part], p[u+w][part])
			}
		}
	}
	for w := neonParts / 2; w > 0; w /= 2 {
		for part := range w {
			join(p[0][part], p[0][part+w])
		}
	}
	x, other := p[0][0], a.vec()
	a.two(a64.Upper, other, x)
	join(x, other)
	a.two(func(d, n int) string { return a64.Dup(d, n, 1) }, other, x)
	join(x, other)
	return x
}
