package train

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// Share is a model with its weight in a mix.
type Share struct {
	Dir    string // checkpoint directory
	Weight float64
}

// Mix writes the model θ = Σ βᵢθᵢ of several that were trained from the same one, as
// SPHINX mixes what it learned of real and of synthetic captions (section 3.1 of
// https://arxiv.org/abs/2311.07575). Their architectures, parameters and shapes must
// be the same, and the weights β sum to 1. Sums are float32, in the order of the
// shares, a tensor at a time. dir gets the files of the first model beside the
// weights, in its dtypes. It must be empty, or not be there.
func Mix(dir string, shares []Share) error {
	if err := mix(dir, shares); err != nil {
		return fmt.Errorf("train: mix: %w", err)
	}
	return nil
}

func mix(dir string, shares []Share) (err error) {
	if err := checkShares(shares); err != nil {
		return err
	}
	m := &mixture{shares: shares}
	defer func() { err = errors.Join(err, m.close()) }()
	for _, s := range shares {
		if err := m.open(s.Dir); err != nil {
			return err
		}
	}
	if err := makeEmpty(dir); err != nil {
		return err
	}
	if err := zoo.CopyDescription(dir, m.models[0].Files()); err != nil {
		return err
	}
	return checkpoint.WriteDir(dir, modelParams(m.models[0].Net), checkpoint.WriteOptions{
		Metadata: map[string]string{"format": "pt"}, Values: m.values,
	})
}

func checkShares(shares []Share) error {
	if len(shares) < 2 {
		return fmt.Errorf("%d models, want two or more", len(shares))
	}
	sum := 0.0
	for _, s := range shares {
		if math.IsNaN(s.Weight) || math.IsInf(s.Weight, 0) {
			return fmt.Errorf("%s: the weight is %v", s.Dir, s.Weight)
		}
		sum += s.Weight
	}
	if !(math.Abs(sum-1) < 1e-6) {
		return fmt.Errorf("the weights sum to %v, want 1", sum)
	}
	return nil
}

// makeEmpty makes a directory that has nothing in it.
func makeEmpty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty", dir)
	}
	return err
}

// mixture are the models that are mixed.
type mixture struct {
	shares []Share
	models []*zoo.Model
	params []map[string]*tensor.Tensor // of each, by name
}

// open opens a model and compares it with the first.
func (m *mixture) open(dir string) error {
	opened, err := zoo.OpenDir(dir)
	if err != nil {
		return err
	}
	params := map[string]*tensor.Tensor{}
	nn.Walk(opened.Net, func(name string, w *tensor.Tensor) { params[name] = w })
	m.models, m.params = append(m.models, opened), append(m.params, params)
	first := m.models[0]
	if a, b := first.Family.Architecture, opened.Family.Architecture; a != b {
		return fmt.Errorf("%s is a %s, and %s a %s", m.shares[0].Dir, a, dir, b)
	}
	return m.alike(dir, params)
}

// alike compares names and shapes with those of the first model.
func (m *mixture) alike(dir string, params map[string]*tensor.Tensor) error {
	names, _ := nn.Params(m.models[0].Net)
	for _, name := range names {
		a, b := m.params[0][name], params[name]
		switch {
		case b == nil:
			return fmt.Errorf("%s has no %s, which %s has", dir, name, m.shares[0].Dir)
		case !slices.Equal(a.Shape, b.Shape):
			return fmt.Errorf("%s is %v in %s and %v in %s", name, a.Shape, m.shares[0].Dir, b.Shape, dir)
		case a.DType.Quantised() || b.DType.Quantised():
			return fmt.Errorf("%s: quantised weights cannot be mixed", name)
		}
	}
	for name := range params {
		if m.params[0][name] == nil {
			return fmt.Errorf("%s has %s, which %s has not", dir, name, m.shares[0].Dir)
		}
	}
	return nil
}

// values is the mix of a parameter.
func (m *mixture) values(p checkpoint.Param) ([]float32, error) {
	sum, one := make([]float32, p.T.Len()), make([]float32, p.T.Len())
	for i, s := range m.shares {
		m.params[i][p.Name].Floats(one)
		beta := float32(s.Weight)
		for k, v := range one {
			sum[k] += float32(beta * v)
		}
	}
	return sum, nil
}

func (m *mixture) close() (err error) {
	for _, opened := range m.models {
		err = errors.Join(err, opened.Close())
	}
	return err
}
