package lora

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Save writes the adapter to a directory, which is made if it is not there, as PEFT
// does; base is the name of the model that it belongs to.
func (a *Adapter) Save(dir, base string, names Naming) error {
	if err := a.save(dir, base, names); err != nil {
		return fmt.Errorf("lora: %s: %w", dir, err)
	}
	return nil
}

func (a *Adapter) save(dir, base string, names Naming) error {
	if len(a.Layers) == 0 && len(a.saved) == 0 {
		return errors.New("the adapter has been merged: there is nothing to write")
	}
	theirs := func(layer string) string { return strings.TrimSuffix(names.theirs(layer+".weight"), ".weight") }
	var modules, all, saved []string
	var params []checkpoint.Param
	for _, l := range a.Layers {
		modules = append(modules, theirs(l.Name))
		params = append(params, l.params(prefix+theirs(l.Name), names.rows(l.Name))...)
	}
	kernels := nn.Kernels(a.net)
	for name, t := range a.saved {
		if shape, ok := kernels[name]; ok {
			t = tensor.From(t.F32, shape...)
		}
		params = append(params, checkpoint.Param{Name: prefix + names.theirs(name), T: t})
		saved = append(saved, names.theirs(name)[:strings.LastIndexByte(names.theirs(name), '.')])
	}
	slices.Sort(saved)
	for _, name := range linears(a.net).names {
		all = append(all, theirs(name))
	}
	config, err := a.peft(base, modules, all, slices.Compact(saved))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := checkpoint.Write(filepath.Join(dir, weightsFile), params, map[string]string{"format": "pt"}); err != nil {
		return err
	}
	return checkpoint.WriteFileAtomic(filepath.Join(dir, ConfigFile), config)
}

// params are the tensors of an update as PEFT has them, under a module's name; row puts
// their rows into ours.
func (l *Layer) params(module string, row func(int) int) []checkpoint.Param {
	u := *l.LoRA
	if row != nil {
		theirs := make([]int, u.B.Shape[0])
		for i := range theirs {
			theirs[row(i)] = i
		}
		back := func(i int) int { return theirs[i] }
		u.B, u.Magnitude = ordered(u.B, back), ordered(u.Magnitude, back)
	}
	if l.Kernel != nil { // two convolutions, the second of single elements
		u.A = tensor.From(u.A.F32, append([]int{l.Rank}, l.Kernel...)...)
		ones := make([]int, len(l.Kernel)-1)
		for i := range ones {
			ones[i] = 1
		}
		u.B = tensor.From(u.B.F32, append([]int{u.B.Shape[0], l.Rank}, ones...)...)
	}
	params := []checkpoint.Param{{Name: module + endA, T: u.A}, {Name: module + endB, T: u.B}}
	if u.Magnitude != nil {
		params = append(params, checkpoint.Param{Name: module + endMagnitude, T: u.Magnitude})
	}
	return params
}
