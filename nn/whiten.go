package nn

import (
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/tensor"
)

// Whiten turns a matrix w [out, in] that has been drawn at random into one that
// sees x [samples, in] whitened: its products with centred samples are those of
// the drawn matrix with samples whose elements are uncorrelated and of variance
// one. eps, added to the variance of x, keeps it from amplifying noise.
//
// Patches of pictures are mostly brightness. A patch embedding that sees them
// plainly hears little of the edges, and learns shapes late. With Σ + eps·I = L·Lᵀ
// it multiplies w by L⁻¹ (Kessy, Lewin and Strimmer 2018, https://arxiv.org/abs/1512.00809).
func Whiten(w, x *tensor.Tensor, eps float64) error {
	n := w.Cols()
	if w.F32 == nil || x.F32 == nil || x.Cols() != n || x.Rows() == 0 || !(eps > 0) {
		return fmt.Errorf("nn: Whiten: a matrix %v by samples %v and eps %v", w.Shape, x.Shape, eps)
	}
	l := covariance(x)
	for i := range n {
		l[i*n+i] += eps
	}
	if !cholesky(l, n) {
		return fmt.Errorf("nn: Whiten: the samples have no covariance: they hold NaN or infinities")
	}
	row := make([]float64, n)
	for r := range w.Rows() {
		solve(row, w.Row(r), l)
	}
	return nil
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
