package watch

import (
	"maps"
	"math"
	"strconv"
)

// mostPoints bounds a curve: when there are so many points, two become one.
const mostPoints = 2048

// curve is a list of points, each the mean of stride updates.
type curve struct {
	stride int
	full   []sum
	last   sum             // of fewer updates than stride
	valid  bool            // some update was validated
	terms  map[string]bool // that some update had
}

// sum is several updates added up.
type sum struct {
	step           int // of the last one
	n              float64
	loss, lr, norm float64
	tokens, secs   float64         // of the updates whose time is known
	valid          part            // of the updates that were validated
	terms          map[string]part // never changed, as sums share it
}

// part is a sum over some of the updates.
type part struct{ sum, n float64 }

func (p part) plus(o part) part { return part{p.sum + o.sum, p.n + o.n} }

// mean is no number where there was no update.
func (p part) mean() number { return number(p.sum / p.n) }

func (s sum) plus(o sum) sum {
	return sum{
		o.step, s.n + o.n, s.loss + o.loss, s.lr + o.lr, s.norm + o.norm, s.tokens + o.tokens, s.secs + o.secs,
		s.valid.plus(o.valid), joined(s.terms, o.terms),
	}
}

func joined(a, b map[string]part) map[string]part {
	if len(a) == 0 {
		return b
	}
	out := maps.Clone(a)
	for name, p := range b {
		out[name] = out[name].plus(p)
	}
	return out
}

// one is an update.
func (c *curve) one(p Point) sum {
	one := sum{step: p.Step, n: 1, loss: p.Loss, lr: p.LR, norm: p.Norm}
	if p.Seconds > 0 {
		one.tokens, one.secs = float64(p.Tokens), p.Seconds
	}
	if p.Valid != 0 {
		one.valid, c.valid = part{p.Valid, 1}, true
	}
	if len(p.Terms) > 0 {
		one.terms = make(map[string]part, len(p.Terms))
	}
	for name, v := range p.Terms {
		one.terms[name] = part{v, 1}
		c.terms[name] = true
	}
	return one
}

func (c *curve) add(p Point) {
	one := c.one(p)
	c.last = c.last.plus(one)
	if int(c.last.n) < c.stride {
		return
	}
	c.full = append(c.full, c.last)
	c.last = sum{}
	if len(c.full) < mostPoints {
		return
	}
	for i := range mostPoints / 2 {
		c.full[i] = c.full[2*i].plus(c.full[2*i+1])
	}
	c.full, c.stride = c.full[:mostPoints/2], 2*c.stride
}

// all are the points, the unfinished one too.
func (c *curve) all() []sum {
	if c.last.n == 0 {
		return c.full[:len(c.full):len(c.full)]
	}
	return append(c.full[:len(c.full):len(c.full)], c.last)
}

// columns are points as the page reads them. What no update of the run had is left out.
type columns struct {
	Step  []int               `json:"step"`
	Loss  []number            `json:"loss"`
	LR    []number            `json:"lr"`
	Norm  []number            `json:"norm"`
	Rate  []number            `json:"rate"` // tokens a second
	Valid []number            `json:"valid,omitempty"`
	Terms map[string][]number `json:"terms,omitempty"`
}

func (c *curve) columns(points []sum) columns {
	column := func(of func(s sum) number) []number {
		out := make([]number, len(points))
		for i, s := range points {
			out[i] = of(s)
		}
		return out
	}
	out := columns{
		Step: make([]int, len(points)),
		Loss: column(func(s sum) number { return number(s.loss / s.n) }),
		LR:   column(func(s sum) number { return number(s.lr / s.n) }),
		Norm: column(func(s sum) number { return number(s.norm / s.n) }),
		Rate: column(func(s sum) number { return number(s.tokens / s.secs) }),
	}
	for i, s := range points {
		out.Step[i] = s.step
	}
	if c.valid {
		out.Valid = column(func(s sum) number { return s.valid.mean() })
	}
	for name := range c.terms {
		if out.Terms == nil {
			out.Terms = map[string][]number{}
		}
		out.Terms[name] = column(func(s sum) number { return s.terms[name].mean() })
	}
	return out
}

// number is written with five digits, or as null if it is none.
type number float64

// MarshalJSON writes it.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, float64(n), 'g', 5, 64), nil
}
