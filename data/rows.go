package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// place is where a row lies in its file, and which of the samples in it is meant.
type place struct {
	at        int64
	size      int32
	row, part int32 // row is its number, from 1
}

// jsonRows is a file of rows in JSON, each a sample.
type jsonRows struct {
	o      *opener
	file   *os.File
	places []place
	parse  rowParser
}

// rowParser fills a sample from a row.
type rowParser func(o *opener, raw []byte, s *Sample) error

// openRows opens a JSON array or JSON lines.
func openRows(parse rowParser) func(o *opener) (source, error) {
	return func(o *opener) (source, error) {
		if isParquet(o.name) {
			return openParquet(o, parse)
		}
		file, in, err := o.file()
		if err != nil {
			return nil, err
		}
		d := &jsonRows{o: o, file: file, parse: parse}
		if err := d.scan(in); err != nil {
			return nil, errors.Join(err, file.Close())
		}
		return d, nil
	}
}

func (d *jsonRows) scan(in io.Reader) error {
	s, err := newScanner(in)
	if err != nil {
		return err
	}
	row := 0
	err = s.rows(func(at int64, raw []byte, bad error) error {
		row++
		var sample Sample
		if bad == nil {
			bad = d.read(raw, row, &sample)
		}
		if bad != nil {
			return d.o.problem(row, sample.ID, bad)
		}
		d.places = append(d.places, place{at: at, size: int32(len(raw)), row: int32(row)})
		return nil
	})
	if _, isProblem := errors.AsType[*Problem](err); err == nil || isProblem || row == 0 {
		return err
	}
	return d.o.problem(row+1, "", fmt.Errorf("the rest of the file cannot be read: %w", err))
}

func (d *jsonRows) read(raw []byte, row int, s *Sample) error {
	if err := d.parse(d.o, raw, s); err != nil {
		return err
	}
	return d.o.finish(s, row)
}

func (d *jsonRows) count() int { return len(d.places) }

func (d *jsonRows) sample(i int) (*Sample, error) {
	p := d.places[i]
	raw, err := readAt(d.file, p.at, p.size)
	s := &Sample{}
	if err == nil {
		err = d.read(raw, int(p.row), s)
	}
	if err != nil {
		return nil, &Problem{File: d.o.name, Row: int(p.row), ID: s.ID, Err: err}
	}
	return s, nil
}

func (d *jsonRows) Close() error { return d.file.Close() }

func readAt(f io.ReaderAt, at int64, size int32) ([]byte, error) {
	raw := make([]byte, size)
	if _, err := f.ReadAt(raw, at); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return raw, nil
}

// decode reads a row.
func decode(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%q is a %s, want a %v", t.Field, t.Value, t.Type)
	}
	return err
}
