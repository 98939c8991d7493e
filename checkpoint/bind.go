package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/tensor"
)

// Param is a parameter of a model: a name and a declared tensor to be filled.
type Param struct {
	Name string
	T    *tensor.Tensor
}

// BindOptions says which differences between checkpoint and model are fine.
type BindOptions struct {
	// Ignore are patterns of path.Match for tensors of the checkpoint that no
	// parameter takes, by their stored or renamed name: "*.position_ids".
	Ignore []string
	// Tied are tensors that may be absent because they equal another one.
	Tied []Tied
}

// Tied says that tensor Name is parameter To: {"lm_head.weight",
// "model.embed_tokens.weight"}. If Name is a parameter that the checkpoint lacks, To
// fills it; if it is none, the checkpoint may hold it, and it fills To where To is absent.
type Tied struct{ Name, To string }

// Misshape is a tensor that does not fit its parameter.
type Misshape struct {
	Name   string // of the stored tensor
	File   string
	Reason string // "shape [4096 4096], want [1024 4096]"
}

// BindError lists all that keeps a checkpoint from fitting a model.
type BindError struct {
	Checkpoint string     // file or index
	Missing    []string   // parameters without a tensor
	Unexpected []string   // tensors without a parameter, as stored
	Misshapen  []Misshape // tensors of another shape or dtype than their parameter
}

// Error counts every kind and spells out the first few of each.
func (e *BindError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "checkpoint: %s: %d tensors missing, %d unexpected, %d misshapen",
		e.Checkpoint, len(e.Missing), len(e.Unexpected), len(e.Misshapen))
	list(&b, "missing", e.Missing, func(s string) string { return s })
	list(&b, "unexpected", e.Unexpected, func(s string) string { return s })
	list(&b, "misshapen", e.Misshapen, func(m Misshape) string {
		return fmt.Sprintf("%s: tensor %q: %s", m.File, m.Name, m.Reason)
	})
	return b.String()
}

func list[E any](b *strings.Builder, kind string, all []E, text func(E) string) {
	for _, e := range all[:min(len(all), listed)] {
		fmt.Fprintf(b, "\n\t%s: %s", kind, text(e))
	}
	if n := len(all) - listed; n > 0 {
		fmt.Fprintf(b, "\n\t%s: and %d more", kind, n)
	}
}

// Bind fills the parameters of a model with the tensors of a checkpoint, in the
// dtype that is stored (F32, F16, BF16 or a quantised one) and without copying them if possible:
// see Checkpoint for how long they live. names maps stored names to those of the
// parameters. A matrix [out, n] also takes a tensor [out, a, b, …] of n = a·b·…
// columns: the kernel of a patch embedding.
//
// The error is a *BindError if names, shapes or dtypes differ; no parameter is
// filled then.
func Bind(c *Checkpoint, params []Param, names []Rename, o BindOptions) error {
	b := binding{c: c, o: o, params: map[string]*tensor.Tensor{}, stored: map[string]string{}, copies: map[string]string{}}
	if err := b.match(params, names); err != nil {
		return fmt.Errorf("checkpoint: %s: %w", c.label, err)
	}
	if e := b.check(params); e != nil {
		return e
	}
	return b.fill(params)
}

// binding pairs parameters with stored tensors.
type binding struct {
	c          *Checkpoint
	o          BindOptions
	params     map[string]*tensor.Tensor
	stored     map[string]string // parameter → tensor in the checkpoint
	copies     map[string]string // the same of tensors that are tied and no parameters
	unexpected []string
}

func (b *binding) match(params []Param, names []Rename) error {
	rename, err := newRenamer(names)
	if err != nil {
		return err
	}
	for _, p := range params {
		if b.params[p.Name] != nil {
			return fmt.Errorf("the model has two parameters %q", p.Name)
		}
		b.params[p.Name] = p.T
	}
	for _, name := range b.c.Names() {
		to := rename.apply(name)
		if b.params[to] == nil {
			if err := b.leftover(name, to); err != nil {
				return err
			}
			continue
		}
		if other, ok := b.stored[to]; ok {
			return fmt.Errorf("tensors %q and %q are both parameter %q", other, name, to)
		}
		b.stored[to] = name
	}
	b.tie()
	return nil
}

// leftover judges a tensor that no parameter takes.
func (b *binding) leftover(name, renamed string) error {
	if slices.ContainsFunc(b.o.Tied, func(t Tied) bool { return t.Name == renamed }) {
		b.copies[renamed] = name
		return nil
	}
	for _, n := range []string{name, renamed} {
		if ok, err := matchesAny(b.o.Ignore, n); ok || err != nil {
			return err
		}
	}
	b.unexpected = append(b.unexpected, name)
	return nil
}

func (b *binding) tie() {
	for _, t := range b.o.Tied {
		_, have := b.stored[t.Name]
		if from, ok := b.stored[t.To]; ok && !have && b.params[t.Name] != nil {
			b.stored[t.Name] = from
		}
		if from, ok := b.copies[t.Name]; ok && b.stored[t.To] == "" && b.params[t.To] != nil {
			b.stored[t.To] = from
		}
	}
}

// check returns nil if everything fits.
func (b *binding) check(params []Param) *BindError {
	e := &BindError{Checkpoint: b.c.label, Unexpected: b.unexpected}
	for _, p := range params {
		name, ok := b.stored[p.Name]
		if !ok {
			e.Missing = append(e.Missing, p.Name)
			continue
		}
		if info := b.c.tensors[name]; !info.DType.Float() {
			e.Misshapen = append(e.Misshapen, Misshape{name, info.File, fmt.Sprintf("dtype %v, want F32, F16, BF16 or a quantised one", info.DType)})
		} else if !fits(info.Shape, p.T.Shape) {
			e.Misshapen = append(e.Misshapen, Misshape{name, info.File, fmt.Sprintf("shape %v, want %v", info.Shape, p.T.Shape)})
		}
	}
	if len(e.Missing)+len(e.Unexpected)+len(e.Misshapen) == 0 {
		return nil
	}
	return e
}

func fits(stored, declared []int) bool {
	if slices.Equal(stored, declared) {
		return true
	}
	return len(declared) == 2 && len(stored) > 2 && stored[0] == declared[0] && tensor.Size(stored[1:]) == declared[1]
}

func (b *binding) fill(params []Param) error {
	for _, p := range params {
		t, err := b.c.Tensor(b.stored[p.Name])
		if err != nil {
			return err
		}
		p.T.DType, p.T.F32, p.T.Raw = t.DType, t.F32, t.Raw
	}
	return nil
}
