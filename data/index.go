package data

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxRow bounds the bytes of one sample in a JSON file.
const maxRow = 4 << 20

var errLongRow = fmt.Errorf("longer than %d bytes", maxRow)

// row is where a sample lies in its file.
type row struct {
	at   int64
	size int32
}

// scanRows calls visit with each element of a JSON array, or with each value of JSON
// lines, in order and holding only one of them in memory.
func scanRows(r io.Reader, visit func(at int64, raw json.RawMessage) error) error {
	buffered := bufio.NewReader(r)
	first, err := firstByte(buffered)
	if errors.Is(err, io.EOF) {
		return errors.New("file is empty")
	}
	if err != nil {
		return err
	}
	limit := &rowReader{r: buffered, left: maxRow}
	dec := json.NewDecoder(limit)
	array := first.b == '['
	if array {
		if _, err := dec.Token(); err != nil {
			return err
		}
	}
	for n := 0; dec.More(); n++ {
		limit.left = maxRow
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fmt.Errorf("sample %d: %w", n+1, noEOF(err))
		}
		if len(raw) > maxRow {
			return fmt.Errorf("sample %d: %w", n+1, errLongRow)
		}
		at := first.at + dec.InputOffset() - int64(len(raw))
		if err := visit(at, raw); err != nil {
			return fmt.Errorf("sample %d: %w", n+1, err)
		}
	}
	if limit.failed != nil {
		return limit.failed
	}
	if array {
		if _, err := dec.Token(); err != nil {
			return fmt.Errorf("end of the array: %w", noEOF(err))
		}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("text behind the last sample, at byte %d", first.at+dec.InputOffset())
	}
	return nil
}

// place is a byte of a file and its offset.
type place struct {
	b  byte
	at int64
}

// firstByte skips a byte-order mark and white space and returns what follows, unread.
func firstByte(r *bufio.Reader) (place, error) {
	var skipped int64
	if mark, _ := r.Peek(3); string(mark) == "\ufeff" {
		n, err := r.Discard(3)
		if err != nil {
			return place{}, err
		}
		skipped = int64(n)
	}
	for ; ; skipped++ {
		b, err := r.ReadByte()
		if err != nil {
			return place{}, err
		}
		switch b {
		case ' ', '\t', '\r', '\n':
		default:
			return place{b, skipped}, r.UnreadByte()
		}
	}
}

// noEOF makes an end of file where more must come an error that says so.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// rowReader reads no more than left bytes until left is set anew.
type rowReader struct {
	r      io.Reader
	left   int
	failed error
}

func (r *rowReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		r.failed = errLongRow
		return 0, r.failed
	}
	n, err := r.r.Read(p[:min(len(p), r.left)])
	r.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = err
	}
	return n, err
}
