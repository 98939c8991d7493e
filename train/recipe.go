// Package train teaches models. A Recipe, a JSON file, says what to begin with
// and which parts learn in which stage, from which data and how fast; a Trainer
// runs it with AdamW, logs it, saves it and goes on where it was stopped.
//
// What a run computes depends on the recipe and the data alone: a step's samples
// and random changes follow from seed, stage and step, and the kernels give the
// same bits whatever the number of workers. So a run that was killed and resumed
// ends with the same weights and the same log as one that was not.
//
// An output directory holds
//
//	recipe.json         the recipe with its defaults filled in
//	base/               what describes the model: config, tokenizer, templates
//	log.jsonl           one line, a Step, for each update
//	measures.json       what the stages measured before and after
//	checkpoint-000500/  a model in the Hugging Face layout, and where the run stands
//	model/              the final model
//
// A program that shows the run to people may add files of its own there.
package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fovea-ml/fovea/lora"
)

// Recipe is a whole training run. It is decoded strictly: an unknown field is an error.
type Recipe struct {
	Name   string  `json:"name"`
	About  string  `json:"about,omitempty"`
	Seed   uint64  `json:"seed"`
	Output string  `json:"output"`           // directory of logs, checkpoints and the final model
	Model  Start   `json:"model"`            // what training begins with
	Stages []Stage `json:"stages"`           // one after another
	Save   int     `json:"save_every"`       // optimizer steps between checkpoints
	Keep   int     `json:"keep,omitempty"`   // checkpoints kept; 0 means 2
	Strict bool    `json:"strict,omitempty"` // a sample that cannot be read ends the run; otherwise it is skipped and counted
	DType  string  `json:"dtype"`            // of the final model's weights: F32, BF16 or F16

	// Compute is what the operands of matrix products are rounded to, forward and
	// backward: F32, and so it is if absent, or BF16. Weights, moments and sums are float32.
	Compute string `json:"compute,omitempty"`

	// Watch is where the questions come from that people look at while the model
	// learns; those of the stages' own data if absent.
	Watch *Source `json:"watch,omitempty"`
}

// Start is the model that training begins with: a checkpoint, or a
// configuration whose weights are drawn at random.
type Start struct {
	From  string       `json:"from,omitempty"`  // checkpoint directory
	LoRA  *lora.Config `json:"lora,omitempty"`  // updates of low rank, that learn in the place of the weights
	Quant string       `json:"quant,omitempty"` // with LoRA: the type that the language model's frozen weights are stored in
	Merge bool         `json:"merge,omitempty"` // with LoRA: write the final model with the updates merged, too

	Config       json.RawMessage `json:"config,omitempty"`        // config.json
	Preprocessor json.RawMessage `json:"preprocessor,omitempty"`  // preprocessor_config.json
	ChatTemplate string          `json:"chat_template,omitempty"` // Jinja
	Vocabulary   int             `json:"vocabulary,omitempty"`    // tokens that a byte-level BPE learns from the data
	Special      Special         `json:"special,omitzero"`        // special tokens, the first ids
	Init         Init            `json:"init,omitzero"`

	Load []Load `json:"load,omitempty"` // parameters of other checkpoints, each over what is there
}

// Load puts parameters of another checkpoint in the place of the model's.
type Load struct {
	From   string      `json:"from"`             // checkpoint directory
	Params []string    `json:"params"`           // which of the model's: parts or globs
	Rename [][2]string `json:"rename,omitempty"` // of the checkpoint's names, one after another: beginning, and what stands for it; a regular expression if it starts with ^
}

// Special names the special tokens of a new vocabulary, in the order of their ids.
type Special struct {
	BOS  string   `json:"bos,omitempty"`
	EOS  string   `json:"eos"`
	More []string `json:"more,omitempty"`
	Ends bool     `json:"ends,omitempty"` // eos stands behind every text, as BERT's [SEP]
}

// Init is the distribution that random weights are drawn from.
type Init struct {
	Std      map[string]float64 `json:"std,omitempty"`      // by a piece of the parameter's name, the longest that fits; 0.02 where none does
	Residual int                `json:"residual,omitempty"` // depth by which the outputs of branches are scaled down; 0 does not
	SinCos   float64            `json:"sincos,omitempty"`   // amplitude of the vision tower's positions as sines and cosines; 0 draws them
	Whiten   float64            `json:"whiten,omitempty"`   // variance added to that of patches, which the patch embedding sees whitened; 0 leaves them
}

// Source is a data set and how much of it is used.
type Source struct {
	Format    string   `json:"format"`           // scenes, easy-vqa, passages, interleaved, one of data.Formats, or file, which finds out
	Weight    float64  `json:"weight,omitempty"` // of the stage's samples, in proportion to the weights of the others; by size if none has one
	Path      string   `json:"path,omitempty"`
	Images    string   `json:"images,omitempty"`    // folder of the pictures
	Cache     string   `json:"cache,omitempty"`     // folder of pictures that are known by their address only
	Split     string   `json:"split,omitempty"`     // of files that hold several
	Prompt    string   `json:"prompt,omitempty"`    // what is asked where a file holds no question
	Seed      uint64   `json:"seed,omitempty"`      // scenes
	Count     int      `json:"count,omitempty"`     // scenes: how many
	Side      int      `json:"side,omitempty"`      // scenes: pixels
	Questions int      `json:"questions,omitempty"` // scenes: of each picture
	Objects   int      `json:"objects,omitempty"`   // scenes: most in a picture; 0 means 5
	Types     []string `json:"types,omitempty"`     // kinds of questions; all if absent
	Langs     []string `json:"langs,omitempty"`     // scenes: languages, en and zh if absent
	Rejected  bool     `json:"rejected,omitempty"`  // scenes: a wrong answer stands beside the last one, for preferences
	Ask       int      `json:"ask,omitempty"`       // questions of a picture in one sample, drawn anew each epoch; 0 takes all
	Apart     bool     `json:"apart,omitempty"`     // questions of a sample do not see each other
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

// ParseRecipe decodes and checks a recipe, and fills in the defaults. Whether
// its files exist is seen when a Trainer opens them.
func ParseRecipe(data []byte) (*Recipe, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	r := &Recipe{Keep: 2, DType: "F32", Save: 500}
	if err := d.Decode(r); err != nil {
		return nil, withNearestKey(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the recipe")
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r, nil
}
