package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
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

// Limits on what a Parquet file may make us read at once.
const (
	maxColumns    = 256
	maxChunk      = 1 << 30 // bytes of a column in a row group, decoded
	maxParquetRow = 1 << 30 // rows
)

// parquetFile is a file of which rows are read as JSON.
type parquetFile struct {
	file *os.File
	*parquet.File
	mu     sync.Mutex // of reader, which stands behind the row that was read last
	reader *parquet.GenericReader[any]
	next   int64
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
		if p.File, err = parquet.OpenFile(f, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true)); err != nil {
			return err
		}
		return p.check(info.Size())
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// check wants sizes that can be.
func (p *parquetFile) check(size int64) error {
	meta := p.Metadata()
	if n := p.NumRows(); n < 0 || n > maxParquetRow {
		return fmt.Errorf("%d rows", n)
	}
	for i, g := range meta.RowGroups {
		if len(g.Columns) > maxColumns {
			return fmt.Errorf("row group %d has %d columns, at most %d are read", i+1, len(g.Columns), maxColumns)
		}
		for _, c := range g.Columns {
			m := c.MetaData
			if m.TotalUncompressedSize < 0 || m.TotalUncompressedSize > maxChunk || m.TotalCompressedSize < 0 || m.TotalCompressedSize > size {
				return fmt.Errorf("row group %d: column %s of %d bytes, %d of them stored, in a file of %d", i+1, strings.Join(m.PathInSchema, "."), m.TotalUncompressedSize, m.TotalCompressedSize, size)
			}
		}
	}
	return nil
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

// row reads row i as a JSON object.
func (p *parquetFile) row(i int64) (raw []byte, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	err = guarded(func() error {
		if p.reader == nil {
			p.reader, p.next = parquet.NewGenericReader[any](p.File), 0
		}
		if i != p.next {
			if err := p.reader.SeekToRow(i); err != nil {
				return err
			}
		}
		var one [1]any
		n, err := p.reader.Read(one[:])
		if p.next = i + 1; n != 1 {
			return fmt.Errorf("row %d cannot be read: %w", i+1, errors.Join(err, noEOF(err)))
		}
		raw, err = json.Marshal(listed(one[0]))
		return err
	})
	if err != nil {
		p.reader = nil
	}
	return raw, err
}

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
func openParquet(o *opener, parse rowParser) (source, error) {
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
		return parse(o, raw, s)
	}
	for i := range p.NumRows() {
		t.places = append(t.places, place{at: i, row: int32(i + 1)})
	}
	meta, err := json.Marshal(p.Metadata().RowGroups)
	if err == nil {
		_, err = o.sum.Write(meta)
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t.ready(nil)
}

// object reads the fields of the first row of a Parquet file.
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
