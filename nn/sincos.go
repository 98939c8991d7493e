package nn

import (
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/tensor"
)

// SinCos fills a learned table of positions [1+grid², width] with two-dimensional
// sines and cosines of the given amplitude: half of a row's width tells the
// column of the patch, half its line; row 0, the class token's, is zero. A
// vision tower trained from nothing learns where things are from it at once,
// and from random rows late (Beyer et al. 2022, https://arxiv.org/abs/2205.01580).
func SinCos(t *tensor.Tensor, amplitude float64) error {
	rows, width := t.Rows(), t.Cols()
	grid := int(math.Sqrt(float64(rows - 1)))
	if t.F32 == nil {
		return fmt.Errorf("nn: SinCos: %v has no F32 elements", t)
	}
	if grid*grid+1 != rows || width%4 != 0 {
		return fmt.Errorf("nn: SinCos: a table of %d rows of width %d is no class token and square of patches", rows, width)
	}
	clear(t.Row(0))
	quarter := width / 4
	for p := range grid * grid {
		row := t.Row(1 + p)
		for i := range quarter {
			f := math.Pow(100, -float64(i)/float64(quarter)) // grids are small: slower waves would look constant
			for axis, at := range [2]int{p % grid, p / grid} {
				sin, cos := math.Sincos(float64(at) * f)
				row[2*axis*quarter+i] = float32(amplitude * sin)
				row[(2*axis+1)*quarter+i] = float32(amplitude * cos)
			}
		}
	}
	return nil
}
