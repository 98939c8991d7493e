// Package zoo is the table of architectures and what opens a checkpoint
// directory: config.json names the family, the family declares the model, and
// the weights, tokenizer, chat template and picture pipeline come from the files
// beside it, exactly as Hugging Face lays them out. Models in GGUF files of
// llama.cpp are opened as the same families, and written.
package zoo

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/tokenizer"
)

// Model is an opened checkpoint.
type Model struct {
	Name       string // directory or label that it was opened from
	Family     Family
	Config     []byte               // config.json as it is
	Net        any                  // the parameters' tree; a model.VLM, model.DualEncoder or model.Encoder
	Processor  model.Processor      // nil for towers
	Tokenizer  *tokenizer.Tokenizer // nil for towers without text
	Pictures   *imageproc.Processor // nil for models of text only
	Generation Generation
	Adapter    *lora.Adapter // what is attached to Net; nil: nothing is

	files  fs.FS
	ckpt   *checkpoint.Checkpoint
	mmproj *checkpoint.Checkpoint   // the file beside ckpt that holds the picture encoder, if any
	others []*checkpoint.Checkpoint // more that hold parts of the model
	hub    bool                     // whether ckpt is a directory's, in Hugging Face's layout
	sphinx *sphinxFiles             // where the directory is in the layout of SPHINX's authors
}

// VLM returns the model as one that generates, or false if it does not.
func (m *Model) VLM() (model.VLM, bool) {
	v, ok := m.Net.(model.VLM)
	return v, ok
}

// Files is the directory that the model was opened from; of GGUF files, the one they are in.
func (m *Model) Files() fs.FS { return m.files }

// Close unmaps the weights; the model must not be used afterwards.
func (m *Model) Close() error {
	var errs []error
	for _, c := range append([]*checkpoint.Checkpoint{m.ckpt, m.mmproj}, m.others...) {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// OpenDir opens a checkpoint directory.
func OpenDir(dir string) (*Model, error) {
	if st, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("zoo: %w", err)
	} else if !st.IsDir() {
		return nil, fmt.Errorf("zoo: %s is a file; give the checkpoint's directory", dir)
	}
	return Open(os.DirFS(dir), dir)
}

// Open opens the checkpoint at the root of fsys; name is for messages. All
// missing, unexpected and misshapen tensors are told in one error.
func Open(fsys fs.FS, name string) (*Model, error) {
	m, err := Declare(fsys, name)
	if err != nil {
		return nil, err
	}
	if m.ckpt, err = m.openWeights(fsys); err != nil {
		return nil, fmt.Errorf("zoo: %s: %w", name, err)
	}
	if err := m.bind(); err != nil {
		m.ckpt.Close() // the reason is err
		return nil, fmt.Errorf("zoo: %s: %w", name, err)
	}
	m.hub = m.sphinx == nil
	return m, nil
}

// openWeights opens the weights of a directory, in whichever layout it has.
func (m *Model) openWeights(fsys fs.FS) (*checkpoint.Checkpoint, error) {
	if m.sphinx != nil {
		return m.sphinx.weights()
	}
	return checkpoint.Open(fsys, ".")
}

// Declare opens everything but the weights: what is needed to initialise a
// model from nothing, or to tell its size.
func Declare(fsys fs.FS, name string) (*Model, error) {
	m := &Model{Name: name, files: fsys}
	if err := m.declare(); err != nil {
		return nil, fmt.Errorf("zoo: %s: %w", name, err)
	}
	return m, nil
}

// Blank declares the model of a config.json and nothing else: no weights, no
// tokenizer, no picture pipeline. What it is good for is measuring its speed.
func Blank(config []byte, name string) (*Model, error) {
	m := &Model{Name: name, Config: config}
	if err := m.configure(); err != nil {
		return nil, fmt.Errorf("zoo: %s: config.json: %w", name, err)
	}
	return m, nil
}

// configure finds the family that Config asks for and declares its net.
func (m *Model) configure() (err error) {
	if m.Family, err = familyOf(m.Config); err != nil {
		return err
	}
	m.Net, err = m.Family.New(m.Config)
	return err
}

func (m *Model) declare() (err error) {
	if m.sphinx, err = asSPHINX(m.files); err != nil {
		return err
	}
	if m.sphinx != nil {
		if m.files, err = m.sphinx.described(); err != nil {
			return err
		}
	}
	if m.Config, err = fs.ReadFile(m.files, "config.json"); err != nil {
		return err
	}
	if err := m.configure(); err != nil {
		return fmt.Errorf("config.json: %w", m.compared(err))
	}
	if m.Family.Processor != nil {
		return m.openProcessor()
	}
	return m.openParts()
}

func (m *Model) openProcessor() (err error) {
	if m.Processor, err = m.Family.Processor(m.files, m.Net); err != nil {
		return err
	}
	m.Tokenizer, m.Pictures = m.Processor.Tokenizer(), m.Processor.PictureProcessor()
	if err := m.fitTokenizer(); err != nil {
		return err
	}
	m.Generation, err = readGeneration(m.files, m)
	return err
}

// openParts opens what towers come with.
func (m *Model) openParts() (err error) {
	if t, ok := m.Net.(interface{ Side() int }); ok { // reads pictures of one size
		m.Pictures, err = openPictures(m.files, t.Side())
	} else {
		m.Pictures, err = imageproc.OpenProcessor(m.files)
	}
	if err != nil {
		return err
	}
	if _, ok := m.Net.(model.DualEncoder); ok {
		if m.Tokenizer, err = tokenizer.OpenFS(m.files, "."); err == nil {
			err = cmp.Or(m.fitTokenizer(), m.beginCaptions())
		}
	}
	return err
}

// familyOf finds the row of the table that a config.json asks for.
func familyOf(config []byte) (Family, error) {
	var c struct {
		Architectures []string `json:"architectures"`
		ModelType     string   `json:"model_type"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return Family{}, err
	}
	for _, f := range Families() {
		for _, a := range c.Architectures {
			if a == f.Architecture {
				return f, nil
			}
		}
		if len(c.Architectures) == 0 && c.ModelType == f.ModelType {
			return f, nil
		}
	}
	return Family{}, &unknownFamily{architecture: strings.Join(c.Architectures, ", "), modelType: c.ModelType}
}

// harmless are tensors that old checkpoints carry and no model reads.
var harmless = []string{"*position_ids", "*rotary_emb.inv_freq", "*EncDecAttention.relative_attention_bias.weight"}

// params are the parameters of the model, without those of an adapter.
func (m *Model) params() []checkpoint.Param {
	var params []checkpoint.Param
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) {
		if !lora.Update(name) {
			params = append(params, checkpoint.Param{Name: name, T: t})
		}
	})
	return params
}

func (m *Model) bind() error {
	params := m.params()
	names, o := m.Family.Names, m.bindOptions(params)
	if m.sphinx != nil {
		names, o.Ignore = m.sphinx.names(), append(o.Ignore, sphinxUnread...)
	}
	return m.surprised(checkpoint.Bind(m.ckpt, params, names, o))
}

// bindPart binds the parameters behind a prefix from a checkpoint of that part.
func (m *Model) bindPart(c *checkpoint.Checkpoint, prefix string, names []checkpoint.Rename, ignore []string) error {
	params := slices.DeleteFunc(m.params(), func(p checkpoint.Param) bool { return !strings.HasPrefix(p.Name, prefix) })
	o := m.bindOptions(params)
	o.Ignore = slices.Concat(o.Ignore, ignore)
	return checkpoint.Bind(c, params, names, o)
}

// bindOptions say which tensors need not be parameters.
func (m *Model) bindOptions(params []checkpoint.Param) checkpoint.BindOptions {
	opts := checkpoint.BindOptions{Ignore: harmless, Tied: slices.Clone(m.Family.Shared)}
	for _, t := range m.Family.Tied {
		if !slices.ContainsFunc(params, func(p checkpoint.Param) bool { return p.Name == t.Name }) { // the table serves, whether or not the file repeats it
			opts.Tied = append(opts.Tied, t)
		}
	}
	return opts
}
