package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/delta"
)

// deltas walks through numbers that are told by their differences (DELTA_BINARY_PACKED),
// at most so many, to what lies behind them.
func deltas(in []byte, values int64) (behind []byte, err error) {
	if len(in) == 0 {
		return nil, nil // there are none but nulls
	}
	var head [4]uint64 // values of a block, its parts, values of all, and the first
	for i := range head {
		v, k := binary.Uvarint(in)
		if k <= 0 {
			return nil, io.ErrUnexpectedEOF
		}
		head[i], in = v, in[k:]
	}
	block, parts := head[0], head[1]
	switch {
	case head[2] > uint64(values):
		return nil, fmt.Errorf("%d values, its header says %d", head[2], values)
	case block == 0 || block > 1<<16 || parts == 0 || parts > block || block/parts%8 != 0:
		return nil, fmt.Errorf("blocks of %d values in %d parts", block, parts)
	}
	for left := int64(head[2]) - 1; left > 0; {
		_, k := binary.Uvarint(in) // the least difference
		if k <= 0 || uint64(len(in)-k) < parts {
			return nil, io.ErrUnexpectedEOF
		}
		widths := in[k : k+int(parts)]
		in = in[k+int(parts):]
		for _, width := range widths {
			if left <= 0 {
				break
			}
			size := int(block/parts) / 8 * int(width)
			if size > len(in) {
				return nil, io.ErrUnexpectedEOF
			}
			in = in[size:]
			left -= int64(block / parts)
		}
	}
	return in, nil
}

// lengths reads numbers that are told by their differences, and their sum.
func lengths(in []byte, values int64) (sum int64, behind []byte, err error) {
	if behind, err = deltas(in, values); err != nil {
		return 0, nil, err
	}
	all, err := new(delta.BinaryPackedEncoding).DecodeInt32(nil, in)
	if err != nil {
		return 0, nil, err
	}
	for _, n := range all {
		if n < 0 {
			return 0, nil, errors.New("a length below 0")
		}
		sum += int64(n)
	}
	return sum, behind, nil
}

// inCommon returns how many bytes the texts of a page have in common with those before
// them (DELTA_BYTE_ARRAY), which are not in the file.
func inCommon(in []byte, values int64) (int64, error) {
	ahead, in, err := lengths(in, values)
	if err != nil {
		return 0, err
	}
	own, in, err := lengths(in, values)
	if err == nil && own > int64(len(in)) {
		err = io.ErrUnexpectedEOF
	}
	return ahead, err
}
