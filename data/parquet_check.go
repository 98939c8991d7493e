package data

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
	meta "github.com/parquet-go/parquet-go/format"
)

// Limits on what a Parquet file may say of itself.
const (
	maxColumns   = 256
	maxSchema    = 1 << 10 // columns and groups of columns
	maxRowGroups = 1<<15 - 1
	maxChunk     = 1 << 30 // bytes of a column in a row group, decoded
	maxRows      = 1 << 30
	maxRowValues = 1 << 18 // values of a row, each of which becomes a map or two
	maxRowBytes  = 1 << 27 // bytes of its values
)

// Limits on what the columns of a row group may need at once, in bytes: some, more for each
// byte that they have in the file, and so much at most.
const (
	baseNeed   = 64 << 20
	needOfByte = 64
	maxNeed    = 1 << 31
)

// check wants sizes that can be, and pages that hold what their headers say: the decoder
// believes both.
func (p *parquetFile) check(size int64) error {
	if n := p.NumRows(); n < 0 || n > min(maxRows, 8*size) {
		return fmt.Errorf("%d rows in a file of %d bytes", n, size)
	}
	leaves := leavesOf(p.Root(), nil)
	if len(leaves) > maxColumns {
		return fmt.Errorf("%d columns, at most %d are read", len(leaves), maxColumns)
	}
	groups := p.Metadata().RowGroups
	left := size
	for i := range groups {
		g := &groups[i]
		if len(g.Columns) != len(leaves) {
			return fmt.Errorf("row group %d has %d columns, the file %d", i+1, len(g.Columns), len(leaves))
		}
		for k := range g.Columns {
			if m := &g.Columns[k].MetaData; m.Codec != groups[0].Columns[k].MetaData.Codec {
				return fmt.Errorf("row group %d: column %s is compressed by %s, in the first row group by %s", i+1, pathOf(m), m.Codec, groups[0].Columns[k].MetaData.Codec)
			}
		}
		if err := p.checkGroup(g, leaves, size, &left); err != nil {
			return fmt.Errorf("row group %d: %w", i+1, err)
		}
	}
	return nil
}

func pathOf(m *meta.ColumnMetaData) string { return strings.Join(m.PathInSchema, ".") }

// leavesOf appends the columns that hold values, in the order of the file.
func leavesOf(c *parquet.Column, all []*parquet.Column) []*parquet.Column {
	if c.Leaf() {
		return append(all, c)
	}
	for _, child := range c.Columns() {
		all = leavesOf(child, all)
	}
	return all
}

// checkGroup checks the columns of a row group: their places, of which left is what
// others have left of the file, then their pages, and what they need together.
func (p *parquetFile) checkGroup(g *meta.RowGroup, leaves []*parquet.Column, size int64, left *int64) error {
	stored := int64(0)
	for k := range g.Columns {
		m := &g.Columns[k].MetaData
		if err := checkChunk(m, size); err != nil {
			return fmt.Errorf("column %s: %w", pathOf(m), err)
		}
		stored += m.TotalCompressedSize
	}
	if *left -= stored; *left < 0 {
		return errors.New("the columns up to here have more bytes than the file: they lie over each other")
	}
	b := budget{limit: min(maxNeed, baseNeed+needOfByte*stored)}
	for k := range g.Columns {
		m := &g.Columns[k].MetaData
		c := columnCheck{file: p.file, budget: &b, codec: m.Codec, unpacker: &p.unpacker, column: leaves[k], data: m.DataPageOffset}
		if err := c.pages(beginOf(m), beginOf(m)+m.TotalCompressedSize); err != nil {
			return fmt.Errorf("column %s: %w", pathOf(m), err)
		}
		if b.values += max(c.row, c.longest); b.values > maxRowValues {
			return fmt.Errorf("column %s: a row of more than %d values", pathOf(m), maxRowValues)
		}
		b.used += c.dictionary + c.page
	}
	return nil
}

// beginOf is where the decoder begins to read a column.
func beginOf(m *meta.ColumnMetaData) int64 {
	if m.DictionaryPageOffset != 0 {
		return m.DictionaryPageOffset
	}
	return m.DataPageOffset
}

// checkChunk wants a column of a row group to lie in the file.
func checkChunk(m *meta.ColumnMetaData, size int64) error {
	at, stored := beginOf(m), m.TotalCompressedSize
	switch codec := m.Codec.String(); {
	case strings.HasPrefix(codec, "LZ"): // the decoder does not come to an end of broken data
		return fmt.Errorf("it is compressed by %s, which is not read: write it with ZSTD, SNAPPY, GZIP or BROTLI", codec)
	case m.TotalUncompressedSize < 0 || m.TotalUncompressedSize > maxChunk:
		return fmt.Errorf("%d bytes, at most %d are read", m.TotalUncompressedSize, maxChunk)
	case stored < 0 || stored > size || at < 0 || at > size-stored:
		return fmt.Errorf("%d bytes at %d of a file of %d", stored, at, size)
	}
	return nil
}

// budget is what the columns of a row group may need together while it is read: a page
// and the dictionary of each are held decoded at once.
type budget struct {
	used, limit int64 // bytes
	values      int64 // of the longest rows
}

// columnCheck checks the pages of a column in a row group.
type columnCheck struct {
	file     io.ReaderAt
	budget   *budget
	codec    meta.CompressionCodec
	unpacker *unpacker
	column   *parquet.Column
	data     int64 // where the decoder goes back to, behind the dictionary

	dictionary, page int64 // bytes that the dictionary needs, and the page that needs most
	row, longest     int64 // values of the row that goes on, and of the longest before
}

// charge counts what a page needs, before it is decoded: its bytes and so many more, and
// of each value levels, place and index.
func (c *columnCheck) charge(h *pageHeader, more int64) error {
	const ofValue = 24
	need := h.decoded + more + ofValue*h.values
	switch kind := c.column.Type().Kind(); {
	case kind == parquet.ByteArray && (h.kind == dictionaryPage || h.encoding == int64(meta.Plain)):
		need += 2 * h.decoded // if all texts are empty
	case kind == parquet.FixedLenByteArray && (h.kind == dictionaryPage || !h.lies()):
		need += h.values * int64(c.column.Type().Length())
	}
	if h.kind == dictionaryPage {
		c.dictionary += need // of which there should be one
	} else {
		c.page = max(c.page, need)
	}
	if all := c.budget.used + c.dictionary + c.page; all > c.budget.limit {
		return fmt.Errorf("%d values in %d bytes, %d of them stored: it may need %d bytes with the other columns, more than the %d that a row group of this size may: write smaller pages", h.values, h.decoded, h.stored, all, c.budget.limit)
	}
	return nil
}
