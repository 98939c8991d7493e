package train

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
)

func (l *Load) check() error {
	switch {
	case l.From == "":
		return errors.New("from is missing")
	case len(l.Params) == 0:
		return errors.New("params is empty")
	}
	if err := checkPatterns(l.Params); err != nil {
		return fmt.Errorf("params: %w", err)
	}
	for i, r := range l.Rename {
		if r[0] == "" {
			return fmt.Errorf("rename %d: the name to change is empty", i+1)
		}
	}
	return nil
}

// load puts the parameters that the recipe takes from elsewhere into the model.
func (t *Trainer) load() error {
	part := t.Model.Family.PartOf
	names, _ := nn.Params(t.Model.Net)
	for i, l := range t.Recipe.Model.Load {
		if err := checkFit("params", l.Params, names, part); err != nil {
			return fmt.Errorf("model: load %d: %w", i+1, err)
		}
		var rename []checkpoint.Rename
		for _, r := range l.Rename {
			rename = append(rename, checkpoint.Rename{From: r[0], To: r[1]})
		}
		if err := t.Model.Load(l.From, rename, func(name string) bool { return fits(l.Params, name, part(name)) }); err != nil {
			return fmt.Errorf("model: load %d: %w", i+1, err)
		}
	}
	return nil
}
