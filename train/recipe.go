// Package train teaches models: a recipe says which parts learn in which stage,
// from which data and how fast; a Trainer runs it, logs it, saves it and goes on
// where it was stopped, to the bit.
package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Recipe is a whole training run. It is decoded strictly: an unknown field is an error.
type Recipe struct {
	Name   string  `json:"name"`
	About  string  `json:"about,omitempty"`
	Seed   uint64  `json:"seed"`
	Output string  `json:"output"`         // directory of logs, checkpoints and the final model
	Model  Start   `json:"model"`          // what training begins with
	Stages []Stage `json:"stages"`         // one after another
	Save   int     `json:"save_every"`     // optimizer steps between checkpoints
	Keep   int     `json:"keep,omitempty"` // checkpoints kept; 0 means 2
	DType  string  `json:"dtype"`          // of the final model's weights: F32, BF16 or F16
}

// Start is the model that training begins with: a checkpoint, or a
// configuration whose weights are drawn at random.
type Start struct {
	From string `json:"from,omitempty"` // checkpoint directory

	Config       json.RawMessage `json:"config,omitempty"`        // config.json
	Preprocessor json.RawMessage `json:"preprocessor,omitempty"`  // preprocessor_config.json
	ChatTemplate string          `json:"chat_template,omitempty"` // Jinja
	Vocabulary   int             `json:"vocabulary,omitempty"`    // tokens that a byte-level BPE learns from the data
	Special      Special         `json:"special,omitzero"`        // special tokens, the first ids
	Init         Init            `json:"init,omitzero"`
}

// Special names the special tokens of a new vocabulary, in the order of their ids.
type Special struct {
	BOS  string   `json:"bos,omitempty"`
	EOS  string   `json:"eos"`
	More []string `json:"more,omitempty"`
}

// Init is the distribution that random weights are drawn from.
type Init struct {
	Std      map[string]float64 `json:"std,omitempty"`      // by a piece of the parameter's name, the longest that fits; 0.02 where none does
	Residual int                `json:"residual,omitempty"` // depth by which the outputs of branches are scaled down; 0 does not
	SinCos   float64            `json:"sincos,omitempty"`   // amplitude of the vision tower's positions as sines and cosines; 0 draws them
}

// Stage is one phase of training.
type Stage struct {
	Name       string             `json:"name"`
	Train      []string           `json:"train"` // parts that learn: vision, adapter, language
	Data       []Source           `json:"data"`
	Steps      int                `json:"steps,omitempty"`  // optimizer steps; 0: by Epochs
	Epochs     float64            `json:"epochs,omitempty"` // passes over the data
	Batch      int                `json:"batch"`            // samples that run together
	Accumulate int                `json:"accumulate,omitempty"`
	LR         float64            `json:"lr"`
	LRScale    map[string]float64 `json:"lr_scale,omitempty"` // factor by part
	MinLR      float64            `json:"min_lr,omitempty"`   // at the end of the cosine
	Warmup     float64            `json:"warmup"`             // share of the steps
	Decay      float64            `json:"weight_decay"`
	Betas      [2]float64         `json:"betas,omitzero"` // 0.9, 0.999 if absent
	Eps        float64            `json:"eps,omitempty"`  // 1e-8 if absent
	Clip       float64            `json:"clip"`           // largest norm of the gradient; 0 does not clip
	MaxTokens  int                `json:"max_tokens,omitempty"`
	Recompute  bool               `json:"recompute,omitempty"`
}

// Source is a data set and how much of it is used.
type Source struct {
	Format    string   `json:"format"` // scenes, easy-vqa or llava
	Path      string   `json:"path,omitempty"`
	Images    string   `json:"images,omitempty"`    // llava: folder of the pictures
	Seed      uint64   `json:"seed,omitempty"`      // scenes
	Count     int      `json:"count,omitempty"`     // scenes: how many
	Side      int      `json:"side,omitempty"`      // scenes: pixels
	Questions int      `json:"questions,omitempty"` // scenes: of each picture
	Types     []string `json:"types,omitempty"`     // kinds of questions; all if absent
	Ask       int      `json:"ask,omitempty"`       // questions of a picture in one sample, drawn anew each epoch; 0 takes all
	Augment   Augment  `json:"augment,omitzero"`
}

// Augment are random changes of pictures that leave the answers true.
type Augment struct {
	Shift int  `json:"shift,omitempty"` // most pixels of a random translation
	Flip  bool `json:"flip,omitempty"`  // mirror every other picture
}

// ReadRecipe reads and checks a recipe file. Relative paths in it start from
// the directory that the program runs in.
func ReadRecipe(name string) (*Recipe, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	r, err := ParseRecipe(data)
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w", filepath.Base(name), err)
	}
	return r, nil
}

// ParseRecipe decodes and checks a recipe, and fills in the defaults.
func ParseRecipe(data []byte) (*Recipe, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	r := &Recipe{Keep: 2, DType: "F32", Save: 500}
	if err := d.Decode(r); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the recipe")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Recipe) check() error {
	switch {
	case r.Output == "":
		return errors.New("output is missing")
	case len(r.Stages) == 0:
		return errors.New("stages is empty")
	case r.Save < 1:
		return fmt.Errorf("save_every is %d", r.Save)
	case r.Keep < 1:
		return fmt.Errorf("keep is %d", r.Keep)
	case !slices.Contains([]string{"F32", "BF16", "F16"}, r.DType):
		return fmt.Errorf("dtype %q, want F32, BF16 or F16", r.DType)
	case (r.Model.From == "") == (r.Model.Config == nil):
		return errors.New("model needs either from or config")
	}
	for i := range r.Stages {
		if err := r.Stages[i].check(); err != nil {
			return fmt.Errorf("stage %d (%s): %w", i+1, r.Stages[i].Name, err)
		}
	}
	return nil
}

// Parts are the names that Stage.Train and the factors by part may use.
var Parts = []string{"vision", "adapter", "language"}

func (s *Stage) check() error {
	if s.Accumulate == 0 {
		s.Accumulate = 1
	}
	if s.Betas == [2]float64{} {
		s.Betas = [2]float64{0.9, 0.999}
	}
	if s.Eps == 0 {
		s.Eps = 1e-8
	}
	switch {
	case len(s.Data) == 0:
		return errors.New("data is empty")
	case len(s.Train) == 0:
		return fmt.Errorf("train is empty, want some of %s", strings.Join(Parts, ", "))
	case (s.Steps > 0) == (s.Epochs > 0) || s.Steps < 0 || s.Epochs < 0:
		return errors.New("want either steps or epochs")
	case s.Batch < 1 || s.Accumulate < 1:
		return fmt.Errorf("batch %d, accumulate %d", s.Batch, s.Accumulate)
	case !(s.LR > 0) || s.MinLR < 0 || s.MinLR > s.LR:
		return fmt.Errorf("lr %v, min_lr %v", s.LR, s.MinLR)
	case s.Warmup < 0 || s.Warmup > 1:
		return fmt.Errorf("warmup is %v, want a share of the steps, 0 to 1", s.Warmup)
	case s.Decay < 0 || s.Clip < 0 || s.MaxTokens < 0:
		return fmt.Errorf("weight_decay %v, clip %v, max_tokens %d", s.Decay, s.Clip, s.MaxTokens)
	case !(s.Betas[0] >= 0 && s.Betas[0] < 1 && s.Betas[1] >= 0 && s.Betas[1] < 1):
		return fmt.Errorf("betas are %v, want 0 to 1", s.Betas)
	}
	for _, p := range s.Train {
		if !slices.Contains(Parts, p) {
			return fmt.Errorf("train: no part %q, want some of %s", p, strings.Join(Parts, ", "))
		}
	}
	for i, d := range s.Data {
		if err := d.check(); err != nil {
			return fmt.Errorf("data %d: %w", i+1, err)
		}
	}
	return nil
}

func (s Source) check() error {
	switch s.Format {
	case "scenes":
		if s.Count < 1 {
			return fmt.Errorf("scenes: count is %d", s.Count)
		}
	case "easy-vqa", "llava":
		if s.Path == "" {
			return fmt.Errorf("%s: path is missing", s.Format)
		}
		if _, err := os.Stat(s.Path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", s.Format, err)
		}
	default:
		return fmt.Errorf("format %q, want scenes, easy-vqa or llava", s.Format)
	}
	if s.Ask < 0 || s.Augment.Shift < 0 {
		return fmt.Errorf("ask %d, shift %d", s.Ask, s.Augment.Shift)
	}
	return nil
}
