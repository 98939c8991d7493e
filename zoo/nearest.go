package zoo

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// unknownFamily is the error of a config.json that asks for no row of the table.
type unknownFamily struct {
	architecture, modelType string
	nearest                 string // what it is like, if anything
}

func (e *unknownFamily) Error() string {
	var known []string
	for _, f := range Families() {
		known = append(known, f.Architecture)
	}
	return fmt.Sprintf("unknown architecture %q (model_type %q)%s; known: %s", e.architecture, e.modelType, e.nearest, strings.Join(known, ", "))
}

// compared adds to an error about an unknown family which one is nearest.
func (m *Model) compared(err error) error {
	var e *unknownFamily
	if errors.As(err, &e) {
		e.nearest = nearest(m.files, m.Config, e.modelType)
	}
	return err
}

// surprised adds to what keeps tensors from fitting the family that they are another one's.
func (m *Model) surprised(err error) error {
	var e *checkpoint.BindError
	if !errors.As(err, &e) {
		return err
	}
	names := m.ckpt.Names()
	own, _, _ := m.Family.knows(names, m.Config)
	if f, n := likeliest(names, m.Config, ""); n > own {
		return fmt.Errorf("config.json says %s, and the tensors are like those of %s, which knows %d of their %d names: %w",
			m.Family.Architecture, f.Architecture, n, len(names), err)
	}
	return err
}

// nearest is the known family that a checkpoint of another architecture looks most
// like, and why; "" if it looks like none.
func nearest(fsys fs.FS, config []byte, modelType string) string {
	if c, err := checkpoint.Open(fsys, "."); err == nil {
		defer c.Close()
		if f, n := likeliest(c.Names(), config, modelType); n > 0 {
			return fmt.Sprintf("; the nearest by its tensors is %s, which knows %d of their %d names", f.Architecture, n, len(c.Names()))
		}
	}
	best, long := Family{}, 3 // letters that names share by chance
	for _, f := range Families() {
		if n := shared(f.ModelType, modelType); n > long {
			best, long = f, n
		}
	}
	if best.New == nil {
		return ""
	}
	return fmt.Sprintf("; the nearest by its name is %s (model_type %q)", best.Architecture, best.ModelType)
}

// likeliest is the family that knows most of the names, if it knows more than half,
// and how many it knows. Of several the one counts whose parameters, and then whose
// model_type, are most alike.
func likeliest(names []string, config []byte, modelType string) (best Family, most int) {
	var top []int
	for _, f := range Families() {
		n, exact, missing := f.knows(names, config)
		if score := []int{n, exact, -missing, shared(f.ModelType, modelType)}; 2*n > len(names) && slices.Compare(score, top) > 0 {
			best, most, top = f, n, score
		}
	}
	return best, most
}

// knows counts the names that are of the family: the parameters that it has by the
// config, if it understands that, and what begins as its parts do; and the parameters
// that are not among them.
func (f *Family) knows(names []string, config []byte) (n, exact, missing int) {
	names, err := checkpoint.Renamed(names, f.Names)
	if err != nil {
		return 0, 0, 0
	}
	params := map[string]bool{}
	if net, err := f.New(config); err == nil {
		nn.Walk(net, func(name string, _ *tensor.Tensor) { params[name] = true })
	}
	rest := 0 // names of a language model, which say nothing by themselves
	for _, name := range names {
		switch {
		case params[name]:
			exact++
		case f.begins(name):
			n++
		case slices.Contains(f.Parts, Part{"language", ""}) && (strings.HasPrefix(name, "model.") || strings.HasPrefix(name, "lm_head.")):
			rest++
		}
	}
	if n > 0 && len(params) == 0 {
		n += rest
	}
	return n + exact, exact, len(params) - exact
}

// begins reports whether a name begins as those of one of the parts do.
func (f *Family) begins(name string) bool {
	return slices.ContainsFunc(f.Parts, func(p Part) bool { return p.Prefix != "" && strings.HasPrefix(name, p.Prefix) })
}

// shared is how many letters two names begin with alike.
func shared(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
