package zoo

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/tensor"
)

// AttachLoRA gives the model an adapter that is to be trained; see lora.Attach.
func (m *Model) AttachLoRA(cfg lora.Config) (err error) {
	if m.Adapter != nil {
		return fmt.Errorf("zoo: %s: it has an adapter already: merge it first", m.Name)
	}
	m.Adapter, err = lora.Attach(m.Net, cfg)
	return err
}

// OpenLoRA attaches the adapter in a directory of PEFT's layout, ready for inference and
// trainable. pool, which may be nil, does what DoRA needs for it.
func (m *Model) OpenLoRA(dir string, pool *kernel.Pool) error {
	if m.Adapter != nil {
		return fmt.Errorf("zoo: %s: it has an adapter already: merge it first", m.Name)
	}
	a, err := lora.Open(dir, m.Net, m.adapterNames())
	if err != nil {
		return err
	}
	a.Settle(pool)
	m.Adapter = a
	return nil
}

// SaveLoRA writes the adapter as PEFT does, under the names that the model's checkpoint
// uses, or the family where the model is from a GGUF file.
func (m *Model) SaveLoRA(dir string) error {
	if m.Adapter == nil {
		return fmt.Errorf("zoo: %s: it has no adapter to write", m.Name)
	}
	return m.Adapter.Save(dir, m.Name, m.adapterNames())
}

// MergeLoRA adds the adapter to the weights, stored in the dtypes that store gives for
// theirs: see lora.Adapter.Merge.
func (m *Model) MergeLoRA(pool *kernel.Pool, store func(weight tensor.DType) tensor.DType) (dequantised []string, err error) {
	if m.Adapter == nil {
		return nil, fmt.Errorf("zoo: %s: it has no adapter to merge", m.Name)
	}
	dequantised = m.Adapter.Merge(pool, store)
	m.Adapter = nil
	return dequantised, nil
}

var errUnmerged = errors.New("it carries an adapter: merge it first, or write the adapter alone")

// adapterNames are the names of parameters in the files of an adapter.
func (m *Model) adapterNames() lora.Naming {
	stored := m.storedNames()
	return lora.Naming{
		Ours: func(theirs string) string {
			ours, err := checkpoint.Renamed([]string{theirs}, m.Family.Names)
			if err != nil { // of the table: it has been read by now
				return theirs
			}
			if m.cut(ours[0]) {
				return ""
			}
			return ours[0]
		},
		Theirs: func(ours string) string {
			if theirs, ok := stored[ours]; ok {
				return theirs
			}
			return ours
		},
		Rows: m.ggufRows(),
	}
}

// towerBlock finds the number of a block of LLaVA's tower.
var towerBlock = regexp.MustCompile(`^vision_tower\..*\.layers\.(\d+)\.`)

// cut reports whether a parameter is one of the blocks that LLaVA's tower does not run, and
// a GGUF file leaves out.
func (m *Model) cut(param string) bool {
	net, ok := m.Net.(*llava.Model)
	block := towerBlock.FindStringSubmatch(param)
	if !ok || m.hub || block == nil {
		return false
	}
	n, err := strconv.Atoi(block[1])
	return err == nil && n >= net.Vision.Depth()
}

// storedNames are the parameters' names in a checkpoint in Hugging Face's layout.
func (m *Model) storedNames() map[string]string {
	stored := map[string]string{}
	if !m.hub {
		return stored
	}
	theirs := m.ckpt.Names()
	ours, err := checkpoint.Renamed(theirs, m.Family.Names)
	if err != nil { // it was opened by these rules
		return stored
	}
	for i, name := range ours {
		stored[name] = theirs[i]
	}
	return stored
}

// queriesAndKeys are the layers whose rows llama.cpp reorders.
var queriesAndKeys = regexp.MustCompile(`\.self_attn\.[qk]_proj$`)

// ggufRows tells the rows that a GGUF file's llama has in another order.
func (m *Model) ggufRows() func(layer string) func(int) int {
	net := m.llama()
	if net == nil || !net.Config().Interleaved {
		return nil
	}
	head := net.Config().HeadDim
	return func(layer string) func(int) int {
		if strings.HasPrefix(layer, "vision") || !queriesAndKeys.MatchString(layer) {
			return nil
		}
		return func(row int) int { return neighbour(row, head) }
	}
}

// mergePart merges the adapter of a directory whose names lack a prefix of the model's.
func (m *Model) mergePart(dir, prefix string) error {
	a, err := lora.Open(dir, m.Net, lora.Naming{Ours: func(theirs string) string { return prefix + theirs }})
	if err != nil {
		return err
	}
	pool := kernel.NewPool(1)
	defer pool.Close()
	a.Merge(pool, func(weight tensor.DType) tensor.DType { return weight })
	return nil
}
