// Package golden reads what a reference implementation computed with a
// checkpoint, expected.json and expected.safetensors, and measures how far
// other numbers are from it. It serves the tests and `fovea verify`.
package golden

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
)

const (
	jsonName    = "expected.json"
	tensorsName = "expected.safetensors"
	maxJSON     = 64 << 20
)

// Expected is what a reference implementation made of a checkpoint.
type Expected struct {
	Name            string `json:"name"`
	Class           string `json:"class"`            // of the reference implementation
	CheckpointDType string `json:"checkpoint_dtype"` // as PyTorch calls it: "float16"
	ComputeDType    string `json:"compute_dtype"`
	Cases           []Case `json:"cases"`

	tensors *checkpoint.Checkpoint
}

// Case is one input and what came out.
type Case struct {
	Prompt          string   `json:"prompt"`     // after the chat template
	Texts           []string `json:"texts"`      // of a contrastive model
	Images          []string `json:"images"`     // files beside expected.json
	Videos          []string `json:"videos"`     // folders and files beside it
	VideoRate       float64  `json:"video_rate"` // frames a second of those that are folders
	VideoFPS        float64  `json:"video_fps"`  // frames a second that are seen; 0: the model's default
	InputIDs        IDs      `json:"input_ids"`
	Generated       []int32  `json:"generated"`         // greedily chosen; nil if the model does not generate
	Text            string   `json:"text"`              // of Generated
	TextWithSpecial string   `json:"text_with_special"` // empty if the case does not tell
	MinMargin       float64  `json:"min_margin"`        // smallest gap between the two best logits on the way

	Stages `json:"-"`
}

// IDs are the token ids of one or more sequences. In JSON a single sequence
// may stand without its outer brackets.
type IDs [][]int32

// UnmarshalJSON reads both forms.
func (ids *IDs) UnmarshalJSON(data []byte) error {
	var one []int32
	if json.Unmarshal(data, &one) == nil {
		*ids = IDs{one}
		return nil
	}
	return json.Unmarshal(data, (*[][]int32)(ids))
}

// Open reads the expectations in a directory. Close them after use.
func Open(fsys fs.FS) (*Expected, error) {
	e, err := readJSON(fsys)
	if err != nil {
		return nil, fmt.Errorf("golden: %s: %w", jsonName, err)
	}
	if e.tensors, err = checkpoint.Open(fsys, tensorsName); err != nil {
		return nil, fmt.Errorf("golden: %w", err)
	}
	for i := range e.Cases {
		c := &e.Cases[i]
		c.Stages = newStages(e.tensors, "case"+strconv.Itoa(i)+".")
		if err := c.fillIDs(); err != nil {
			e.Close() // read-only; the reason is err
			return nil, err
		}
	}
	return e, nil
}

// Close ends the life of what Floats returned.
func (e *Expected) Close() error { return e.tensors.Close() }

// Image returns the stages that belong to picture k and not to a case.
func (e *Expected) Image(k int) Stages {
	return newStages(e.tensors, "image"+strconv.Itoa(k)+".")
}

// Rest lists the tensors that belong to no case.
func (e *Expected) Rest() []string {
	var rest []string
	for _, name := range e.tensors.Names() {
		number, ok := strings.CutPrefix(name, "case")
		number, _, dot := strings.Cut(number, ".")
		if i, err := strconv.Atoi(number); !ok || !dot || err != nil || i < 0 || i >= len(e.Cases) || strconv.Itoa(i) != number {
			rest = append(rest, name)
		}
	}
	return rest
}

func readJSON(fsys fs.FS) (*Expected, error) {
	st, err := fs.Stat(fsys, jsonName)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxJSON {
		return nil, fmt.Errorf("%d bytes, at most %d are allowed", st.Size(), maxJSON)
	}
	data, err := fs.ReadFile(fsys, jsonName)
	if err != nil {
		return nil, err
	}
	var f struct {
		Expected
		Cases []json.RawMessage `json:"cases"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	if len(f.Cases) == 0 {
		return nil, errors.New("no cases")
	}
	e := &f.Expected
	e.Cases = make([]Case, len(f.Cases))
	for i, raw := range f.Cases {
		if err := e.Cases[i].parse(raw); err != nil {
			return nil, fmt.Errorf("case %d: %w", i, err)
		}
	}
	return e, nil
}

func (c *Case) parse(raw []byte) error {
	if err := json.Unmarshal(raw, c); err != nil {
		return err
	}
	for _, name := range slices.Concat(c.Images, c.Videos) {
		if !fs.ValidPath(name) {
			return fmt.Errorf("%q is not the path of a picture inside the directory", name)
		}
	}
	return nil
}

// fillIDs takes ids that are not in the JSON from the tensors.
func (c *Case) fillIDs() error {
	const stage = "input_ids"
	if c.InputIDs != nil || !c.Has(stage) {
		return nil
	}
	all, shape, err := c.Ints(stage)
	if err != nil {
		return err
	}
	if len(shape) != 2 {
		return fmt.Errorf("golden: %s%s: shape %v, want [sequences tokens]", c.prefix, stage, shape)
	}
	for ; len(all) > 0; all = all[shape[1]:] {
		ids := make([]int32, shape[1])
		for i, id := range all[:shape[1]] {
			if id < 0 || id > math.MaxInt32 {
				return fmt.Errorf("golden: %s%s: %d is not a token id", c.prefix, stage, id)
			}
			ids[i] = int32(id)
		}
		c.InputIDs = append(c.InputIDs, ids)
	}
	return nil
}
