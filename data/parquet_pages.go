package data

import (
	"errors"
	"fmt"
	"io"

	meta "github.com/parquet-go/parquet-go/format"
)

// Limits on the pages of a Parquet file, which are decoded as a whole.
const (
	maxPage   = 1 << 29 // bytes, decoded
	maxPages  = 1 << 20 // of a column in a row group
	maxHeader = 1 << 16 // bytes of a page's header
	maxValues = 1 << 22 // of a page
)

// Kinds of pages that are read.
const (
	dataPage       = int64(meta.DataPage)
	dictionaryPage = int64(meta.DictionaryPage)
	dataPage2      = int64(meta.DataPageV2)
)

// plainDictionary is what old files call indexes into a dictionary, and the dictionary's
// own encoding.
const plainDictionary = meta.Encoding(2)

// pageHeader is what the header of a page says of its size and its encoding.
type pageHeader struct {
	kind, decoded, stored, values, encoding int64

	levelsBy    [2]int64 // encoding of the repetition and definition levels of a page of the first version
	levelsBytes [2]int64 // they have in one of the second, in front of what is compressed
	plain       bool     // the second version: the rest is not compressed
	length      int      // of the header
}

// lies reports whether the values of a page, or the numbers of those of a dictionary,
// lie in it as they are.
func (h *pageHeader) lies() bool {
	e := meta.Encoding(h.encoding)
	return e == meta.Plain || e == plainDictionary || e == meta.RLEDictionary
}

// structures are the fields of Parquet's PageHeader that hold what its kind says besides.
func structures() map[int64]int {
	return map[int64]int{dataPage: 5, dictionaryPage: 7, dataPage2: 8}
}

// readPageHeader reads the fields of Parquet's PageHeader that matter
// (https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift).
// A field that comes twice could be read in two ways, and is an error.
func readPageHeader(raw []byte) (h pageHeader, err error) {
	found := map[[2]int]int64{}
	twice := false
	t := thrift{in: raw}
	t.found = func(v int64) {
		var at [2]int
		if len(t.path) > 2 {
			return
		}
		copy(at[:], t.path)
		if _, is := found[at]; is {
			twice = true
		}
		found[at] = v
	}
	if err = t.structure(); err != nil {
		return h, err
	}
	if twice {
		return h, errors.New("a field that comes twice")
	}
	h = pageHeader{kind: found[[2]int{1}], decoded: found[[2]int{2}], stored: found[[2]int{3}], length: t.at}
	in, known := structures()[h.kind]
	if !known {
		return h, fmt.Errorf("a page of kind %d", h.kind)
	}
	of := func(field int) int64 { return found[[2]int{in, field}] }
	h.values, h.encoding = of(1), of(2)
	switch h.kind {
	case dataPage:
		h.levelsBy = [2]int64{of(4), of(3)}
	case dataPage2:
		compressed, said := found[[2]int{in, 7}]
		h.encoding, h.levelsBytes, h.plain = of(4), [2]int64{of(6), of(5)}, said && compressed == 0
	}
	return h, nil
}

// pages checks those of a column that lie from one byte to another.
func (c *columnCheck) pages(at, end int64) error {
	found := c.data <= at || c.data == end
	for n := 1; at < end; n++ {
		found = found || at == c.data
		if n > maxPages {
			return fmt.Errorf("more than %d pages", maxPages)
		}
		h, err := headerAt(c.file, at, end)
		if err != nil {
			return fmt.Errorf("header of page %d: %w", n, err)
		}
		at += int64(h.length)
		if h.stored < 0 || h.stored > end-at || h.decoded < 0 || h.decoded > maxPage || h.values < 0 || h.values > maxValues {
			return fmt.Errorf("page %d with %d values in %d bytes, %d of them stored, where %d are left", n, h.values, h.decoded, h.stored, end-at)
		}
		if err = c.charge(&h, 0); err == nil {
			err = c.content(&h, at)
		}
		if err != nil {
			return fmt.Errorf("page %d: %w", n, err)
		}
		at += h.stored
	}
	if !found {
		return fmt.Errorf("its data is said to be at %d, where no page begins", c.data)
	}
	return nil
}

// headerAt reads the header of a page, which seldom has more than some 100 bytes.
func headerAt(file io.ReaderAt, at, end int64) (h pageHeader, err error) {
	for _, size := range []int64{1 << 10, maxHeader} {
		raw := make([]byte, min(size, end-at))
		got, failed := file.ReadAt(raw, at)
		if failed != nil && !errors.Is(failed, io.EOF) {
			return h, failed
		}
		if h, err = readPageHeader(raw[:got]); err == nil {
			break
		}
	}
	return h, err
}

// content unpacks a page and walks through what it holds.
func (c *columnCheck) content(h *pageHeader, at int64) error {
	if c.codec == meta.Uncompressed && c.column.MaxDefinitionLevel() == 0 && h.encoding == int64(meta.Plain) && h.stored == h.decoded {
		c.longest = max(c.longest, 1)
		return nil // what is in it lies in the file
	}
	raw, err := c.unpacker.read(c.file, at, h.stored)
	if err != nil {
		return err
	}
	if h.kind == dataPage2 {
		return c.second(h, raw)
	}
	if raw, err = c.unpacker.unpack(c.codec, raw, h.decoded); err != nil {
		return err
	}
	if h.kind == dictionaryPage {
		return c.entries(h)
	}
	for i, most := range c.levels() {
		if most == 0 {
			continue
		}
		if h.levelsBy[i] != int64(meta.RLE) {
			return fmt.Errorf("levels in encoding %s, which is not read", meta.Encoding(h.levelsBy[i]))
		}
		levels, rest, err := prefixed32(raw)
		if err != nil {
			return err
		}
		if err := c.level(i, most, levels, h.values); err != nil {
			return err
		}
		raw = rest
	}
	return c.encoded(h, raw)
}

// second checks a page of the second version, whose levels are not compressed.
func (c *columnCheck) second(h *pageHeader, raw []byte) error {
	ahead := int64(0)
	for i, most := range c.levels() {
		n := h.levelsBytes[i]
		if n < 0 || n > h.stored-ahead || n > h.decoded-ahead {
			return fmt.Errorf("levels of %d bytes in a page of %d, %d of them stored", n, h.decoded, h.stored)
		}
		if most > 0 {
			if err := c.level(i, most, raw[ahead:ahead+n], h.values); err != nil {
				return err
			}
		}
		ahead += n
	}
	codec := c.codec
	if h.plain {
		codec = meta.Uncompressed
	}
	raw, err := c.unpacker.unpack(codec, raw[ahead:], h.decoded-ahead)
	if err != nil {
		return err
	}
	return c.encoded(h, raw)
}
