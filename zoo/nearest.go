package zoo

import (
	"errors"
	"fmt"
	"io/fs"
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
	if f, n := likeliest(names, m.Config); n > known(m.Family, names, m.Config) {
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
		if f, n := likeliest(c.Names(), config); n > 0 {
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
// and how many it knows.
func likeliest(names []string, config []byte) (best Family, most int) {
	for _, f := range Families() {
		if n := known(f, names, config); n > most && 2*n > len(names) {
			best, most = f, n
		}
	}
	return best, most
}

// known counts the names that a family knows: those of its parameters if the config
// is one that it understands, and else those that its parts begin with.
func known(f Family, names []string, config []byte) (n int) {
	names, err := checkpoint.Renamed(names, f.Names)
	if err != nil {
		return 0
	}
	params := map[string]bool{}
	if net, err := f.New(config); err == nil {
		nn.Walk(net, func(name string, _ *tensor.Tensor) { params[name] = true })
	}
	for _, name := range names {
		if params[name] || f.begins(name) {
			n++
		}
	}
	return n
}

// begins reports whether a name begins as those of one of the parts do.
func (f *Family) begins(name string) bool {
	for _, p := range f.Parts {
		if p.Prefix != "" && strings.HasPrefix(name, p.Prefix) {
			return true
		}
	}
	return false
}

// shared is how many letters two names begin with alike.
func shared(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
