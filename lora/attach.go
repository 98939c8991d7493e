package lora

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// Adapter is what is attached to a model: updates of its linear layers, and parameters
// that learn whole.
type Adapter struct {
	Config Config
	Layers []Layer

	net   any
	saved map[string]*tensor.Tensor // by name
}

// Layer is one that carries an update.
type Layer struct {
	Name string // of the layer in the model
	*nn.Linear
	Rank  int
	Alpha float64
}

// Attach gives linear layers of net the updates that cfg describes: A spread evenly as
// PEFT has it, B zero, so that the model computes what it did. What nn.Walk finds by the
// names lora_A.weight, lora_B.weight and lora_magnitude_vector behind that of a layer,
// and what ModulesToSave names, learns; all else is frozen, in whatever dtype.
func Attach(net any, cfg Config) (*Adapter, error) {
	a, err := attach(net, cfg)
	if err != nil {
		return nil, fmt.Errorf("lora: %w", err)
	}
	return a, nil
}

func attach(net any, cfg Config) (*Adapter, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	all := linears(net)
	chosen, err := cfg.choose(all)
	if err != nil {
		return nil, err
	}
	a := &Adapter{Config: cfg, net: net}
	if err := a.chooseSaved(); err != nil {
		return nil, err
	}
	for _, name := range chosen {
		if err := a.add(name, name, all.of[name]); err != nil {
			return nil, err
		}
	}
	for _, l := range a.Layers {
		l.begin(cfg.Seed)
	}
	a.Freeze()
	return a, nil
}

// add declares the update of a layer; pattern is its name in the files' patterns.
func (a *Adapter) add(name, pattern string, l *nn.Linear) error {
	rank, alpha, err := a.Config.of(pattern)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	case l.LoRA != nil:
		return fmt.Errorf("%s has an update already: merge it first", name)
	case a.Config.DoRA && l.Kernel != nil:
		return fmt.Errorf("%s: DoRA on the kernel of a convolution; exclude it", name)
	}
	l.LoRA = nn.NewLoRA(l, rank, a.Config.DoRA)
	l.LoRA.Scale, l.LoRA.Dropout = a.Config.scale(rank, alpha), a.Config.Dropout
	l.LoRA.Seed = dropSeed(a.Config.Seed, name)
	a.Layers = append(a.Layers, Layer{Name: name, Linear: l, Rank: rank, Alpha: alpha})
	return nil
}

// Reseed has dropout draw from a seed, which files do not keep: that of a run that goes on.
func (a *Adapter) Reseed(seed uint64) {
	a.Config.Seed = seed
	for _, l := range a.Layers {
		l.LoRA.Seed = dropSeed(seed, l.Name)
	}
}

func dropSeed(seed uint64, name string) uint64 { return seed ^ hash(name) }

func hash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}

// begin gives an update its first values, from the seed and the layer's name alone.
func (l *Layer) begin(seed uint64) {
	u := l.LoRA
	rng := rand.New(rand.NewPCG(seed, hash(l.Name)))
	for _, t := range []*tensor.Tensor{u.A, u.B} {
		t.F32 = make([]float32, t.Len())
	}
	const half = 1 << 52
	step := u.Spread() / half
	for i := range u.A.F32 {
		u.A.F32[i] = float32(float64(int64(rng.Uint64()>>11)-half) * step)
	}
	if u.Magnitude != nil {
		u.Magnitude.F32 = make([]float32, u.Magnitude.Len())
		u.Measure(&tensor.Ctx{}, l.Weight)
	}
}

// chooseSaved finds the parameters that learn whole.
func (a *Adapter) chooseSaved() error {
	a.saved = map[string]*tensor.Tensor{}
	var names []string
	params := map[string]*tensor.Tensor{}
	nn.Walk(a.net, func(name string, t *tensor.Tensor) {
		if !Update(name) {
			names, params[name] = append(names, name), t
		}
	})
	for _, glob := range a.Config.ModulesToSave {
		found := false
		for _, name := range names {
			if strings.Contains(name, ".") && (nn.MatchEnd(glob, name) || nn.MatchEnd(glob+".**", name)) { // PEFT saves modules
				a.saved[name], found = params[name], true
			}
		}
		if !found {
			return noMatch("module", glob, modules(names))
		}
	}
	return nil
}

// modules are the names of what holds the parameters.
func modules(params []string) []string {
	var out []string
	for _, name := range params {
		for {
			i := strings.LastIndexByte(name, '.')
			if i < 0 {
				break
			}
			name = name[:i]
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Update reports whether a parameter's name is that of an update.
func Update(name string) bool {
	for _, end := range []string{endA, endB, endMagnitude} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

// What names of updates end with.
const (
	endA         = ".lora_A.weight"
	endB         = ".lora_B.weight"
	endMagnitude = ".lora_magnitude_vector"
)

// Learns reports whether a parameter of the model is the adapter's: an update, or one
// that learns whole.
func (a *Adapter) Learns(name string) bool { return Update(name) || a.saved[name] != nil }

// Freeze makes exactly the adapter's parameters learn.
func (a *Adapter) Freeze() { nn.Freeze(a.net, a.Learns) }

// Settle makes the layers ready for inference: see nn.LoRA.Settle.
func (a *Adapter) Settle(pool *kernel.Pool) {
	c := &tensor.Ctx{Pool: pool}
	for _, l := range a.Layers {
		l.LoRA.Settle(c, l.Weight)
		c.Reset()
	}
}

// Without runs f with the model as it was before the adapter. What learns whole has no
// other value: an adapter that saves modules is refused.
func (a *Adapter) Without(f func()) error {
	if len(a.saved) > 0 {
		return fmt.Errorf("lora: the adapter has modules_to_save, whose weights of before are not kept")
	}
	updates := make([]*nn.LoRA, len(a.Layers))
	for i, l := range a.Layers {
		updates[i], l.LoRA = l.LoRA, nil
	}
	defer func() {
		for i, l := range a.Layers {
			l.LoRA = updates[i]
		}
	}()
	f()
	return nil
}
