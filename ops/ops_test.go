package ops

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/cputest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// row is one line of the op table: an op on inputs of given shapes, and what
// they should give in float64.
type row struct {
	op, name string
	in       []input
	run      func(c *tensor.Ctx, in []*T) *T
	ref      func(in [][]float64) []float64
	flops    int // of the forward, for benchmarks; 0 when the op is bound by memory
}

// input is one tensor that an op takes.
type input struct {
	shape  []int
	weight bool // also taken as F16, BF16 and, if its rows are whole blocks, quantised
}

func x(shape ...int) input { return input{shape: shape} }
func w(shape ...int) input { return input{shape: shape, weight: true} }

func TestOps(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for _, r := range table() {
		t.Run(r.op+"/"+r.name, func(t *testing.T) {
			for _, d := range dtypesOf(r) {
				e := expect(r, d)
				cputest.TestAll(t, kernel.Impls, func(t *testing.T) { e.check(t, r, pool) })
			}
		})
	}
}

// dtypesOf lists the dtypes that a row's weights are tried in.
func dtypesOf(r row) []tensor.DType {
	list := []tensor.DType{tensor.F32}
	for d := tensor.F16; d <= kernel.IQ4_NL; d++ {
		if d.Float() && slices.ContainsFunc(r.in, func(i input) bool { return i.stored(d) == d }) {
			list = append(list, d)
		}
	}
	return list
}

// stored is the dtype of an input when weights are to be stored in d.
func (i input) stored(d tensor.DType) tensor.DType {
	if elements, _ := d.Block(); i.weight && i.shape[len(i.shape)-1]%elements == 0 {
		return d
	}
	return tensor.F32
}

// TestTableIsComplete fails for an exported op without a row.
func TestTableIsComplete(t *testing.T) {
	have := map[string]bool{}
	for _, r := range table() {
		have[r.op] = true
	}
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && isOp(fn) && !have[fn.Name.Name] {
				t.Errorf("%s: %s has no row in the table", name, fn.Name.Name)
			}
		}
	}
}

// isOp reports whether fn is exported and begins with a *tensor.Ctx.
func isOp(fn *ast.FuncDecl) bool {
	if fn.Recv != nil || !fn.Name.IsExported() || len(fn.Type.Params.List) == 0 {
		return false
	}
	p, ok := fn.Type.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	s, ok := p.X.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Ctx"
}

// expectation is what a row should give for its pseudo-random inputs.
type expectation struct {
	in     []*T
	loss   []float32 // weights of the outputs in the loss
	y      []float64
	probes [][]probe // by input
}

// probe is one element of a gradient.
type probe struct {
	at   int
	want float64
}

// probesOf is how many of n elements of a gradient are checked by finite differences.
func probesOf(n int) int {
	if n > 1000 {
		return 6
	}
	return min(n, 24)
}

func expect(r row, d tensor.DType) *expectation {
	rng := rand.New(rand.NewPCG(uint64(len(r.op)), 7))
	e := &expectation{}
	wide := make([][]float64, len(r.in))
	for i, in := range r.in {
		v := make([]float32, tensor.Size(in.shape))
		for j := range v {
			v[j] = noise(rng)
		}
		o := tensorOf(v, in.shape, in.stored(d))
		e.in, wide[i] = append(e.in, o.T), widen(o.values())
	}
	e.y = r.ref(wide)
	for range e.y {
		e.loss = append(e.loss, noise(rng))
	}
	loss := func() (sum float64) {
		for i, v := range r.ref(wide) {
			sum += v * float64(e.loss[i])
		}
		return sum
	}
	for i := range wide {
		var probes []probe
		for _, at := range rng.Perm(len(wide[i]))[:probesOf(len(wide[i]))] {
			probes = append(probes, probe{at, slope(loss, &wide[i][at])})
		}
		e.probes = append(e.probes, probes)
	}
	return e
}

// noise is about normal and stays clear of zero, where ReLU has no derivative.
func noise(rng *rand.Rand) float32 {
	v := rng.NormFloat64()
	return float32(v + math.Copysign(0.05, v))
}

// slope is df/dx by central differences, extrapolated to a step of zero (Richardson).
func slope(f func() float64, x *float64) float64 {
	at := *x
	central := func(h float64) float64 {
		*x = at + h
		up := f()
		*x = at - h
		down := f()
		*x = at
		return (up - down) / (2 * h)
	}
	return (4*central(5e-4) - central(1e-3)) / 3
}

// operand is a tensor made for a test.
type operand struct{ *T }

// tensorOf stores v in a dtype.
func tensorOf(v []float32, shape []int, d tensor.DType) operand {
	if d == tensor.F32 {
		return operand{tensor.From(slices.Clone(v), shape...)}
	}
	raw := make([]byte, d.Bytes(len(v)))
	kernel.FromF32(raw, v, d)
	return operand{&T{Shape: shape, DType: d, Raw: raw}}
}

func (o operand) values() []float32 { return floats(&tensor.Ctx{}, o.T) }

func widen(v []float32) []float64 {
	w := make([]float64, len(v))
	for i := range v {
		w[i] = float64(v[i])
	}
	return w
}

// check runs the op in every combination of inputs that learn and compares.
func (e *expectation) check(t *testing.T, r row, pool *kernel.Pool) {
	full := e.result(r, pool, -1)
	closeTo(t, "output", full.y, e.y)
	for i, g := range full.grad {
		if g != nil {
			e.checkGrad(t, r, i, g)
		}
	}
	full.same(t, "without a pool", e.result(r, nil, -1))
	for learn := range 1<<len(r.in) - 1 {
		for i, g := range e.result(r, pool, learn).grad {
			if g != nil {
				closeTo(t, fmt.Sprintf("learning %b: gradient %d", learn, i), g, widen(full.grad[i]))
			}
		}
	}
}

func (e *expectation) checkGrad(t *testing.T, r row, i int, g []float32) {
	t.Helper()
	largest := 1e-2 // where the true gradient is zero, its terms are not
	for _, v := range g {
		largest = max(largest, math.Abs(float64(v)))
	}
	for _, p := range e.probes[i] {
		if diff := math.Abs(float64(g[p.at]) - p.want); !(diff <= 2e-5*largest) {
			t.Fatalf("input %d %v: gradient[%d] = %g, want %g (largest %g)", i, r.in[i].shape, p.at, g[p.at], p.want, largest)
		}
	}
}

// result is what an op gave.
type result struct {
	y    []float32
	grad [][]float32 // nil for inputs that do not learn
}

// result runs forward and backward; bit i of learn says whether input i learns.
// The gradients must add up over two passes.
func (e *expectation) result(r row, pool *kernel.Pool, learn int) result {
	c := &tensor.Ctx{Train: true, Pool: pool}
	in := make([]*T, len(r.in))
	learns := false
	for i, t := range e.in {
		in[i] = &T{Shape: t.Shape, DType: t.DType, F32: slices.Clone(t.F32), Raw: t.Raw}
		if t.DType == tensor.F32 && learn&(1<<i) != 0 {
			in[i].SetTrainable(true)
			learns = true
		}
	}
	var out result
	for range 2 {
		c.Reset()
		y := r.run(c, in)
		out.y = slices.Clone(y.F32)
		if y.NeedsGrad() != learns {
			panic(fmt.Sprintf("%s: needs a gradient: %v, inputs do: %v", r.op, y.NeedsGrad(), learns))
		}
		if learns {
			c.Backward(Sum(c, Mul(c, y, tensor.From(e.loss, y.Shape...))))
		}
	}
	for i := range in {
		var g []float32
		if in[i].HasGrad() {
			g = slices.Clone(in[i].Grad())
			kernel.Scale(g, g, 0.5)
		}
		if in[i].NeedsGrad() != (g != nil) {
			panic(fmt.Sprintf("%s: input %d learns: %v, has a gradient: %v", r.op, i, in[i].NeedsGrad(), g != nil))
		}
		out.grad = append(out.grad, g)
	}
	return out
}

// same fails unless got has the same bits.
func (want result) same(t *testing.T, how string, got result) {
	t.Helper()
	if !slices.Equal(got.y, want.y) {
		t.Fatalf("%s: another output", how)
	}
	for i, g := range got.grad {
		if !slices.Equal(g, want.grad[i]) {
			t.Fatalf("%s: another gradient of input %d", how, i)
		}
	}
}

// closeTo fails unless got is within 1e-5 of want, relative to its largest element.
func closeTo(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	largest := 1e-6
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range want {
		if diff := math.Abs(float64(got[i]) - v); !(diff <= 1e-5*largest) {
			t.Fatalf("%s[%d] = %g, want %g (largest %g)", what, i, got[i], v, largest)
		}
	}
}
