package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

const maxIndex = maxHeader

func (c *Checkpoint) open(fsys fs.FS, name string) error {
	st, err := fs.Stat(fsys, name)
	if err != nil {
		return err
	}
	if st.IsDir() {
		if name, err = findWeights(fsys, name); err != nil {
			return err
		}
	}
	c.label = path.Base(name)
	if strings.HasSuffix(name, ".json") {
		return c.openShards(fsys, name)
	}
	gguf, err := isGGUF(fsys, name)
	if err != nil {
		return err
	}
	if gguf {
		return c.openGGUF(fsys, name)
	}
	return c.add(fsys, name, readAny)
}

func findWeights(fsys fs.FS, dir string) (string, error) {
	for _, base := range weightNames() {
		name := path.Join(dir, base)
		if _, err := fs.Stat(fsys, name); err == nil {
			return name, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", errNoWeights
}

// add reads the header of one file.
func (c *Checkpoint) add(fsys fs.FS, name string, read func(io.ReaderAt, int64) (header, error)) error {
	f, err := openFile(fsys, name)
	if err != nil {
		return err
	}
	base := path.Base(name)
	c.files[base] = f
	h, err := read(f, f.size)
	if err != nil {
		return wrap(err, "%s", base)
	}
	for _, info := range h.tensors {
		if other, ok := c.tensors[info.Name]; ok {
			return fmt.Errorf("%s: tensor %q is in %s too", base, info.Name, other.File)
		}
		info.File = base
		c.tensors[info.Name] = info
	}
	maps.Copy(c.metadata, h.metadata)
	return nil
}

// readAny reads the header of a file by what it begins with.
func readAny(r io.ReaderAt, size int64) (header, error) {
	var magic [len(zipMagic)]byte
	n, _ := r.ReadAt(magic[:], 0) // what cannot be read is told below
	switch string(magic[:n]) {
	case zipMagic:
		return readTorch(r, size)
	case pickleMagic:
		return header{}, errors.New("a pickle without an archive, as PyTorch wrote before version 1.6: save it anew")
	}
	return readHeader(r, size)
}

// openShards opens the files of an index. Tensors that the index forgets are kept, as the
// reference does, so that Bind can judge them.
func (c *Checkpoint) openShards(fsys fs.FS, name string) error {
	shardOf, err := readIndex(fsys, name)
	if err != nil {
		return wrap(err, "%s", c.label)
	}
	var lost problems
	for _, shard := range slices.Compact(slices.Sorted(maps.Values(shardOf))) {
		err := c.add(fsys, path.Join(path.Dir(name), shard), readAny)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			lost = append(lost, "missing shard "+shard)
		case err != nil:
			return err
		}
	}
	if len(lost) > 0 {
		return wrap(lost, "%s", c.label)
	}
	for _, tensor := range slices.Sorted(maps.Keys(shardOf)) {
		if shard := shardOf[tensor]; c.tensors[tensor].File != shard {
			lost = append(lost, fmt.Sprintf("tensor %q is not in %s", tensor, shard))
		}
	}
	if len(lost) > 0 {
		return wrap(lost, "%s", c.label)
	}
	return nil
}

// readIndex returns the shard of each tensor: the weight_map of an index.
func readIndex(fsys fs.FS, name string) (map[string]string, error) {
	st, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if st.Size() > maxIndex {
		return nil, fmt.Errorf("%d bytes are too many for an index", st.Size())
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, err
	}
	return parseIndex(data)
}

func parseIndex(data []byte) (map[string]string, error) {
	s, err := newStrict(data)
	if err != nil {
		return nil, err
	}
	var shardOf map[string]string
	err = s.object(func(key string) error {
		if key != "weight_map" {
			return s.skip()
		}
		shardOf = map[string]string{}
		return s.object(func(name string) error {
			shard, err := s.str()
			if err == nil && (!fs.ValidPath(shard) || path.Base(shard) != shard || shard == ".") {
				err = fmt.Errorf("%q is not the name of a file beside the index", shard)
			}
			shardOf[name] = shard
			return wrap(err, "weight_map: tensor %q", name)
		})
	})
	if err != nil {
		return nil, err
	}
	if len(shardOf) == 0 {
		return nil, errors.New("no weight_map")
	}
	return shardOf, s.end()
}

// problems is a list of things wrong, as one error.
type problems []string

// listed is how many names an error spells out.
const listed = 5

func (p problems) Error() string {
	if len(p) > listed {
		return fmt.Sprintf("%s; and %d more", strings.Join(p[:listed], "; "), len(p)-listed)
	}
	return strings.Join(p, "; ")
}
