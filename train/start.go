package train

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/tokenizer"
	"github.com/fovea-ml/fovea/zoo"
)

// baseDir holds, below the output directory, what a model has besides weights:
// every checkpoint gets a copy.
const baseDir = "base"

// start opens the checkpoint that the recipe builds on, or declares its model
// and draws the weights.
func (r *Recipe) start() (*zoo.Model, error) {
	if r.Model.From != "" {
		return zoo.OpenDir(r.Model.From)
	}
	dir := filepath.Join(r.Output, baseDir)
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err != nil {
		if err := r.writeBase(dir); err != nil {
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
	return m, r.Model.Init.fill(m, rand.New(rand.NewPCG(r.Seed, 0x1417)))
}

// fill gives a declared model its first weights.
func (in Init) fill(m *zoo.Model, rng *rand.Rand) error {
	nn.Initializer{Std: in.std, Residual: in.Residual}.Init(m.Net, rng)
	if in.SinCos == 0 {
		return nil
	}
	var err error
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) {
		if m.Family.PartOf(name) == "vision" && strings.HasSuffix(name, "position_embedding.weight") {
			err = firstError(err, nn.SinCos(t, in.SinCos))
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
func (r *Recipe) writeBase(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if r.Model.Vocabulary > 0 {
		if err := r.learnVocabulary(dir); err != nil {
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

// vocabularySamples is how many samples of each source the vocabulary is learned from.
const vocabularySamples = 4000

// learnVocabulary trains the tokenizer on the texts of all stages.
func (r *Recipe) learnVocabulary(dir string) error {
	var sets []*source
	for _, st := range r.Stages {
		for _, d := range st.Data {
			s, err := d.open()
			if err != nil {
				return err
			}
			sets = append(sets, s)
		}
	}
	var fail error
	texts := func(yield func(string) bool) {
		for _, s := range sets {
			for i := range min(s.Len(), vocabularySamples) {
				sample, err := s.At(i)
				if err != nil {
					fail = err
					return
				}
				for _, t := range sample.Turns {
					if !yield(strings.ReplaceAll(t.Text, data.Marker, "")) {
						return
					}
				}
			}
		}
	}
	special := tokenizer.Special{BOS: r.Model.Special.BOS, EOS: r.Model.Special.EOS, More: r.Model.Special.More}
	vocab, err := tokenizer.Train(texts, r.Model.Vocabulary, special)
	if err != nil || fail != nil {
		return firstError(fail, err)
	}
	return vocab.Write(dir)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// copyFiles copies the files of a model that are not weights.
func copyFiles(dst string, src fs.FS) error {
	entries, err := fs.ReadDir(src, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || !describesModel(e.Name()) {
			continue
		}
		text, err := fs.ReadFile(src, e.Name())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dst, e.Name()), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// describesModel tells configs, tokenizers and templates from weights, and from
// the expectations and logs that may lie beside them.
func describesModel(name string) bool {
	if strings.HasSuffix(name, ".index.json") || strings.HasPrefix(name, "expected") || name == stateFile {
		return false
	}
	switch filepath.Ext(name) {
	case ".json", ".jinja", ".model", ".txt":
		return true
	}
	return false
}
