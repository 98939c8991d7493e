package kernel

import "fmt"

// FeedForward is the network of two layers that transformers have in every block:
//
//	y = Down·act(Up·x + UpBias) + DownBias
//	y = Down·(SiLU(Gate·x + GateBias) ⊙ (Up·x + UpBias)) + DownBias
//
// the second if Gate has rows. Biases may be nil.
type FeedForward struct {
	Up, Gate, Down             Mat // [inner, k], the same, [n, inner]
	UpBias, GateBias, DownBias []float32
	Act                        func(y, x []float32) // of Up's outputs if there is no gate, element by element
}

// Fuses reports whether FeedForward takes rows of x through such a network: several rows,
// rounded to BF16, and inner a multiple of 32.
func (p *Pool) Fuses(rows int, f *FeedForward) bool {
	up, down := operandOf(f.Up, false), operandOf(f.Down, false)
	return rows > 1 && p != nil && p.road(&up) == BF16 && p.road(&down) == BF16 && f.Up.Rows%panelSide == 0 && f.Up.Rows > 0 && f.Up.Cols > 0
}

// FeedForward computes c = f(a) for a [m, k] and c [m, n], if Fuses: bit for bit what the
// products and activations give one by one. What is between the two layers is rounded,
// and packed for the second, before it leaves the cache.
func (p *Pool) FeedForward(c, a Mat, f *FeedForward) {
	fits := f.Up.Cols == a.Cols && f.Down.Cols == f.Up.Rows && f.Down.Rows == c.Cols && c.Rows == a.Rows
	if gated := f.Gate.Rows > 0; gated {
		fits = fits && f.Gate.Rows == f.Up.Rows && f.Gate.Cols == f.Up.Cols
	}
	for _, b := range []struct {
		bias []float32
		n    int
	}{{f.UpBias, f.Up.Rows}, {f.GateBias, f.Gate.Rows}, {f.DownBias, f.Down.Rows}} {
		fits = fits && (b.bias == nil || len(b.bias) == b.n)
	}
	if !fits || !p.Fuses(a.Rows, f) {
		panic(fmt.Sprintf("kernel: FeedForward: c %s, a %s, up %s, gate %s, down %s", c.shape(), a.shape(), f.Up.shape(), f.Gate.shape(), f.Down.shape()))
	}
	for _, m := range []*Mat{&c, &a, &f.Up, &f.Gate, &f.Down} {
		m.check("FeedForward", "operand")
	}
	p.tiles.feedForward(p, c, a, f)
}

// A handOver makes columns of the next product of sums.
type handOver struct {
	*FeedForward
	gated bool
	gate  operand // its panels alternate with those of Up
	next  tileColumns
}

// feedForward computes the sums of the first layer, hands them over, and computes the second.
func (g *tileTask) feedForward(p *Pool, c, a Mat, f *FeedForward) {
	h := &p.hand
	h.FeedForward, h.gated, h.gate = f, f.Gate.Rows > 0, operandOf(f.Gate, false)
	inner := f.Up.Rows / tileDepth
	g.pool, g.flip, g.keep, g.local, g.s = p, true, false, false, a.Rows
	most := max(ceilDiv(a.Cols, tileDepth), inner)
	pass := max(tilePassBytes/(tileDepth*2*most)/panelSide*panelSide, tileBlockCols)
	for g.s0 = 0; g.s0 < g.s; g.s0 += pass {
		g.sn = min(pass, g.s-g.s0)
		g.first(h, a)
		g.second(h, c)
	}
	g.pool, g.c, g.bias, g.rows, g.cols = nil, nil, nil, operand{}, operand{}
	h.FeedForward, h.gate = nil, operand{}
}

// first computes the first layer for the columns of a pass.
func (g *tileTask) first(h *handOver, a Mat) {
	g.hand = h
	g.rows, g.r, g.cols, g.k = operandOf(h.Up, false), h.Up.Rows*g.stride(), operandOf(a, false), a.Cols
	g.steps = ceilDiv(g.k, tileDepth)
	g.pack()
	h.next.grow(g.sn, h.Up.Rows/tileDepth, tileBlockK)
	g.blocks()
	g.hand = nil
}

// second computes the second layer of what has been handed over.
func (g *tileTask) second(h *handOver, c Mat) {
	g.c, g.ldc, g.bias = c.F32, c.Stride, h.DownBias
	g.rows, g.r, g.k = operandOf(h.Down, false), h.Down.Rows, h.Down.Cols
	g.steps = ceilDiv(g.k, tileDepth)
	g.packed, h.next = h.next, g.packed
	g.blocks()
	g.packed, h.next = h.next, g.packed
}

// take makes columns of the sums of panels [lo, hi) of rows and of cols columns from j0
// of the pass on: a panel of rows is a tile along the k of the next product.
func (h *handOver) take(sums []float32, lo, hi, j0, cols int) {
	stride := 1
	if h.gated {
		stride = 2
	}
	panel := ceilDiv(cols, panelSide) * panelSums
	for p := lo; p < hi; p += stride {
		step := p / stride
		for j := 0; j < cols; j += panelSide {
			tiles := sums[(p-lo)*panel+j/panelSide*panelSums:]
			used := tiles[:min(2*tileSums*ceilDiv(cols-j, tileSide), panelSums)]
			h.activate(used, tiles[(stride-1)*panel:], step*panelSide)
			for i := 0; i < len(used); i += 2 * tileSums {
				x := operand{kMajor: true, stride: tileSide, f32: used[i : i+2*tileSums]}
				at := h.next.at(j0+j+i/(2*tileSums)*tileSide, step/h.next.depth)
				packAcross(at[step%h.next.depth*panelBytes:], 0, &x, 0, tileSide, 0, tileDepth)
			}
		}
	}
}

// activate turns sums of outputs from o on, of which the gate's are in gates, into what
// the next layer reads.
func (h *handOver) activate(sums, gates []float32, o int) {
	if h.UpBias != nil {
		tileBias(sums, h.UpBias[o:o+panelSide])
	}
	if !h.gated {
		h.Act(sums, sums)
		return
	}
	gates = gates[:len(sums)]
	if h.GateBias != nil {
		tileBias(gates, h.GateBias[o:o+panelSide])
	}
	SwiGLU(sums, gates, sums)
}

// tileBiasGeneric adds bias[i] to line i of a panel's sums: 32 lines for every 16 columns.
func tileBiasGeneric(sums, bias []float32) {
	for i := range sums {
		sums[i] += bias[i/tileSide%panelSide]
	}
}
