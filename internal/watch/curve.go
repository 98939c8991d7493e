package watch

import (
	"math"
	"strconv"
)

// mostPoints bounds a curve: when there are so many points, two become one.
const mostPoints = 2048

// curve is a list of points, each the mean of stride updates.
type curve struct {
	stride int
	full   []sum
	last   sum // of fewer updates than stride
}

// sum is several updates added up.
type sum struct {
	step           int // of the last one
	n              float64
	loss, lr, norm float64
	tokens, secs   float64 // of the updates whose time is known
}

func (s sum) plus(o sum) sum {
	return sum{o.step, s.n + o.n, s.loss + o.loss, s.lr + o.lr, s.norm + o.norm, s.tokens + o.tokens, s.secs + o.secs}
}

func (c *curve) add(p Point) {
	one := sum{step: p.Step, n: 1, loss: p.Loss, lr: p.LR, norm: p.Norm}
	if p.Seconds > 0 {
		one.tokens, one.secs = float64(p.Tokens), p.Seconds
	}
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

// columns are points as the page reads them.
type columns struct {
	Step []int    `json:"step"`
	Loss []number `json:"loss"`
	LR   []number `json:"lr"`
	Norm []number `json:"norm"`
	Rate []number `json:"rate"` // tokens a second
}

func columnsOf(points []sum) columns {
	c := columns{Step: make([]int, len(points))}
	for _, column := range []*[]number{&c.Loss, &c.LR, &c.Norm, &c.Rate} {
		*column = make([]number, len(points))
	}
	for i, s := range points {
		c.Step[i] = s.step
		c.Loss[i], c.LR[i], c.Norm[i] = number(s.loss/s.n), number(s.lr/s.n), number(s.norm/s.n)
		c.Rate[i] = number(s.tokens / s.secs)
	}
	return c
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
