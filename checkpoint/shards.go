package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/fovea-ml/fovea/tensor"
)

// MaxShard is the size from which transformers splits weights, in bytes.
const MaxShard = 5_000_000_000

// WriteOptions says how WriteDir stores tensors.
type WriteOptions struct {
	Metadata map[string]string          // strings for the header of every file
	DType    func(p Param) tensor.DType // what to store p in; nil keeps its dtype

	// Values are the elements of p, asked for when they are written, so that what is
	// computed need not be in memory all at once; nil takes those of p.T.
	Values func(p Param) ([]float32, error)

	MaxShard int64 // bytes of data in a file, unless one tensor is larger; 0 is MaxShard
}

// WriteDir writes the weights of a checkpoint directory, which must exist:
// model.safetensors, or shards of consecutive tensors and their index. Each file
// is written atomically, the index last; weights of an earlier WriteDir that
// are not replaced are removed.
func WriteDir(dir string, tensors []Param, o WriteOptions) error {
	return wrap(writeDir(dir, tensors, o), "checkpoint: write %s", dir)
}

func writeDir(dir string, tensors []Param, o WriteOptions) error {
	list, err := plan(tensors, o)
	if err != nil {
		return err
	}
	shards, total := split(list, o.MaxShard)
	written := map[string]bool{}
	if len(shards) == 1 {
		if err := writeStored(filepath.Join(dir, FileName), list, o.Metadata); err != nil {
			return err
		}
		written[FileName] = true
		return removeOther(dir, written)
	}
	shardOf := map[string]string{}
	for i, shard := range shards {
		name := fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(shards))
		if err := writeStored(filepath.Join(dir, name), shard, o.Metadata); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		written[name] = true
		for _, s := range shard {
			shardOf[s.Name] = name
		}
	}
	index, err := encodeIndex(shardOf, total)
	if err != nil {
		return err
	}
	if err := WriteFileAtomic(filepath.Join(dir, IndexName), index); err != nil {
		return err
	}
	written[IndexName] = true
	return removeOther(dir, written)
}

// split cuts the list into runs of at most limit bytes, and tells all bytes.
func split(list []stored, limit int64) (shards [][]stored, total int64) {
	if limit <= 0 {
		limit = MaxShard
	}
	start, size := 0, int64(0)
	for i, s := range list {
		if i > start && s.bytes > 0 && size+s.bytes > limit {
			shards = append(shards, list[start:i])
			start, size = i, 0
		}
		size += s.bytes
		total += s.bytes
	}
	return append(shards, list[start:]), total
}

func encodeIndex(shardOf map[string]string, total int64) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(map[string]any{
		"metadata":   map[string]int64{"total_size": total},
		"weight_map": shardOf,
	})
	return b.Bytes(), err
}

// removeOther removes weights under the names that WriteDir uses.
func removeOther(dir string, keep map[string]bool) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := e.Name()
		shard, err := path.Match("model-?????-of-?????.safetensors", name)
		if err != nil {
			return err
		}
		if keep[name] || !(shard || name == FileName || name == IndexName) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}
