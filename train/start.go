package train

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// baseDir holds, below the output directory, what a model has besides weights;
// every checkpoint gets a copy.
const baseDir = "base"

// start opens the checkpoint that the recipe builds on, or declares its model
// and draws the weights.
func (r *Recipe) start(sets [][]*source) (*zoo.Model, error) {
	if r.Model.From != "" {
		m, err := r.openBase()
		if err != nil {
			return nil, err
		}
		return m, r.attach(m)
	}
	dir := filepath.Join(r.Output, baseDir)
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
		if err := r.writeBase(dir, sets); err != nil {
			return nil, err
		}
	}
	m, err := zoo.Declare(os.DirFS(dir), dir)
	if err != nil {
		return nil, err
	}
	if size, ok := vocabulary(m); ok && m.Tokenizer.Size() > size {
		return nil, fmt.Errorf("config: vocab_size is %d and the tokenizer has %d tokens", size, m.Tokenizer.Size())
	}
	return m, r.Model.Init.fill(m, slices.Concat(sets...), rand.New(rand.NewPCG(r.Seed, 0x1417)))
}

// openBase opens the checkpoint that training builds on, in the types that it stays in.
func (r *Recipe) openBase() (*zoo.Model, error) {
	m, err := zoo.OpenToLearn(r.Model.From)
	if err != nil {
		return nil, err
	}
	r.draw(m)
	return m, r.quantise(m)
}

// draw gives the parameters that no checkpoint has their first weights.
func (r *Recipe) draw(m *zoo.Model) {
	nn.Initializer{Std: r.Model.Init.std, Residual: r.Model.Init.Residual}.Init(m.Net, rand.New(rand.NewPCG(r.Seed, 0x1417)))
}

// fill gives a declared model its first weights.
func (in Init) fill(m *zoo.Model, sets []*source, rng *rand.Rand) error {
	nn.Initializer{Std: in.std, Residual: in.Residual}.Init(m.Net, rng)
	if in.Whiten > 0 {
		if err := in.whiten(m, sets); err != nil {
			return err
		}
	}
	if in.SinCos == 0 {
		return nil
	}
	var err error
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) {
		if m.Family.PartOf(name) == "vision" && strings.HasSuffix(name, "position_embedding.weight") {
			err = cmp.Or(err, nn.SinCos(t, in.SinCos))
		}
	})
	return err
}

func vocabulary(m *zoo.Model) (int, bool) {
	v, ok := m.VLM()
	if !ok {
		return 0, false
	}
	return v.Decoder().Vocab(), true
}

// std looks a parameter up by the longest key that is a piece of its name.
func (in Init) std(name string) float64 {
	std, longest := 0.02, -1
	for key, v := range in.Std {
		if key == "*" && longest < 0 {
			std, longest = v, 0
		} else if strings.Contains(name, key) && len(key) > longest {
			std, longest = v, len(key)
		}
	}
	return std
}

// writeBase makes the files of a new model; config.json comes last, so that a
// directory that has it is whole.
func (r *Recipe) writeBase(dir string, sets [][]*source) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if r.Model.Vocabulary > 0 {
		if err := r.learnVocabulary(dir, slices.Concat(sets...)); err != nil {
			return err
		}
	}
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"preprocessor_config.json", r.Model.Preprocessor},
		{"chat_template.jinja", []byte(r.Model.ChatTemplate)},
		{"config.json", r.Model.Config},
	} {
		if len(f.text) == 0 {
			continue
		}
		if err := checkpoint.WriteFileAtomic(filepath.Join(dir, f.name), pretty(f.text)); err != nil {
			return err
		}
	}
	return nil
}

// pretty indents JSON and leaves anything else as it is.
func pretty(text []byte) []byte {
	var v any
	if json.Unmarshal(text, &v) != nil {
		return text
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return text
	}
	return append(out, '\n')
}
