package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
)

// isParquet reports whether a file begins as Parquet files do.
func isParquet(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = io.ReadFull(f, magic[:])
	return err == nil && string(magic[:]) == "PAR1"
}

// parquetFile is a file of which rows are read as JSON.
type parquetFile struct {
	file *os.File
	*parquet.File
	mu     sync.Mutex // of reader, which stands behind the row that was read last
	reader *parquet.GenericReader[any]
	next   int64
	last   []byte // the row that was read last

	unpacker unpacker // of pages that are checked
}

// openParquetFile checks what a file promises of itself before any of it is decoded.
func openParquetFile(name string) (*parquetFile, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	p := &parquetFile{file: f}
	err = guarded(func() error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if err := checkFooter(f, info.Size()); err != nil {
			return err
		}
		if p.File, err = parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true)); err != nil {
			return err
		}
		err = p.check(info.Size())
		p.unpacker = unpacker{}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// guarded makes an error of a panic: the decoder does that for some files.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("broken Parquet file: %v", r)
		}
	}()
	return f()
}

// row reads row i as a JSON object, which is lent.
func (p *parquetFile) row(i int64) (raw []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last != nil && i == p.next-1 {
		return p.last, nil
	}
	p.last = nil
	err = guarded(func() error {
		if p.reader == nil {
			p.reader, p.next = parquet.NewGenericReader[any](p.File), 0
		}
		if i != p.next {
			if err := p.reader.SeekToRow(i); err != nil {
				return err
			}
		}
		v, err := p.value()
		if p.next = i + 1; err != nil {
			return fmt.Errorf("row %d cannot be read: %w", i+1, err)
		}
		raw, err = json.Marshal(listed(v))
		return err
	})
	if err != nil {
		p.reader = nil
		return nil, errors.Join(errUndecoded, err)
	}
	p.last = raw
	return raw, nil
}

// value reads the next row. What its values are made of may stand in the file once and
// be meant many times, so their length is looked at before they are copied.
func (p *parquetFile) value() (v any, err error) {
	var rows [1]parquet.Row
	n, err := p.reader.ReadRows(rows[:])
	if n != 1 {
		return nil, errors.Join(err, noEOF(err))
	}
	size := 0
	for _, one := range rows[0] {
		if k := one.Kind(); k == parquet.ByteArray || k == parquet.FixedLenByteArray {
			size += len(one.ByteArray())
		}
		if size > maxRowBytes {
			return nil, fmt.Errorf("its values have more than %d bytes", maxRowBytes)
		}
	}
	return v, p.reader.Schema().Reconstruct(&v, rows[0])
}

// errUndecoded is about the file and not about what a row says.
var errUndecoded = errors.New("broken Parquet file")

// Close closes the file.
func (p *parquetFile) Close() error { return p.file.Close() }

// listed makes lists of what Parquet's lists are wrapped in, {"list": [{"element": x}]},
// and texts of bytes; bytes that are no text become base64.
func listed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if list, ok := v["list"].([]any); ok && len(v) == 1 {
			out := make([]any, 0, len(list))
			for _, item := range list {
				out = append(out, element(item))
			}
			return out
		}
		out := map[string]any{}
		for k, item := range v {
			out[k] = listed(item)
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, listed(item))
		}
		return out
	case []byte:
		if utf8.Valid(v) {
			return string(v)
		}
	case string:
		if !utf8.ValidString(v) {
			return []byte(v)
		}
	}
	return v
}

// element is what an entry of a list is wrapped in.
func element(item any) any {
	m, ok := item.(map[string]any)
	if !ok || len(m) != 1 {
		return listed(item)
	}
	for _, key := range []string{"element", "item", "array_element"} {
		if v, ok := m[key]; ok {
			return listed(v)
		}
	}
	return listed(item)
}

// openParquet reads a file whose rows are like those of a JSON file.
func openParquet(o *opener, f rowFormat) (source, error) {
	p, err := openParquetFile(o.name)
	if err != nil {
		return nil, err
	}
	t := &table{o: o, files: []io.Closer{p}}
	t.build = func(at place, s *Sample) error {
		raw, err := p.row(at.at)
		if err != nil {
			return err
		}
		return f.parse(o, raw, int(at.part), s)
	}
	if err := t.parquetRows(p, f); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	groups, err := json.Marshal(p.Metadata().RowGroups)
	if err == nil {
		_, err = o.sum.Write(groups)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// parquetRows reads every row once. Behind one that cannot be decoded none can.
func (t *table) parquetRows(p *parquetFile, f rowFormat) error {
	for i := range p.NumRows() {
		row := int(i + 1)
		raw, err := p.row(i)
		if err != nil {
			return t.o.problem(row, "", fmt.Errorf("the rest of the file cannot be read: %w", err))
		}
		from := len(t.places)
		n, err := f.samples(raw)
		if err != nil {
			err = t.o.problem(row, "", err)
			n = 0
		}
		for part := range n {
			t.places = append(t.places, place{at: i, row: int32(row), part: int32(part)})
		}
		if err == nil {
			err = t.check(from)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// firstRow reads the fields of the first row of a Parquet file.
func (p *probe) firstRow() error {
	f, err := openParquetFile(p.name)
	if err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if f.NumRows() > 0 {
		raw, err := f.row(0)
		if err == nil {
			err = json.Unmarshal(raw, &fields)
		}
		if err != nil {
			return errors.Join(err, f.Close())
		}
	}
	for k, v := range fields {
		p.fields[k] = v
	}
	return f.Close()
}
