package data

import (
	"errors"
	"fmt"
	"io"
)

// Limits on the pages of a Parquet file, which are decoded as a whole.
const (
	maxPage   = 1 << 29 // bytes, decoded
	maxPages  = 1 << 20 // of a column in a row group
	maxHeader = 1 << 16 // bytes of a page's header
	maxValues = 1 << 22 // of a page
)

// pageHeader is what the header of a page says of its size.
type pageHeader struct {
	decoded, stored, values int64
	length                  int // of the header
}

// readPageHeader reads the fields of Parquet's PageHeader that are sizes.
func readPageHeader(raw []byte) (h pageHeader, err error) {
	t := thrift{in: raw}
	t.found = func(v int64) {
		switch p := t.path; {
		case len(p) == 1 && p[0] == 2:
			h.decoded = v
		case len(p) == 1 && p[0] == 3:
			h.stored = v
		case len(p) == 2 && (p[0] == 5 || p[0] == 7 || p[0] == 8) && p[1] == 1: // of data, of a dictionary, of data
			h.values = v
		}
	}
	err = t.structure()
	h.length = t.at
	return h, err
}

// checkPages reads the headers of the pages that lie from one byte to another.
func checkPages(file io.ReaderAt, at, end int64) error {
	raw := make([]byte, maxHeader)
	for n := 1; at < end; n++ {
		if n > maxPages {
			return fmt.Errorf("more than %d pages", maxPages)
		}
		got, err := file.ReadAt(raw[:min(maxHeader, end-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		h, err := readPageHeader(raw[:got])
		if err != nil {
			return fmt.Errorf("header of page %d: %w", n, err)
		}
		at += int64(h.length)
		if h.stored < 0 || h.stored > end-at || h.decoded < 0 || h.decoded > maxPage || h.values < 0 || h.values > maxValues {
			return fmt.Errorf("page %d with %d values in %d bytes, %d of them stored, where %d are left", n, h.values, h.decoded, h.stored, end-at)
		}
		at += h.stored
	}
	return nil
}
