package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fingerprinter is a data set that knows what is in it.
type fingerprinter interface {
	Fingerprint() string // differs where samples do
}

// fingerprints are those of all data sets, "" where one has none.
func (t *Trainer) fingerprints() (all []string) {
	t.eachSource(func(s *source, _ string) {
		print := ""
		if f, ok := s.Dataset.(fingerprinter); ok {
			print = f.Fingerprint()
		}
		all = append(all, print)
	})
	return all
}

// eachSource calls f with every open data set and what it is to the recipe.
func (t *Trainer) eachSource(f func(s *source, name string)) {
	for i, st := range t.Recipe.Stages {
		for k, s := range t.sets[i] {
			f(s, fmt.Sprintf("stage %d (%s): data %d (%s)", i+1, st.Name, k+1, strings.TrimSpace(s.Format+" "+s.Path)))
		}
		if v := t.valid[i]; v != nil {
			for k, s := range v.sets {
				f(s, fmt.Sprintf("stage %d (%s): validate: data %d (%s)", i+1, st.Name, k+1, strings.TrimSpace(s.Format+" "+s.Path)))
			}
		}
	}
}

// errOther is why a checkpoint is not gone on from, nor passed over, though it is whole.
var errOther = errors.New("the run cannot go on")

// sameData returns an error if a data set has changed since its fingerprint was
// taken. Those of sets that had none, or have none, say nothing.
func (t *Trainer) sameData(dir string, saved []string) (err error) {
	i := 0
	t.eachSource(func(_ *source, name string) {
		if i < len(saved) && saved[i] != "" && t.state.Data[i] != "" && saved[i] != t.state.Data[i] && err == nil {
			err = fmt.Errorf("%s: %w: %s has changed since this checkpoint was saved; put the data back as it was, or give the run another output directory", dir, errOther, name)
		}
		i++
	})
	return err
}

// sameModel returns an error if a checkpoint is one of another architecture.
func (t *Trainer) sameModel(dir string) error {
	base := filepath.Join(t.Recipe.Output, baseDir)
	ours, err := architecture(base)
	if err != nil || ours == "" {
		return err
	}
	its, err := architecture(dir)
	if err != nil || its == "" || its == ours {
		return err
	}
	return fmt.Errorf("%s: %w: it is a checkpoint of another architecture, %s, and this run teaches %s; remove it, or give the run another output directory", dir, errOther, its, ours)
}

// architecture tells what the config.json of a directory is of; "" if it has none or
// does not say.
func architecture(dir string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var c struct {
		Architectures []string `json:"architectures"`
		Type          string   `json:"model_type"`
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return "", fmt.Errorf("config.json: %w", err)
	}
	if len(c.Architectures) == 0 {
		return c.Type, nil
	}
	return c.Architectures[0], nil
}
