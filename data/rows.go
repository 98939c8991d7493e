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

// jsonRows is a file of rows in JSON.
type jsonRows struct {
	o      *opener
	file   *os.File
	places []place
	format rowFormat
}

// rowFormat is how samples are made of rows.
type rowFormat struct {
	parts func(raw []byte) (int, error) // how many samples a row holds; nil: one
	parse func(o *opener, raw []byte, part int, s *Sample) error
}

func (f *rowFormat) samples(raw []byte) (int, error) {
	if f.parts == nil {
		return 1, nil
	}
	return f.parts(raw)
}

// rowParser fills a sample from a row.
type rowParser func(o *opener, raw []byte, s *Sample) error

// openRows opens a JSON array, JSON lines or a Parquet file, of which each row is a sample.
func openRows(parse rowParser) func(o *opener) (source, error) {
	return openParts(rowFormat{parse: func(o *opener, raw []byte, _ int, s *Sample) error { return parse(o, raw, s) }})
}

// openParts is openRows for rows that may hold several samples.
func openParts(f rowFormat) func(o *opener) (source, error) {
	return func(o *opener) (source, error) {
		if isParquet(o.name) {
			return openParquet(o, f)
		}
		file, in, err := o.file()
		if err != nil {
			return nil, err
		}
		d := &jsonRows{o: o, file: file, format: f}
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
		n := 0
		if bad == nil {
			n, bad = d.format.samples(raw)
		}
		if bad != nil {
			return d.o.problem(row, "", bad)
		}
		return d.add(place{at: at, size: int32(len(raw)), row: int32(row)}, raw, n)
	})
	if _, isProblem := errors.AsType[*Problem](err); err == nil || isProblem || row == 0 {
		return err
	}
	return d.o.problem(row+1, "", fmt.Errorf("the rest of the file cannot be read: %w", err))
}

// add checks the samples of a row, and notes the place of those that are whole.
func (d *jsonRows) add(p place, raw []byte, parts int) error {
	for part := range parts {
		p.part = int32(part)
		var s Sample
		if bad := d.read(raw, p, &s); bad == nil {
			d.places = append(d.places, p)
		} else if err := d.o.problem(int(p.row), s.ID, bad); err != nil {
			return err
		}
	}
	return nil
}

func (d *jsonRows) read(raw []byte, p place, s *Sample) error {
	if err := d.format.parse(d.o, raw, int(p.part), s); err != nil {
		return err
	}
	return d.o.finish(s, int(p.row))
}

func (d *jsonRows) count() int { return len(d.places) }

func (d *jsonRows) sample(i int) (*Sample, error) {
	p := d.places[i]
	raw, err := readAt(d.file, p.at, p.size)
	s := &Sample{}
	if err == nil {
		err = d.read(raw, p, s)
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
