package data

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fovea-ml/fovea/internal/pickle"
)

// isRefCOCO recognises a file of refs, or the folder that it is in.
func isRefCOCO(p *probe) bool {
	if p.dir {
		return p.glob("refs(*).p")
	}
	return p.ext == ".p" && strings.HasPrefix(p.base, "refs(")
}

// referred is an object and what it was called
// (https://github.com/lichengunc/refer).
type referred struct {
	AnnID     int64  `json:"ann_id"`
	ImageID   int64  `json:"image_id"`
	Split     string `json:"split"`
	Sentences []struct {
		Sent   string `json:"sent"`
		SentID int64  `json:"sent_id"`
	} `json:"sentences"`
}

// refcoco is an open data set of the family: the refs as JSON lines in a temporary
// file, and the tables of instances.json.
type refcoco struct {
	o                   *opener
	refs                *os.File
	images, annotations *index
	folder              string
}

// openRefCOCO reads refs(unc).p and its kin with instances.json: a sample for each
// sentence, which asks where something is.
func openRefCOCO(o *opener) (source, error) {
	refs, err := o.refsFile()
	if err != nil {
		return nil, err
	}
	t := &table{o: o}
	r := &refcoco{o: o}
	if r.refs, err = unpickled(refs, o.sum); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Base(refs), err)
	}
	t.files = append(t.files, r.refs)
	if err := r.instances(t, filepath.Join(filepath.Dir(refs), "instances.json")); err != nil {
		return t.ready(err)
	}
	s, err := newScanner(r.refs)
	if err != nil {
		return t.ready(err)
	}
	t.build = r.build
	return t.ready(s.lines(t.each(func(at int64, raw []byte, row int) error {
		var ref referred
		if err := decode(raw, &ref); err != nil {
			return err
		}
		if o.Split == "" || ref.Split == o.Split {
			t.add(at, raw, row, len(ref.Sentences))
		}
		return nil
	})))
}

// refsFile is the file itself, or the only one of its folder.
func (o *opener) refsFile() (string, error) {
	info, err := os.Stat(o.name)
	if err != nil || !info.IsDir() {
		return o.name, err
	}
	names, err := filepath.Glob(filepath.Join(escaped(o.name), "refs(*).p"))
	if err != nil || len(names) != 1 {
		return "", errors.Join(err, fmt.Errorf("%d files refs(...).p in the folder: name the one that is meant", len(names)))
	}
	return names[0], nil
}

func (r *refcoco) instances(t *table, name string) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("the boxes of the refs: %w", err)
	}
	t.files = append(t.files, file)
	r.images, r.annotations = &index{file: file}, &index{file: file}
	err = arrays(io.TeeReader(file, r.o.sum), map[string]visitor{"images": r.images.by("id"), "annotations": r.annotations.by("id")}, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r.images.sort()
	r.annotations.sort()
	r.folder = r.o.below("train2014")
	return nil
}

func (r *refcoco) build(p place, s *Sample) error {
	raw, err := readAt(r.refs, p.at, p.size)
	if err != nil {
		return err
	}
	var ref referred
	if err := decode(raw, &ref); err != nil {
		return err
	}
	sent := ref.Sentences[p.part]
	s.ID = fmt.Sprint(sent.SentID)
	var img cocoImage
	if err := r.images.find(ref.ImageID, "image", &img); err != nil {
		return err
	}
	var ann struct {
		BBox []float64 `json:"bbox"`
	}
	if err := r.annotations.find(ref.AnnID, "annotation", &ann); err != nil {
		return err
	}
	name := img.FileName
	if strings.HasPrefix(name, "COCO_train2014_") {
		name = path.Join(r.folder, name)
	}
	if err := s.see(r.o.store, []string{name}); err != nil {
		return err
	}
	r.o.locate(s, sent.Sent, Box{At: ann.BBox, Coords: Coords{Sized: true}})
	return nil
}

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
	for i, item := range list.Items {
		v, err := plain(item, 0)
		if err != nil {
			return fmt.Errorf("ref %d: %w", i+1, err)
		}
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("ref %d: %w", i+1, err)
		}
	}
	return out.Flush()
}

// maxPlain is how deep values may lie in each other. Refs are a list of dictionaries
// with lists of dictionaries with lists.
const maxPlain = 6

// plain makes a value of a pickle one that JSON can hold.
func plain(v any, depth int) (any, error) {
	if depth > maxPlain {
		return nil, errors.New("its values are nested too deeply, or in themselves")
	}
	switch v := v.(type) {
	case *pickle.List:
		return plainList(v.Items, depth)
	case pickle.Tuple:
		return plainList(v, depth)
	case *pickle.Dict:
		out := map[string]any{}
		for i, key := range v.Keys {
			name, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("a key %v that is no text", key)
			}
			value, err := plain(v.Values[i], depth+1)
			if err != nil {
				return nil, err
			}
			out[name] = value
		}
		return out, nil
	case nil, bool, int64, float64, string:
		return v, nil
	}
	return nil, fmt.Errorf("a value of type %T", v)
}

func plainList(items []any, depth int) (any, error) {
	if len(items) > 1<<16 {
		return nil, fmt.Errorf("a list of %d values", len(items))
	}
	out := make([]any, 0, len(items))
	for _, item := range items {
		v, err := plain(item, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
