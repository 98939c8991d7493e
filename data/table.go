package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// table is a source whose samples are made of rows of several arrays or files.
type table struct {
	o      *opener
	places []place // of the rows that are samples
	build  func(p place, s *Sample) error
	files  []io.Closer
}

func (t *table) count() int { return len(t.places) }

func (t *table) sample(i int) (*Sample, error) {
	s, err := t.read(t.places[i])
	if err != nil {
		return nil, &Problem{File: t.o.name, Row: int(t.places[i].row), ID: s.ID, Err: err}
	}
	return s, nil
}

func (t *table) read(p place) (*Sample, error) {
	s := &Sample{}
	if err := t.build(p, s); err != nil {
		return s, err
	}
	return s, t.o.finish(s, int(p.row))
}

func (t *table) Close() (err error) {
	for _, f := range t.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

// check reads every sample from one on, and takes those out that are broken.
func (t *table) check(from int) error {
	kept := t.places[:from]
	for _, p := range t.places[from:] {
		s, err := t.read(p)
		if err == nil {
			kept = append(kept, p)
			continue
		}
		if err := t.o.problem(int(p.row), s.ID, err); err != nil {
			return err
		}
	}
	t.places = kept
	return nil
}

// ready checks a table that has been scanned, and closes it if it is of no use.
func (t *table) ready(err error) (source, error) {
	if err == nil {
		err = t.check(0)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// add notes the place of a row, once for each of its samples.
func (t *table) add(at int64, raw []byte, row, parts int) {
	for part := range parts {
		t.places = append(t.places, place{at, int32(len(raw)), int32(row), int32(part)})
	}
}

// lines opens a text of which each line is a sample.
func (o *opener) lines(parse func(line string, s *Sample) error) (source, error) {
	file, in, err := o.file()
	if err != nil {
		return nil, err
	}
	t := &table{o: o, files: []io.Closer{file}}
	t.build = func(p place, s *Sample) error {
		raw, err := readAt(file, p.at, p.size)
		if err != nil {
			return err
		}
		return parse(string(raw), s)
	}
	s, err := newScanner(in)
	if err == nil {
		err = s.lines(t.each(func(at int64, raw []byte, row int) error {
			t.add(at, raw, row, 1)
			return nil
		}))
	}
	return t.ready(err)
}

// each is a visitor that counts the rows and notes what is wrong with them.
func (t *table) each(visit func(at int64, raw []byte, row int) error) visitor {
	row := 0
	return func(at int64, raw []byte, bad error) error {
		row++
		if bad == nil {
			bad = visit(at, raw, row)
		}
		if bad != nil {
			return t.o.problem(row, "", bad)
		}
		return nil
	}
}

// arrays visits the arrays of a JSON object by their keys, and reads other values.
func arrays(in io.Reader, of map[string]visitor, rest func(key string, raw []byte)) error {
	s, err := newScanner(in)
	if err != nil {
		return err
	}
	b, err := s.peek()
	if err != nil {
		return noEOF(err)
	}
	if b != '{' {
		return fmt.Errorf("begins with %q, want an object", b)
	}
	if rest == nil {
		rest = func(string, []byte) {}
	}
	return s.fields(func(key string) visitor { return of[key] }, rest)
}

// index finds rows of a file by a number that stands in them.
type index struct {
	file *os.File
	rows []keyed
}

type keyed struct {
	key, at int64
	size    int32
}

// by is a visitor that enters rows under the number in a field.
func (x *index) by(field string) visitor {
	return func(at int64, raw []byte, bad error) error {
		var row map[string]json.RawMessage
		var key int64
		if bad != nil || json.Unmarshal(raw, &row) != nil || json.Unmarshal(row[field], &key) != nil {
			return nil // whoever looks for it will tell
		}
		x.rows = append(x.rows, keyed{key, at, int32(len(raw))})
		return nil
	}
}

// sort makes the rows ready to be found.
func (x *index) sort() {
	slices.SortStableFunc(x.rows, func(a, b keyed) int { return compare(a.key, b.key) })
}

func compare(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// find decodes the row with a number; what names it in the error.
func (x *index) find(key int64, what string, into any) error {
	i, ok := slices.BinarySearchFunc(x.rows, key, func(r keyed, k int64) int { return compare(r.key, k) })
	if !ok {
		return fmt.Errorf("there is no %s %d", what, key)
	}
	raw, err := readAt(x.file, x.rows[i].at, x.rows[i].size)
	if err != nil {
		return err
	}
	return decode(raw, into)
}
