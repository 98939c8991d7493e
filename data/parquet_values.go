package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"github.com/parquet-go/parquet-go"
	meta "github.com/parquet-go/parquet-go/format"
)

// prefixed32 cuts off what has its length in front, in four bytes.
func prefixed32(in []byte) (part, rest []byte, err error) {
	if len(in) < 4 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	n := uint64(binary.LittleEndian.Uint32(in))
	if in = in[4:]; n > uint64(len(in)) {
		return nil, nil, io.ErrUnexpectedEOF
	}
	return in[:n], in[n:], nil
}

// run is one of a sequence in the encoding RLE: n times one value, or n of them packed.
type run struct {
	raw    []byte
	packed bool
	n      int64
}

// eachRun walks through runs of values of so many bits. Those that are not held packed
// in the bytes may be as many as the page has values: seven more round up to eight.
func eachRun(in []byte, width int, values int64, visit func(run)) error {
	left := values + 7
	for len(in) > 0 {
		head, k := binary.Uvarint(in)
		if k <= 0 || head>>1 > 1<<31 {
			return errors.New("a run of values without an end")
		}
		in = in[k:]
		r := run{n: int64(head >> 1), packed: head&1 == 1}
		size := int64(width+7) / 8
		if r.packed {
			size = r.n * int64(width)
			r.n *= 8
		}
		if !r.packed || width == 0 {
			if left -= r.n; left < 0 {
				return fmt.Errorf("runs of more than the %d values of the page", values)
			}
		}
		if size > int64(len(in)) {
			return io.ErrUnexpectedEOF
		}
		if r.raw, in = in[:size], in[size:]; visit != nil {
			visit(r)
		}
	}
	return nil
}

// levels are the highest of the column's repetition and definition levels.
func (c *columnCheck) levels() [2]int {
	return [2]int{c.column.MaxRepetitionLevel(), c.column.MaxDefinitionLevel()}
}

// level checks the repetition or definition levels of a page.
func (c *columnCheck) level(which, most int, in []byte, values int64) error {
	width := bits.Len(uint(most))
	if which == 1 {
		return eachRun(in, width, values, nil)
	}
	left := values
	return eachRun(in, width, values, func(r run) {
		n := min(r.n, left)
		left -= n
		if !r.packed {
			c.repeat(r.raw[0] == 0, n)
			return
		}
		mask := byte(1)<<width - 1
		for i := range n {
			at := i * int64(width)
			v := r.raw[at/8] >> (at % 8)
			if over := at%8 + int64(width) - 8; over > 0 {
				v |= r.raw[at/8+1] << (int64(width) - over)
			}
			c.repeat(v&mask == 0, 1)
		}
	})
}

// repeat counts values of rows: each begins one, or all go on with it.
func (c *columnCheck) repeat(begins bool, n int64) {
	switch {
	case n == 0:
	case begins:
		c.longest, c.row = max(c.longest, c.row), 1
	default:
		c.row += n
	}
}

// entries checks the page of a dictionary.
func (c *columnCheck) entries(h *pageHeader) error {
	if e := meta.Encoding(h.encoding); e != meta.Plain && e != plainDictionary {
		return fmt.Errorf("a dictionary in encoding %s, which is not read", e)
	}
	return nil
}

// encoded checks the values of a page: that they are not more than it says.
func (c *columnCheck) encoded(h *pageHeader, in []byte) (err error) {
	boolean := c.column.Type().Kind() == parquet.Boolean
	switch e := meta.Encoding(h.encoding); {
	case e == meta.Plain, e == meta.ByteStreamSplit:
		return nil
	case e == plainDictionary || e == meta.RLEDictionary:
		if len(in) == 0 {
			return nil
		}
		if in[0] > 32 {
			return fmt.Errorf("indexes of %d bits", in[0])
		}
		return eachRun(in[1:], int(in[0]), h.values, nil)
	case e == meta.RLE && boolean:
		if in, _, err = prefixed32(in); err != nil {
			return err
		}
		return eachRun(in, 1, h.values, nil)
	case e == meta.DeltaBinaryPacked || e == meta.DeltaLengthByteArray:
		_, err = deltas(in, h.values)
		return err
	case e == meta.DeltaByteArray:
		n, err := inCommon(in, h.values)
		if err != nil {
			return err
		}
		return c.charge(h, n)
	}
	return fmt.Errorf("values in encoding %s, which is not read", meta.Encoding(h.encoding))
}
