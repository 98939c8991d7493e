package data

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fovea-ml/fovea/internal/pickle"
)

// Limits on a file of refs: RefCOCO's has some 17 MB and 7 million instructions.
const (
	maxRefs   = 128 << 20
	maxRefOps = 1 << 24
)

// unpickled writes the refs of a pickle into a temporary file as JSON lines.
func unpickled(name string, sum io.Writer) (*os.File, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(io.TeeReader(in, sum), maxRefs+1))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	if len(raw) > maxRefs {
		return nil, fmt.Errorf("larger than %d bytes", maxRefs)
	}
	root, err := pickle.Load(raw, nil, maxRefOps)
	if err != nil {
		return nil, err
	}
	list, ok := root.(*pickle.List)
	if !ok {
		return nil, fmt.Errorf("the pickle holds a %T, want a list of refs", root)
	}
	read, write := io.Pipe()
	go func() { write.CloseWithError(writeRefs(write, list)) }()
	f, err := temporary(read)
	return f, errors.Join(err, read.Close())
}

func writeRefs(w io.Writer, list *pickle.List) error {
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	p := plainer{all: maxPlainAll}
	for i, item := range list.Items {
		p.one = maxPlain
		v, err := p.plain(item, 0)
		if err != nil {
			return fmt.Errorf("ref %d: %w", i+1, err)
		}
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("ref %d: %w", i+1, err)
		}
	}
	return out.Flush()
}

// Limits on the values of a pickle as JSON has them. Refs are dictionaries with lists of
// dictionaries with lists. What stands in the pickle once may be meant many times, so that
// a short one can be a long text: values and the bytes of texts are counted.
const (
	maxPlainDepth = 5
	maxPlain      = 1 << 20 // of a ref
	maxPlainAll   = 1 << 28
)

// plainer makes values of a pickle such as JSON can hold, within the limits.
type plainer struct{ one, all int }

// take counts values or bytes.
func (p *plainer) take(n int) error {
	p.one, p.all = p.one-n, p.all-n
	switch {
	case p.one < 0:
		return fmt.Errorf("more than %d values and bytes of text", maxPlain)
	case p.all < 0:
		return fmt.Errorf("more than %d values and bytes of text up to here", maxPlainAll)
	}
	return nil
}

func (p *plainer) plain(v any, depth int) (any, error) {
	if depth > maxPlainDepth {
		return nil, errors.New("its values are nested too deeply, or in themselves")
	}
	if err := p.take(1); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case *pickle.List:
		return p.list(v.Items, depth)
	case pickle.Tuple:
		return p.list(v, depth)
	case *pickle.Dict:
		return p.dictionary(v, depth)
	case string:
		return v, p.take(len(v))
	case nil, bool, int64, float64:
		return v, nil
	}
	return nil, fmt.Errorf("a value of type %T", v)
}

func (p *plainer) list(items []any, depth int) (any, error) {
	out := []any{} // [] in JSON if there are none
	for _, item := range items {
		v, err := p.plain(item, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (p *plainer) dictionary(d *pickle.Dict, depth int) (any, error) {
	out := map[string]any{}
	for i, key := range d.Keys {
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("a key of type %T, want a text", key)
		}
		if err := p.take(len(name)); err != nil {
			return nil, err
		}
		v, err := p.plain(d.Values[i], depth+1)
		if err != nil {
			return nil, err
		}
		out[name] = v
	}
	return out, nil
}
