package nn

import (
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// WhitenPatches turns a patch embedding w [width, channels·size·size] that has
// been drawn at random into one that sees the patches of pictures, each
// [1, channels, height, width], whitened: its products with centred patches are
// those of the drawn matrix with patches whose elements are uncorrelated and of
// variance one. eps, added to their variance, keeps it from amplifying noise.
//
// Patches are mostly brightness. An embedding that sees them plainly hears little
// of the edges, and learns shapes late. With Σ + eps·I = L·Lᵀ it multiplies w by
// L⁻¹ (Kessy, Lewin and Strimmer 2018, https://arxiv.org/abs/1512.00809).
func WhitenPatches(w *tensor.Tensor, pictures []*tensor.Tensor, eps float64) error {
	n := w.Cols()
	if w.F32 == nil || len(pictures) == 0 || !(eps > 0) {
		return fmt.Errorf("nn: WhitenPatches: an embedding %v, %d pictures, eps %v", w.Shape, len(pictures), eps)
	}
	x, err := patches(pictures, n)
	if err != nil {
		return err
	}
	l := covariance(x)
	for i := range n {
		l[i*n+i] += eps
	}
	if !cholesky(l, n) {
		return fmt.Errorf("nn: WhitenPatches: the pictures hold NaN or infinities")
	}
	row := make([]float64, n)
	for r := range w.Rows() {
		solve(row, w.Row(r), l)
	}
	return nil
}

// patches cuts pictures into rows of n elements.
func patches(pictures []*tensor.Tensor, n int) (*tensor.Tensor, error) {
	var rows []float32
	for _, p := range pictures {
		if len(p.Shape) != 4 {
			return nil, fmt.Errorf("nn: WhitenPatches: a picture %v", p.Shape)
		}
		size := int(math.Sqrt(float64(n / p.Shape[1])))
		if p.Shape[1]*size*size != n || p.Shape[2] < size || p.Shape[3] < size {
			return nil, fmt.Errorf("nn: WhitenPatches: a picture %v for patches of %d elements", p.Shape, n)
		}
		rows = append(rows, ops.Patches(&tensor.Ctx{}, p, size).F32...)
	}
	return tensor.From(rows, len(rows)/n, n), nil
}

// covariance of the columns of x, [in, in], its lower triangle.
func covariance(x *tensor.Tensor) []float64 {
	n, rows := x.Cols(), x.Rows()
	mean, sum := make([]float64, n), make([]float64, n*n)
	for r := range rows {
		for i, v := range x.Row(r) {
			mean[i] += float64(v) / float64(rows)
		}
	}
	d := make([]float64, n)
	for r := range rows {
		for i, v := range x.Row(r) {
			d[i] = float64(v) - mean[i]
			for j := range i + 1 {
				sum[i*n+j] += float64(d[i] * d[j]) // the conversion forbids fusing: the same bits everywhere
			}
		}
	}
	for i := range sum {
		sum[i] /= float64(rows)
	}
	return sum
}

// cholesky puts L of a = L·Lᵀ in the place of the lower triangle of a, and
// reports whether there is one.
func cholesky(a []float64, n int) bool {
	for i := range n {
		for j := range i + 1 {
			s := a[i*n+j]
			for k := range j {
				s -= float64(a[i*n+k] * a[j*n+k])
			}
			if i != j {
				a[i*n+j] = s / a[j*n+j]
				continue
			}
			if !(s > 0) || math.IsInf(s, 1) {
				return false
			}
			a[i*n+i] = math.Sqrt(s)
		}
	}
	return true
}

// solve replaces r by the x of xᵀ·L = rᵀ; x is memory for it.
func solve(x []float64, r []float32, l []float64) {
	n := len(r)
	for i := n - 1; i >= 0; i-- {
		s := float64(r[i])
		for k := i + 1; k < n; k++ {
			s -= float64(l[k*n+i] * x[k])
		}
		x[i] = s / l[i*n+i]
		r[i] = float32(x[i])
	}
}
