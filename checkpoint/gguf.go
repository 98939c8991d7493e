package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"strconv"
)

// GGUF returns the metadata of a GGUF file (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), or nil if
// the checkpoint is of another format. Values are Go's own: uint8, int8, uint16, int16, uint32, int32, float32, bool,
// string, uint64, int64, float64; arrays are slices of these, and arrays of arrays are []any of slices. Of a model
// split over several files, the first has the metadata.
func (c *Checkpoint) GGUF() map[string]any { return maps.Clone(c.gguf) }

const ggufMagic = "GGUF"

// isGGUF recognises the format by its first bytes, for files have all sorts of names.
func isGGUF(fsys fs.FS, name string) (bool, error) {
	if path.Ext(name) == ".gguf" {
		return true, nil
	}
	f, err := fsys.Open(name)
	if err != nil {
		return false, err
	}
	var magic [len(ggufMagic)]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) == ggufMagic, f.Close()
}

// openGGUF opens a file and, if it is one of several, the others.
func (c *Checkpoint) openGGUF(fsys fs.FS, name string) error {
	first, err := c.addGGUF(fsys, name)
	if err != nil {
		return err
	}
	c.gguf = first
	count, err := integer(first, splitCount)
	if err != nil || count <= 1 {
		return wrap(err, "%s", path.Base(name))
	}
	return wrap(c.openSplits(fsys, name, count), "%s", c.label)
}

func (c *Checkpoint) addGGUF(fsys fs.FS, name string) (metadata map[string]any, err error) {
	err = c.add(fsys, name, func(r io.ReaderAt, size int64) (header, error) {
		h, kv, err := readGGUF(r, size)
		metadata = kv
		return h, err
	})
	return metadata, err
}

// The keys of a model that is split over several files, and how these are called.
const (
	splitCount   = "split.count"
	splitNo      = "split.no" // from 0
	splitTensors = "split.tensors.count"
)

var splitName = regexp.MustCompile(`^(.*-)(\d{5})(-of-\d{5}\.gguf)$`)

// openSplits opens all files of which name, already open, is one.
func (c *Checkpoint) openSplits(fsys fs.FS, name string, count int64) error {
	parts := splitName.FindStringSubmatch(name)
	if of := fmt.Sprintf("-of-%05d.gguf", count); parts == nil || parts[3] != of {
		return fmt.Errorf("%s is %d, so the name should end in -00001%s", splitCount, count, of)
	}
	opened := c.gguf
	var wrong problems
	for no := range count {
		part := parts[1] + fmt.Sprintf("%05d", no+1) + parts[3]
		kv, err := opened, error(nil)
		if part != name {
			kv, err = c.addGGUF(fsys, part)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			wrong = append(wrong, "missing file "+path.Base(part))
		case err != nil:
			return err
		default:
			wrong = append(wrong, wrongSplit(path.Base(part), kv, count, no)...)
		}
		if no == 0 && err == nil {
			c.gguf = kv
		}
	}
	if n, err := integer(c.gguf, splitTensors); err != nil || n > 0 && n != int64(len(c.tensors)) && len(wrong) == 0 {
		wrong = append(wrong, fmt.Sprintf("%s is %v, the files have %d tensors", splitTensors, c.gguf[splitTensors], len(c.tensors)))
	}
	if len(wrong) > 0 {
		return wrong
	}
	return nil
}

// wrongSplit compares what a file says about its place among the others.
func wrongSplit(name string, kv map[string]any, count, no int64) (wrong problems) {
	for key, want := range map[string]int64{splitCount: count, splitNo: no} {
		if got, err := integer(kv, key); err != nil || got != want {
			wrong = append(wrong, fmt.Sprintf("%s: %s is %v, want %d", name, key, kv[key], want))
		}
	}
	return wrong
}

// integer reads a key of any integer type; one that is absent is 0.
func integer(kv map[string]any, key string) (int64, error) {
	v, ok := kv[key]
	if !ok {
		return 0, nil
	}
	switch v.(type) {
	case uint8, int8, uint16, int16, uint32, int32, uint64, int64:
		n, err := strconv.ParseInt(fmt.Sprint(v), 10, 64)
		return n, wrap(err, "%s", key)
	}
	return 0, fmt.Errorf("%s is %v of type %T, want an integer", key, v, v)
}
