package verify

import (
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/tensor"
)

// sampled compares the stages that hold some rows of a stage only: the first n of
// x are x_first<n>, every n-th one x_every<n>.
func (l *listener) sampled(stage string, t *tensor.Tensor) {
	for _, name := range l.want.Names() {
		how, ok := strings.CutPrefix(name, stage+"_")
		if !ok {
			continue
		}
		if n, ok := number(how, "first"); ok {
			l.floats(name, t.F32[:min(n, t.Rows())*t.Cols()])
		} else if n, ok := number(how, "every"); ok {
			var rows []float32
			for i := 0; i < t.Rows(); i += n {
				rows = append(rows, t.Row(i)...)
			}
			l.floats(name, rows)
		}
	}
}

// number reads the number behind a word.
func number(s, word string) (int, bool) {
	digits, ok := strings.CutPrefix(s, word)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil && n > 0
}
