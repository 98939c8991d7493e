package ops

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fovea-ml/fovea/tensor"
)

// table lists every op on shapes with odd sizes, single rows, and enough
// elements to be shared among workers.
func table() []row {
	var rows []row
	for _, s := range [][2]int{{1, 1}, {1, 7}, {5, 13}, {70, 131}} {
		m, n := s[0], s[1]
		rows = append(rows, add(m, n), mul(m, n), scale(m, n), addRowsRow(m, n), swiGLU(m, n), layerScaleRow(m, n), meanRowsRow(m, n, 1), meanRowsRow(3, n, m),
			rmsNorm(m, n), layerNorm(m, n), layerNormOf(m, n, true, false), layerNormOf(m, n, false, false),
			softmax(m, n), l2Norm(m, n), sum(m, n), mean(m, n), gather(m, n), join(m, n), crossEntropyRow(m, n),
			weightedRow(m, n), smoothedRow(m, n), maxRow(m, n), divideRow(m, n))
		for act := range activationRefs {
			rows = append(rows, activateRow(m, n, Act(act)))
		}
	}
	for _, s := range [][3]int{{1, 1, 1}, {1, 5, 9}, {3, 17, 6}, {70, 33, 67}} {
		rows = append(rows, linear(s[0], s[1], s[2], false), linear(s[0], s[1], s[2], true), project(s[0], s[1], s[2]))
	}
	for _, s := range [][4]int{{1, 5, 3, 2}, {6, 9, 32, 7}, {70, 33, 64, 19}} {
		rows = append(rows, feedForward(s[0], s[1], s[2], s[3], false), feedForward(s[0], s[1], s[2], s[3], true))
	}
	for _, k := range []int{96, 512} { // whole blocks of quantised weights
		rows = append(rows, linear(1, k, 19, true), linear(30, k, 7, false), gather(4, k), addRowsRow(3, k))
	}
	for _, interleaved := range []bool{false, true} {
		rows = append(rows, ropeRow(1, 1, 2, 2, interleaved), ropeRow(5, 3, 6, 6, interleaved),
			ropeRow(4, 2, 7, 4, interleaved), ropeRow(40, 4, 64, 64, interleaved))
	}
	rows = append(rows, patchesRow(1, 1, 1, 1, 1), patchesRow(2, 3, 6, 4, 2), patchesRow(1, 3, 7, 8, 3), patchesRow(3, 3, 32, 32, 8))
	rows = append(rows, mapPatchesRow(1, 1, 1, 1, 1), mapPatchesRow(2, 6, 4, 3, 2), mapPatchesRow(1, 7, 8, 3, 3), mapPatchesRow(3, 16, 16, 20, 2))
	rows = append(rows, depthwiseRow(1, 1, 1, 1, 1), depthwiseRow(2, 5, 3, 4, 3), depthwiseRow(1, 9, 8, 33, 7))
	for _, k := range []Kernel{Linear2D, Cubic2D, Corners2D, WideCubic2D} {
		rows = append(rows, interpolateRow(Grid{1, 1}, Grid{3, 2}, 5, k), interpolateRow(Grid{5, 5}, Grid{4, 4}, 7, k),
			interpolateRow(Grid{3, 7}, Grid{11, 2}, 96, k), interpolateRow(Grid{16, 16}, Grid{20, 9}, 130, k))
	}
	return append(append(rows, adapterRows()...), attentionRows()...)
}

func size(m, n int) string { return fmt.Sprintf("%dx%d", m, n) }

func linear(m, k, n int, bias bool) row {
	r := row{op: "Linear", name: fmt.Sprintf("%dx%dx%d", m, k, n), in: []input{x(m, k), w(n, k)}, flops: 2 * m * k * n}
	if bias {
		r.name += "+bias"
		r.in = append(r.in, w(n))
	}
	r.run = func(c *tensor.Ctx, in []*T) *T {
		if bias {
			return Linear(c, in[0], in[1], in[2])
		}
		return Linear(c, in[0], in[1], nil)
	}
	r.ref = func(in [][]float64) []float64 {
		y := make([]float64, m*n)
		for i := range y {
			if bias {
				y[i] = in[2][i%n]
			}
			for t := range k {
				y[i] += in[0][i/n*k+t] * in[1][i%n*k+t]
			}
		}
		return y
	}
	return r
}

// feedForward has biases without a gate, and none with one.
func feedForward(m, k, inner, n int, gated bool) row {
	r := row{op: "FeedForward", name: fmt.Sprintf("%dx%dx%dx%d", m, k, inner, n), in: []input{x(m, k), w(inner, k), w(n, inner)}, flops: 2 * m * inner * (k + n)}
	up, down, gate := linear(m, k, inner, !gated), linear(m, inner, n, !gated), linear(m, k, inner, false)
	if gated {
		r.name += "+gate"
		r.in = append(r.in, w(inner, k))
		r.flops += 2 * m * k * inner
	} else {
		r.in = append(r.in, w(inner), w(n))
	}
	r.run = func(c *tensor.Ctx, in []*T) *T {
		f := Feed{Up: in[1], Down: in[2], Act: QuickGELU}
		if gated {
			f.Gate = in[3]
		} else {
			f.UpBias, f.DownBias = in[3], in[4]
		}
		return FeedForward(c, in[0], f)
	}
	r.ref = func(in [][]float64) []float64 {
		if !gated {
			h := up.ref([][]float64{in[0], in[1], in[3]})
			for i, v := range h {
				h[i] = v / (1 + math.Exp(-1.702*v))
			}
			return down.ref([][]float64{h, in[2], in[4]})
		}
		h, g := up.ref(in[:2]), gate.ref([][]float64{in[0], in[3]})
		for i, v := range g {
			h[i] *= v / (1 + math.Exp(-v))
		}
		return down.ref([][]float64{h, in[2]})
	}
	return r
}

func project(m, k, n int) row {
	return row{
		op: "Project", name: fmt.Sprintf("%dx%dx%d", m, k, n), in: []input{x(m, k), w(k, n)}, flops: 2 * m * k * n,
		run: func(c *tensor.Ctx, in []*T) *T { return Project(c, in[0], in[1]) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, m*n)
			for i := range y {
				for t := range k {
					y[i] += in[0][i/n*k+t] * in[1][t*n+i%n]
				}
			}
			return y
		},
	}
}

// elementwise is a row of an op whose output i depends on the elements i of its inputs.
func elementwise(op string, m, n, inputs int, run func(c *tensor.Ctx, in []*T) *T, f func(v []float64) float64) row {
	r := row{op: op, name: size(m, n), run: run}
	for range inputs {
		r.in = append(r.in, x(m, n))
	}
	r.ref = func(in [][]float64) []float64 {
		y, v := make([]float64, m*n), make([]float64, inputs)
		for i := range y {
			for j := range in {
				v[j] = in[j][i]
			}
			y[i] = f(v)
		}
		return y
	}
	return r
}

func add(m, n int) row {
	return elementwise("Add", m, n, 2, func(c *tensor.Ctx, in []*T) *T { return Add(c, in[0], in[1]) },
		func(v []float64) float64 { return v[0] + v[1] })
}

func mul(m, n int) row {
	return elementwise("Mul", m, n, 2, func(c *tensor.Ctx, in []*T) *T { return Mul(c, in[0], in[1]) },
		func(v []float64) float64 { return v[0] * v[1] })
}

func scale(m, n int) row {
	return elementwise("Scale", m, n, 1, func(c *tensor.Ctx, in []*T) *T { return Scale(c, in[0], -1.5) },
		func(v []float64) float64 { return -1.5 * v[0] })
}

func swiGLU(m, n int) row {
	return elementwise("SwiGLU", m, n, 2, func(c *tensor.Ctx, in []*T) *T { return SwiGLU(c, in[0], in[1]) },
		func(v []float64) float64 { return v[0] / (1 + math.Exp(-v[0])) * v[1] })
}

func layerScaleRow(m, n int) row {
	return row{op: "LayerScale", name: size(m, n), in: []input{x(m, n), w(n)},
		run: func(c *tensor.Ctx, in []*T) *T { return LayerScale(c, in[0], in[1]) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, m*n)
			for i := range y {
				y[i] = in[0][i] * in[1][i%n]
			}
			return y
		}}
}

func meanRowsRow(n, cols, rows int) row {
	return row{op: "MeanRows", name: fmt.Sprintf("%dx%dx%d", n, rows, cols), in: []input{x(n*rows, cols)},
		run: func(c *tensor.Ctx, in []*T) *T { return MeanRows(c, in[0], n) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, n*cols)
			for i, v := range in[0] {
				y[i/(rows*cols)*cols+i%cols] += v / float64(rows)
			}
			return y
		}}
}

var activationRefs = [...]func(x float64) float64{
	SiLU: func(x float64) float64 { return x / (1 + math.Exp(-x)) },
	GELU: func(x float64) float64 { return x * (1 + math.Erf(x/math.Sqrt2)) / 2 },
	GELUTanh: func(x float64) float64 {
		return x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))) / 2
	},
	QuickGELU: func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) },
	ReLU:      func(x float64) float64 { return max(x, 0) },
}

func activateRow(m, n int, act Act) row {
	r := elementwise("Activate", m, n, 1, func(c *tensor.Ctx, in []*T) *T { return Activate(c, in[0], act) },
		func(v []float64) float64 { return activationRefs[act](v[0]) })
	r.name += "/" + act.String()
	return r
}

// indices are pseudo-random, with repetitions.
func indices(n, below int) []int32 {
	rng := rand.New(rand.NewPCG(3, 5))
	idx := make([]int32, n)
	for i := range idx {
		idx[i] = rng.Int32N(int32(below))
	}
	return idx
}

func addRowsRow(m, n int) row {
	rows := m/2 + 1
	idx := indices(m, rows)
	return row{op: "AddRows", name: size(m, n), in: []input{x(m, n), w(rows, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return AddRows(c, in[0], in[1], idx) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, m*n)
			for i := range y {
				y[i] = in[0][i] + in[1][int(idx[i/n])*n+i%n]
			}
			return y
		}}
}

func gather(m, n int) row {
	first, second := m/3+1, m/2+1
	idx := indices(m, first+second)
	return row{op: "Gather", name: size(m, n), in: []input{w(first, n), x(second, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return Gather(c, idx, in...) },
		ref: func(in [][]float64) []float64 {
			all := append(append([]float64(nil), in[0]...), in[1]...)
			y := make([]float64, 0, m*n)
			for _, r := range idx {
				y = append(y, all[int(r)*n:int(r+1)*n]...)
			}
			return y
		}}
}

func join(m, n int) row {
	return row{op: "Join", name: size(m, n), in: []input{x(m, n), x(m, 3), x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return Join(c, in...) },
		ref: func(in [][]float64) []float64 {
			var y []float64
			for i := range m {
				y = append(y, in[0][i*n:(i+1)*n]...)
				y = append(y, in[1][i*3:(i+1)*3]...)
				y = append(y, in[2][i*n:(i+1)*n]...)
			}
			return y
		}}
}

// byRow is the reference of an op that works on each row of n elements alone.
func byRow(n int, f func(x, y []float64)) func(in [][]float64) []float64 {
	return func(in [][]float64) []float64 {
		y := make([]float64, len(in[0]))
		for i := 0; i < len(y); i += n {
			f(in[0][i:i+n], y[i:i+n])
		}
		return y
	}
}

func rmsNorm(m, n int) row {
	return row{op: "RMSNorm", name: size(m, n), in: []input{x(m, n), w(n)},
		run: func(c *tensor.Ctx, in []*T) *T { return RMSNorm(c, in[0], in[1], 1e-3) },
		ref: func(in [][]float64) []float64 {
			return byRow(n, func(x, y []float64) {
				inv := 1 / math.Sqrt(dot(x, x)/float64(n)+1e-3)
				for i := range x {
					y[i] = x[i] * inv * in[1][i]
				}
			})(in)
		}}
}

func layerNorm(m, n int) row { return layerNormOf(m, n, true, true) }

func layerNormOf(m, n int, weight, bias bool) row {
	// A generous epsilon keeps rows of one element, whose variance is zero, differentiable in float32.
	const eps = 0.1
	r := row{op: "LayerNorm", name: fmt.Sprintf("%dx%d/w=%v,b=%v", m, n, weight, bias), in: []input{x(m, n)}}
	if weight {
		r.in = append(r.in, w(n))
	}
	if bias {
		r.in = append(r.in, w(n))
	}
	r.run = func(c *tensor.Ctx, in []*T) *T {
		in = append(in[:len(in):len(in)], nil, nil)
		return LayerNorm(c, in[0], in[1], in[2], eps)
	}
	r.ref = func(in [][]float64) []float64 {
		return byRow(n, func(x, y []float64) {
			mean, variance := 0.0, 0.0
			for _, v := range x {
				mean += v / float64(n)
			}
			for _, v := range x {
				variance += (v - mean) * (v - mean) / float64(n)
			}
			for i, v := range x {
				y[i] = (v - mean) / math.Sqrt(variance+eps)
				if weight {
					y[i] *= in[1][i]
				}
				if bias {
					y[i] += in[2][i]
				}
			}
		})(in)
	}
	return r
}

func softmax(m, n int) row {
	return row{op: "Softmax", name: size(m, n), in: []input{x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return Softmax(c, in[0]) },
		ref: byRow(n, func(x, y []float64) {
			var sum float64
			for i, v := range x {
				y[i] = math.Exp(v)
				sum += y[i]
			}
			for i := range y {
				y[i] /= sum
			}
		})}
}

func l2Norm(m, n int) row {
	return row{op: "L2Norm", name: size(m, n), in: []input{x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return L2Norm(c, in[0]) },
		ref: byRow(n, func(x, y []float64) {
			norm := math.Sqrt(dot(x, x))
			for i, v := range x {
				y[i] = v / norm
			}
		})}
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func sum(m, n int) row { return total("Sum", m, n, Sum, 1) }

func mean(m, n int) row { return total("Mean", m, n, Mean, 1/float64(m*n)) }

func total(op string, m, n int, run func(c *tensor.Ctx, x *T) *T, weight float64) row {
	return row{op: op, name: size(m, n), in: []input{x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return run(c, in[0]) },
		ref: func(in [][]float64) []float64 {
			var sum float64
			for _, v := range in[0] {
				sum += v
			}
			return []float64{weight * sum}
		}}
}

func crossEntropyRow(m, n int) row {
	labels := someLabels(m, n)
	return row{op: "CrossEntropy", name: size(m, n), in: []input{x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return CrossEntropy(c, in[0], labels, 2.5) },
		ref: func(in [][]float64) []float64 { return []float64{smoothedLoss(in[0], labels, 0) / 2.5} }}
}

func weightedRow(m, n int) row {
	labels, weights := someLabels(m, n), make([]float32, m)
	for i := range weights {
		weights[i] = []float32{2, 0.25, 1, 0}[i%4]
	}
	return row{op: "WeightedCrossEntropy", name: size(m, n), in: []input{x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return WeightedCrossEntropy(c, in[0], labels, weights, 2.5) },
		ref: func(in [][]float64) []float64 {
			loss := 0.0
			for i, w := range weights {
				loss += float64(w) * smoothedLoss(in[0][i*n:(i+1)*n], labels[i:i+1], 0)
			}
			return []float64{loss / 2.5}
		}}
}

func smoothedRow(m, n int) row {
	labels := someLabels(m, n)
	return row{op: "SmoothedCrossEntropy", name: size(m, n), in: []input{x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return SmoothedCrossEntropy(c, in[0], labels, 0.25, 2.5) },
		ref: func(in [][]float64) []float64 { return []float64{smoothedLoss(in[0], labels, 0.25) / 2.5} }}
}

// someLabels has classes for two rows of three.
func someLabels(m, n int) []int32 {
	labels := indices(m, n)
	for i := 1; i < m; i += 3 {
		labels[i] = -100
	}
	return labels
}

// smoothedLoss is the sum over the labelled rows of x of the cross-entropy.
func smoothedLoss(x []float64, labels []int32, smoothing float64) (loss float64) {
	n := len(x) / len(labels)
	for i, l := range labels {
		if l < 0 {
			continue
		}
		row, sum := x[i*n:(i+1)*n], 0.0
		for _, v := range row {
			sum += math.Exp(v)
		}
		for j, v := range row {
			p := smoothing / float64(n)
			if j == int(l) {
				p += 1 - smoothing
			}
			loss += p * (math.Log(sum) - v)
		}
	}
	return loss
}

func maxRow(m, n int) row {
	return row{op: "Max", name: size(m, n), in: []input{x(m, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return Max(c, in[0]) },
		ref: func(in [][]float64) (y []float64) {
			for i := range m {
				y = append(y, slices.Max(in[0][i*n:(i+1)*n]))
			}
			return y
		}}
}

func divideRow(m, n int) row {
	return row{op: "Divide", name: size(m, n), in: []input{x(m, n), w(1)},
		run: func(c *tensor.Ctx, in []*T) *T { return Divide(c, in[0], in[1]) },
		ref: func(in [][]float64) (y []float64) {
			for _, v := range in[0] {
				y = append(y, v/in[1][0])
			}
			return y
		}}
}

func ropeRow(tokens, heads, width, rotated int, interleaved bool) row {
	r := &Rotary{Dim: rotated, HeadDim: width, Interleaved: interleaved}
	name := fmt.Sprintf("%dx%dx%d/%d", tokens, heads, width, rotated)
	if interleaved {
		name += "/interleaved"
	}
	for t := range tokens {
		for i := range rotated / 2 {
			angle := float64(t+1) * math.Pow(0.3, float64(i)/float64(rotated))
			r.Cos, r.Sin = append(r.Cos, float32(math.Cos(angle))), append(r.Sin, float32(math.Sin(angle)))
		}
	}
	n := heads * width
	return row{op: "RoPE", name: name, in: []input{x(tokens, n)},
		run: func(c *tensor.Ctx, in []*T) *T { return RoPE(c, in[0], r) },
		ref: func(in [][]float64) []float64 {
			y := append([]float64(nil), in[0]...)
			h := rotated / 2
			for i := range tokens * heads * h {
				t, head, j := i/h/heads, i/h%heads, i%h
				a, b := t*n+head*width+j, t*n+head*width+j+h
				if interleaved {
					a, b = t*n+head*width+2*j, t*n+head*width+2*j+1
				}
				cos, sin := float64(r.Cos[t*h+j]), float64(r.Sin[t*h+j])
				y[a], y[b] = in[0][a]*cos-in[0][b]*sin, in[0][b]*cos+in[0][a]*sin
			}
			return y
		}}
}

func patchesRow(n, channels, h, w, size int) row {
	return row{op: "Patches", name: fmt.Sprintf("%dx%dx%dx%d/%d", n, channels, h, w, size), in: []input{x(n, channels, h, w)},
		run: func(c *tensor.Ctx, in []*T) *T { return Patches(c, in[0], size) },
		ref: func(in [][]float64) []float64 {
			var y []float64
			for image := range n {
				for row := range h / size {
					for col := range w / size {
						for i := range channels * size * size {
							ch, dy, dx := i/size/size, i/size%size, i%size
							y = append(y, in[0][((image*channels+ch)*h+row*size+dy)*w+col*size+dx])
						}
					}
				}
			}
			return y
		}}
}

func mapPatchesRow(n, h, w, channels, size int) row {
	return row{op: "MapPatches", name: fmt.Sprintf("%dx%dx%dx%d/%d", n, h, w, channels, size), in: []input{x(n, h, w, channels)},
		run: func(c *tensor.Ctx, in []*T) *T { return MapPatches(c, in[0], size) },
		ref: func(in [][]float64) []float64 {
			var y []float64
			for i := range n * (h / size) * (w / size) {
				image, row, col := i/(h/size)/(w/size), i/(w/size)%(h/size)*size, i%(w/size)*size
				for e := range channels * size * size {
					ch, dy, dx := e/size/size, e/size%size, e%size
					y = append(y, in[0][((image*h+row+dy)*w+col+dx)*channels+ch])
				}
			}
			return y
		}}
}

func depthwiseRow(n, h, width, channels, side int) row {
	return row{op: "DepthwiseConv", name: fmt.Sprintf("%dx%dx%dx%d/%d", n, h, width, channels, side),
		in:  []input{x(n, h, width, channels), w(channels, side*side), w(channels)},
		run: func(c *tensor.Ctx, in []*T) *T { return DepthwiseConv(c, in[0], in[1], in[2]) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, len(in[0]))
			for i := range y {
				image, row, col, ch := i/channels/width/h, i/channels/width%h, i/channels%width, i%channels
				y[i] = in[2][ch]
				for k := range side * side {
					r, c := row+k/side-side/2, col+k%side-side/2
					if r >= 0 && r < h && c >= 0 && c < width {
						y[i] += in[1][ch*side*side+k] * in[0][((image*h+r)*width+c)*channels+ch]
					}
				}
			}
			return y
		}}
}

// interpolateRow checks against the kernels as functions of the distance, each
// place of the map asked for what it gives.
func interpolateRow(from, to Grid, n int, k Kernel) row {
	weight := func(d float64) float64 {
		d = math.Abs(d)
		switch {
		case k != Cubic2D && k != WideCubic2D:
			return max(0, 1-d)
		case d < 1:
			return 1.25*d*d*d - 2.25*d*d + 1
		case d < 2:
			return -0.75*d*d*d + 3.75*d*d - 6*d + 3
		}
		return 0
	}
	axis := func(i, in, out int, f func(at int, w float64)) {
		center := (float64(i)+0.5)*float64(in)/float64(out) - 0.5
		if k == WideCubic2D {
			center = (float64(i)+0.5)*float64(in)/(float64(out)+0.1) - 0.5
		}
		if k == Corners2D {
			center = 0
			if out > 1 {
				center = float64(i) * float64(in-1) / float64(out-1)
			}
		}
		for at := -2; at < in+2; at++ {
			if w := weight(center - float64(at)); w != 0 {
				f(min(max(at, 0), in-1), w)
			}
		}
	}
	return row{op: "Interpolate", name: fmt.Sprintf("%dx%d-%dx%d,%d/%d", from.H, from.W, to.H, to.W, n, k), in: []input{w(from.Len(), n)},
		run: func(c *tensor.Ctx, in []*T) *T { return Interpolate(c, in[0], from, to, k) },
		ref: func(in [][]float64) []float64 {
			y := make([]float64, to.Len()*n)
			for i := range y {
				axis(i/n/to.W, from.H, to.H, func(r int, wr float64) {
					axis(i/n%to.W, from.W, to.W, func(c int, wc float64) { y[i] += wr * wc * in[0][(r*from.W+c)*n+i%n] })
				})
			}
			return y
		}}
}
