package zoo

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
)

// Load fills the chosen parameters with those of another checkpoint directory, which
// may be one of another model that has such parts. Its names are turned by the rules of
// the family and then by names. That all chosen ones are there, in their shapes, is
// what errors are about; others are left alone.
func (m *Model) Load(dir string, names []checkpoint.Rename, chosen func(param string) bool) error {
	c, err := checkpoint.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("zoo: %w", err)
	}
	m.others = append(m.others, c)
	params := slices.DeleteFunc(m.params(), func(p checkpoint.Param) bool { return !chosen(p.Name) })
	o := m.bindOptions(params)
	o.Ignore = []string{"*"}
	if err := checkpoint.Bind(c, params, slices.Concat(m.Family.Names, names), o); err != nil {
		return fmt.Errorf("zoo: %s: %w", dir, err)
	}
	return nil
}
