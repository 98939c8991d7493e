package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// isRefCOCO recognises a file of refs, or the folder that it is in.
func isRefCOCO(p *probe) bool {
	if p.dir {
		return p.glob("refs(*).p")
	}
	return p.ext == ".p" && strings.HasPrefix(p.base, "refs(")
}

// referred is an object and what it was called, a "ref"
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
		if n := len(ref.Sentences); n > maxNames {
			return fmt.Errorf("%d sentences for an object, at most %d are read", n, maxNames)
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
	return r.o.locate(s, sent.Sent, Box{At: ann.BBox, Coords: Coords{Sized: true}})
}
