package ops

import (
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// CrossEntropy is y = Σ -log softmax(logits[i])[labels[i]] / denom over the rows
// whose label is not negative, one element; logits [m, classes], m labels. The
// trainer divides by the labelled tokens of a whole accumulated batch, which
// only it knows. The sum is taken in float64. A label out of range panics.
func CrossEntropy(c *tensor.Ctx, logits *T, labels []int32, denom float32) *T {
	return crossEntropyOf(c, logits, denom, crossEntropy{labels: labels})
}

// WeightedCrossEntropy is CrossEntropy whose term of row i is multiplied by
// weights[i]. denom stays what it was: a weight of 2 makes a label count twice, and
// no other count less. Nil weights are all 1.
func WeightedCrossEntropy(c *tensor.Ctx, logits *T, labels []int32, weights []float32, denom float32) *T {
	if weights != nil && len(weights) != len(labels) {
		panic(fmt.Sprintf("ops: WeightedCrossEntropy: %d labels, %d weights", len(labels), len(weights)))
	}
	return crossEntropyOf(c, logits, denom, crossEntropy{labels: labels, weights: weights})
}

// SmoothedCrossEntropy is CrossEntropy with labels that are right with probability 1 -
// smoothing, and else any of the classes, the label's own among them (Szegedy et al.
// 2015, https://arxiv.org/abs/1512.00567).
func SmoothedCrossEntropy(c *tensor.Ctx, logits *T, labels []int32, smoothing, denom float32) *T {
	return crossEntropyOf(c, logits, denom, crossEntropy{labels: labels, smoothing: smoothing})
}

// crossEntropyOf fills in what the logits say and runs a.
func crossEntropyOf(c *tensor.Ctx, logits *T, denom float32, a crossEntropy) *T {
	m, n := logits.Rows(), logits.Cols()
	if len(a.labels) != m {
		panic(fmt.Sprintf("ops: CrossEntropy: logits %v, %d labels", logits.Shape, len(a.labels)))
	}
	for i, l := range a.labels {
		if int(l) >= n {
			panic(fmt.Sprintf("ops: CrossEntropy: label %d is %d, of %d classes", i, l, n))
		}
	}
	y := c.New([]int{1}, logits)
	a.logits, a.n, a.lse = logits.F32, n, c.Scratch(m)
	each(c, m, n, a, (*crossEntropy).logSumExp)
	y.F32[0] = float32(a.sum() / float64(denom))
	if y.NeedsGrad() {
		a := a
		c.Record(y, func() {
			a.dx, a.g = logits.Grad(), y.Grad()[0]/denom
			each(c, m, n, a, (*crossEntropy).grad)
		})
	}
	return y
}

type crossEntropy struct {
	logits, dx []float32
	labels     []int32
	weights    []float32 // nil: all 1
	n          int
	lse        []float32
	g          float32
	smoothing  float32
}

// sum is the loss before it is divided.
func (a *crossEntropy) sum() (sum float64) {
	for i, l := range a.labels {
		if l < 0 {
			continue
		}
		loss := float64(a.lse[i]) - a.expected(a.logits[i*a.n:(i+1)*a.n], l)
		if a.weights != nil {
			loss = float64(loss * float64(a.weights[i]))
		}
		sum += loss
	}
	return sum
}

// expected is the logit of a row that its label stands for.
func (a *crossEntropy) expected(row []float32, label int32) float64 {
	right := float64(row[label])
	if a.smoothing == 0 {
		return right
	}
	mean := float64(kernel.Sum(row)) / float64(a.n)
	return right + float64(float64(a.smoothing)*(mean-right))
}

func (a *crossEntropy) logSumExp(lo, hi int) {
	for i := lo; i < hi; i++ {
		if a.labels[i] >= 0 {
			a.lse[i] = kernel.LogSumExp(a.logits[i*a.n : (i+1)*a.n])
		}
	}
}

// grad is dx += g·weight·(softmax(x) - the label's distribution), by pieces that fit the stack.
func (a *crossEntropy) grad(lo, hi int) {
	var p [512]float32
	other := a.smoothing / float32(a.n)
	for i := lo; i < hi; i++ {
		if a.labels[i] < 0 {
			continue
		}
		g := a.g
		if a.weights != nil {
			g *= a.weights[i]
		}
		x, dx := a.logits[i*a.n:(i+1)*a.n], a.dx[i*a.n:(i+1)*a.n]
		for at := 0; at < a.n; at += len(p) {
			piece := p[:min(len(p), a.n-at)]
			copy(piece, x[at:])
			kernel.SoftmaxExp(piece, a.lse[i])
			for j := range piece {
				piece[j] -= other
			}
			kernel.Axpy(dx[at:at+len(piece)], g, piece)
		}
		dx[a.labels[i]] -= float32(g * (1 - a.smoothing))
	}
}
