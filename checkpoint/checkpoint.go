// Package checkpoint reads and writes model weights, and binds them to the
// parameters of a model.
//
// The formats are safetensors (https://github.com/huggingface/safetensors), one
// file or several with a model.safetensors.index.json; what torch.save writes,
// one file or several with a pytorch_model.bin.index.json, of which tensors and
// plain containers are read and no code is run; and GGUF
// (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), one file or several
// called -00001-of-0000N.gguf. Files of the operating system are mapped: opening
// takes time by the number of tensors, not by their size, and processes that run
// the same model share its memory.
package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/tensor"
)

// The names under which Hugging Face directories keep their weights.
const (
	FileName  = "model.safetensors"
	IndexName = "model.safetensors.index.json"
)

// Checkpoint is a set of named tensors in one or more files. Its methods other
// than Close may be called by several goroutines.
//
// The elements of its tensors may lie in a read-only mapping of the file:
// writing to them crashes the process, and so does reading them after Close, or
// when another process truncates the file. Tensor.Own makes a copy that is free
// of all that.
type Checkpoint struct {
	label    string
	files    map[string]*file
	tensors  map[string]Info
	metadata map[string]string
	gguf     map[string]any // nil for safetensors
}

// OpenDir opens the weights in a directory: model.safetensors, or else the
// shards that model.safetensors.index.json lists; or else pytorch_model.bin, or
// its shards.
func OpenDir(dir string) (*Checkpoint, error) {
	if st, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	} else if !st.IsDir() {
		return nil, fmt.Errorf("checkpoint: %s is not a directory", dir)
	}
	c, err := Open(os.DirFS(dir), ".")
	if errors.Is(err, errNoWeights) {
		err = fmt.Errorf("checkpoint: %s: %w", dir, errNoWeights)
	}
	return c, err
}

// errNoWeights is what a directory without weights gives.
var errNoWeights = fmt.Errorf("none of %s: %w", strings.Join(weightNames(), ", "), fs.ErrNotExist)

// weightNames are the files that may hold a directory's weights, the first before the others.
func weightNames() []string { return []string{FileName, IndexName, torchName, torchIndexName} }

// HasWeights reports whether a directory holds weights that OpenDir would open.
func HasWeights(dir string) bool {
	return slices.ContainsFunc(weightNames(), func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	})
}

// Open opens the weights called name in fsys: a safetensors, PyTorch or GGUF file (of a
// model split into several GGUF files, any of them), an index of shards (a name
// that ends in .json), or a directory as for OpenDir.
//
// A file that is an *os.File is mapped; an io.ReaderAt, such as a file of
// embed.FS, is read when a tensor is asked for; anything else is read at once.
func Open(fsys fs.FS, name string) (*Checkpoint, error) {
	c := &Checkpoint{files: map[string]*file{}, tensors: map[string]Info{}, metadata: map[string]string{}}
	if err := c.open(fsys, name); err != nil {
		c.Close() // what is open already; the reason is err
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return c, nil
}

// Names lists the tensors in sorted order.
func (c *Checkpoint) Names() []string { return slices.Sorted(maps.Keys(c.tensors)) }

// Metadata returns the free-form strings of safetensors headers; later shards win.
func (c *Checkpoint) Metadata() map[string]string { return maps.Clone(c.metadata) }

// Info describes a tensor; false if there is none of that name.
func (c *Checkpoint) Info(name string) (Info, bool) {
	info, ok := c.tensors[name]
	info.Shape = slices.Clone(info.Shape)
	return info, ok
}

// Tensor returns a stored tensor without copying it if possible: F32 elements
// in F32, every other dtype as stored in Raw. The elements are read-only and
// valid until Close.
func (c *Checkpoint) Tensor(name string) (*tensor.Tensor, error) {
	info, ok := c.Info(name)
	if !ok {
		return nil, fmt.Errorf("checkpoint: %s: no tensor %q", c.label, name)
	}
	t, err := c.load(info)
	return t, wrap(err, "checkpoint: %s: tensor %q", info.File, name)
}

func (c *Checkpoint) load(info Info) (*tensor.Tensor, error) {
	raw, err := c.bytesOf(info)
	if err != nil {
		return nil, err
	}
	t := &tensor.Tensor{Shape: info.Shape, DType: info.DType}
	if info.DType == tensor.F32 {
		t.F32 = floats(raw)
	} else {
		t.Raw = raw
	}
	return t, nil
}

// bytesOf are the elements of a tensor in their order.
func (c *Checkpoint) bytesOf(info Info) ([]byte, error) {
	if info.parts != nil {
		return c.assemble(info)
	}
	f := c.files[info.File]
	if f == nil {
		return nil, fs.ErrClosed
	}
	raw, err := f.bytes(info.offset, info.span())
	if err != nil {
		return nil, err
	}
	return info.gather(raw), nil
}

// Close unmaps and closes the files. The tensors that were not copied are gone then.
func (c *Checkpoint) Close() error {
	var errs []error
	for _, f := range c.files {
		errs = append(errs, f.close())
	}
	clear(c.files)
	return wrap(errors.Join(errs...), "checkpoint: %s", c.label)
}
