package lora

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Naming says how the parameters of a model are called in the files of an adapter.
type Naming struct {
	Ours   func(theirs string) string // nil: as in the files; "" for what the model does without
	Theirs func(ours string) string   // nil: as here
	// Rows says of a layer which of the file's rows our row is, where the model's are in
	// another order; it may be nil, and give nil.
	Rows func(layer string) func(ours int) (theirs int)
}

func (n Naming) ours(theirs string) string {
	if n.Ours == nil {
		return theirs
	}
	return n.Ours(theirs)
}

func (n Naming) theirs(ours string) string {
	if n.Theirs == nil {
		return ours
	}
	return n.Theirs(ours)
}

func (n Naming) rows(layer string) func(int) int {
	if n.Rows == nil {
		return nil
	}
	return n.Rows(layer)
}

// Exists reports whether a directory holds an adapter in PEFT's layout.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, ConfigFile))
	return err == nil
}

// Open attaches the adapter in a directory of PEFT to net, all of it trainable. Weights
// are copied to F32. Parameters that were saved whole take the place of net's.
func Open(dir string, net any, names Naming) (*Adapter, error) {
	a, err := open(os.DirFS(dir), net, names)
	if err != nil {
		return nil, fmt.Errorf("lora: %s: %w", dir, err)
	}
	return a, nil
}

func open(fsys fs.FS, net any, names Naming) (*Adapter, error) {
	data, err := fs.ReadFile(fsys, ConfigFile)
	if err != nil {
		return nil, err
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		return nil, err
	}
	c, err := openWeights(fsys)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r := reader{Adapter: Adapter{Config: cfg, net: net, saved: map[string]*tensor.Tensor{}}, c: c, names: names, params: map[string]*tensor.Tensor{}, whole: map[string]*tensor.Tensor{}}
	if err := r.read(); err != nil {
		for _, l := range r.Layers {
			l.LoRA = nil
		}
		return nil, err
	}
	return &r.Adapter, nil
}

func openWeights(fsys fs.FS) (*checkpoint.Checkpoint, error) {
	for _, name := range []string{weightsFile, oldWeights} {
		if _, err := fs.Stat(fsys, name); err == nil {
			return checkpoint.Open(fsys, name)
		}
	}
	return nil, fmt.Errorf("neither %s nor %s: %w", weightsFile, oldWeights, fs.ErrNotExist)
}

// reader fills an adapter from a file.
type reader struct {
	Adapter
	c      *checkpoint.Checkpoint
	names  Naming
	params map[string]*tensor.Tensor // of the model
	whole  map[string]*tensor.Tensor // what takes their place, apart until all is read
	bound  []checkpoint.Param
	unread []string // names that Bind is to pass over
}

func (r *reader) skip(names ...string) { r.unread = append(r.unread, names...) }

func (r *reader) read() error {
	all := linears(r.net)
	nn.Walk(r.net, func(name string, t *tensor.Tensor) { r.params[name] = t })
	for _, name := range r.c.Names() {
		if err := r.declare(name, all); err != nil {
			return err
		}
	}
	if len(r.Layers) == 0 && len(r.saved) == 0 {
		return errors.New("the file has no weights of an adapter")
	}
	return r.fill()
}

// fill reads the weights.
func (r *reader) fill() error {
	older := []checkpoint.Rename{{From: `^(.*)\.lora_magnitude_vector\.weight$`, To: "${1}" + endMagnitude}}
	if err := checkpoint.Bind(r.c, r.bound, older, checkpoint.BindOptions{Ignore: r.unread}); err != nil {
		return err
	}
	for _, p := range r.bound {
		p.T.Own()
	}
	for name, t := range r.whole {
		r.saved[name].F32, r.saved[name].Raw, r.saved[name].DType = t.F32, nil, tensor.F32
	}
	for _, l := range r.Layers {
		if row := r.names.rows(l.Name); row != nil {
			l.LoRA.B, l.LoRA.Magnitude = ordered(l.LoRA.B, row), ordered(l.LoRA.Magnitude, row)
		}
	}
	slices.SortFunc(r.Layers, func(a, b Layer) int { return strings.Compare(a.Name, b.Name) })
	r.Freeze()
	return nil
}

// declare prepares for the tensor of a name.
func (r *reader) declare(stored string, all layers) error {
	name, ok := strings.CutPrefix(stored, prefix)
	if !ok {
		return fmt.Errorf("tensor %q: PEFT's names begin with %s", stored, prefix)
	}
	name = strings.TrimSuffix(name, ".weight")
	if module, ok := strings.CutSuffix(name, strings.TrimSuffix(endA, ".weight")); ok {
		return r.declareLayer(stored, module, all)
	}
	if strings.Contains(name, ".lora_") {
		for _, end := range []string{endB, endMagnitude} {
			if strings.HasSuffix(name, strings.TrimSuffix(end, ".weight")) {
				return nil // with the layer's A, or left over
			}
		}
		return fmt.Errorf("tensor %q: updates of that kind are not supported", stored)
	}
	ours := r.names.ours(strings.TrimPrefix(stored, prefix))
	if ours == "" {
		r.skip(stored)
		return nil
	}
	if r.params[ours] == nil {
		return fmt.Errorf("tensor %q: the model has no parameter %q", stored, ours)
	}
	r.saved[ours], r.whole[ours] = r.params[ours], tensor.Declare(r.params[ours].Shape...)
	r.bound = append(r.bound, checkpoint.Param{Name: stored, T: r.whole[ours]})
	return nil
}

// declareLayer attaches the update of a module.
func (r *reader) declareLayer(stored, module string, all layers) error {
	name := strings.TrimSuffix(r.names.ours(module+".weight"), ".weight")
	at := prefix + module
	if name == "" {
		r.skip(at+endA, at+endB, at+endMagnitude)
		return nil
	}
	l := all.of[name]
	if l == nil {
		return fmt.Errorf("tensor %q: %w", stored, noMatch("linear layer", name, all.names))
	}
	if err := r.add(name, module, l); err != nil {
		return err
	}
	r.bound = append(r.bound, checkpoint.Param{Name: at + endA, T: l.LoRA.A}, checkpoint.Param{Name: at + endB, T: l.LoRA.B})
	if l.LoRA.Magnitude != nil {
		r.bound = append(r.bound, checkpoint.Param{Name: at + endMagnitude, T: l.LoRA.Magnitude})
	}
	return nil
}

// ordered is a tensor, or nil, whose row i is row(i) of t.
func ordered(t *tensor.Tensor, row func(int) int) *tensor.Tensor {
	if t == nil {
		return nil
	}
	rows := t.Shape[0]
	n := t.Len() / rows
	out := make([]float32, 0, t.Len())
	for i := range rows {
		at := row(i) * n
		out = append(out, t.F32[at:at+n]...)
	}
	return tensor.From(out, t.Shape...)
}
