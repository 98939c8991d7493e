package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/tensor"
)

// Dropout is y = x ⊙ mask/(1-rate), where the mask leaves an element out with
// probability rate, 0 ≤ rate < 1 (Srivastava et al. 2014,
// https://jmlr.org/papers/v15/srivastava14a.html). It depends on seed, Ctx.Draw and the
// element's index alone, so that a block that is computed again drops the same ones, on
// every machine.
func Dropout(c *tensor.Ctx, x *T, rate float64, seed uint64) *T {
	if !(rate >= 0 && rate < 1) {
		panic(fmt.Sprintf("ops: Dropout: rate %v", rate))
	}
	y := c.New(x.Shape, x)
	a := dropout{y: y.F32, x: x.F32, seed: mix(seed ^ mix(c.Draw)), below: uint64(rate * dropSteps), scale: float32(1 / (1 - rate))}
	each(c, y.Len(), 4, a, func(a *dropout, lo, hi int) {
		for i := lo; i < hi; i++ {
			a.y[i] = 0
			if a.keeps(i) {
				a.y[i] = a.x[i] * a.scale
			}
		}
	})
	if y.NeedsGrad() {
		c.Record(y, func() {
			a := a
			a.y, a.x = gradOf(c, x), y.Grad()
			each(c, y.Len(), 4, a, func(a *dropout, lo, hi int) {
				for i := lo; i < hi; i++ {
					if a.keeps(i) {
						a.y[i] += float32(a.x[i] * a.scale)
					}
				}
			})
		})
	}
	return y
}

// dropSteps is how finely rates are told apart.
const dropSteps = 1 << 32

// dropout is one mask, from x to y.
type dropout struct {
	y, x  []float32
	seed  uint64
	below uint64
	scale float32
}

// keeps draws for an element.
func (a *dropout) keeps(i int) bool { return mix(a.seed+uint64(i))>>32 >= a.below }

// mix is SplitMix64 (Steele, Lea and Flood 2014, https://doi.org/10.1145/2660193.2660195).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
