package data

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// thrift walks through what Parquet files say about themselves, in the compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md),
// and makes nothing of it: whoever does believes the numbers that it holds.
type thrift struct {
	in    []byte
	at    int
	count int               // of structures
	path  []int             // fields around the value
	found func(value int64) // is called for integers, and 1 or 0 for truths
	begun func() error      // is called for structures
}

// Limits on what is walked through.
const (
	maxStructures = 1 << 20
	maxFooter     = 64 << 20
	maxStructure  = 16 // how deep they lie in each other
)

var errLongList = errors.New("a length that goes behind the end")

func (t *thrift) byte() (byte, error) {
	if t.at >= len(t.in) {
		return 0, io.ErrUnexpectedEOF
	}
	t.at++
	return t.in[t.at-1], nil
}

func (t *thrift) varint() (uint64, error) {
	v, n := binary.Uvarint(t.in[t.at:])
	if n <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	t.at += n
	return v, nil
}

// length reads how much follows, each of it at least a byte.
func (t *thrift) length() (int, error) {
	n, err := t.varint()
	if err == nil && n > uint64(len(t.in)-t.at) {
		err = errLongList
	}
	return int(n), err
}

func (t *thrift) skip(n int) error {
	if n > len(t.in)-t.at {
		return io.ErrUnexpectedEOF
	}
	t.at += n
	return nil
}

// zigzag is a number with its sign.
func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// structure walks through fields up to their end.
func (t *thrift) structure() error {
	if t.count++; t.count > maxStructures || len(t.path) > maxStructure {
		return errors.New("too many structures, or too deep in each other")
	}
	if t.begun != nil {
		if err := t.begun(); err != nil {
			return err
		}
	}
	id := 0
	for {
		head, err := t.byte()
		if err != nil || head == 0 {
			return err
		}
		if delta := int(head >> 4); delta != 0 {
			id += delta
		} else {
			v, err := t.varint()
			if err != nil {
				return err
			}
			id = int(int16(zigzag(v)))
		}
		t.path = append(t.path, id)
		switch kind := head & 15; {
		case kind > 2:
			err = t.value(kind)
		case t.found != nil: // the kinds 1 and 2 are true and false
			t.found(int64(2 - kind))
		}
		if err != nil {
			return err
		}
		t.path = t.path[:len(t.path)-1]
	}
}

// value walks through one that is not a field's truth.
func (t *thrift) value(kind byte) error {
	switch kind {
	case 1, 2, 3:
		return t.skip(1)
	case 4, 5, 6:
		v, err := t.varint()
		if err == nil && t.found != nil {
			t.found(zigzag(v))
		}
		return err
	case 7:
		return t.skip(8)
	case 8:
		n, err := t.length()
		if err != nil {
			return err
		}
		return t.skip(n)
	case 9, 10:
		return t.list()
	case 11:
		return t.dictionary()
	case 12:
		return t.structure()
	case 13:
		return t.skip(16)
	}
	return fmt.Errorf("a value of kind %d", kind)
}

func (t *thrift) list() error {
	head, err := t.byte()
	n := int(head >> 4)
	if err == nil && n == 15 {
		n, err = t.length()
	}
	for i := 0; i < n && err == nil; i++ {
		err = t.value(head & 15)
	}
	return err
}

func (t *thrift) dictionary() error {
	n, err := t.length()
	if err != nil || n == 0 {
		return err
	}
	kinds, err := t.byte()
	for i := 0; i < n && err == nil; i++ {
		if err = t.value(kinds >> 4); err == nil {
			err = t.value(kinds & 15)
		}
	}
	return err
}

// checkFooter wants a footer that lies in the file and holds what it says.
func checkFooter(file io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < 12 {
		return errors.New("too short for a Parquet file")
	}
	if _, err := file.ReadAt(tail[:], size-8); err != nil {
		return noEOF(err)
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if string(tail[4:]) != "PAR1" || n > min(maxFooter, size-12) {
		return fmt.Errorf("footer of %d bytes in a Parquet file of %d: truncated?", n, size)
	}
	t := thrift{in: make([]byte, n)}
	t.begun = t.footerLimits()
	if _, err := file.ReadAt(t.in, size-8-n); err != nil {
		return noEOF(err)
	}
	if err := t.structure(); err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	return nil
}

// footerLimits bound the structures of a footer by its length and their kinds. What is
// made of one has up to 560 bytes, in the place of one in the file; paths of columns have
// the square of the schema's size.
func (t *thrift) footerLimits() func() error {
	most := 1<<12 + len(t.in)/8
	var schema, groups int
	return func() error {
		switch {
		case len(t.path) == 1 && t.path[0] == 2:
			schema++
		case len(t.path) == 1 && t.path[0] == 4:
			groups++
		}
		switch {
		case t.count > most:
			return fmt.Errorf("more than %d structures in %d bytes", most, len(t.in))
		case schema > maxSchema:
			return fmt.Errorf("a schema of more than %d columns", maxSchema)
		case groups > maxRowGroups:
			return fmt.Errorf("more than %d row groups", maxRowGroups)
		}
		return nil
	}
}
