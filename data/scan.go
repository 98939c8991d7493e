package data

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxRow bounds the bytes of one sample in a JSON file.
const maxRow = 16 << 20

var errLongRow = fmt.Errorf("longer than %d bytes", maxRow)

// visitor is called with each row of a file, where it begins, and what is wrong with it
// if it cannot be read. The bytes are lent.
type visitor func(at int64, raw []byte, bad error) error

// scanner finds where the values of a JSON text begin and end, and holds one of them in
// memory. It counts brackets and leaves the rest to whoever reads the value, so that a
// broken value does not hide those behind it.
type scanner struct {
	r   *bufio.Reader
	at  int64 // of the next byte
	raw []byte
}

func newScanner(r io.Reader) (*scanner, error) {
	s := &scanner{r: bufio.NewReaderSize(r, 64<<10)}
	if mark, _ := s.r.Peek(3); string(mark) == "\ufeff" { // byte-order mark
		s.at = 3
		if _, err := s.r.Discard(3); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// next is the next byte.
func (s *scanner) next() (byte, error) {
	b, err := s.r.ReadByte()
	if err == nil {
		s.at++
	}
	return b, err
}

func (s *scanner) back() {
	if s.r.UnreadByte() == nil {
		s.at--
	}
}

func space(b byte) bool { return b == ' ' || b == '\n' || b == '\t' || b == '\r' }

// peek skips white space and returns what follows, unread.
func (s *scanner) peek() (byte, error) {
	for {
		b, err := s.next()
		if err != nil {
			return 0, err
		}
		if !space(b) {
			s.back()
			return b, nil
		}
	}
}

// rows visits the elements of an array, or the lines of JSON lines.
func (s *scanner) rows(visit visitor) error {
	first, err := s.peek()
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("file is empty")
	case err != nil:
		return err
	case first != '[':
		return s.lines(visit)
	}
	if err := s.elements(visit); err != nil {
		return err
	}
	if _, err := s.peek(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("text behind the last row, at byte %d", s.at)
	}
	return nil
}

// lines visits every line that is not empty.
func (s *scanner) lines(visit visitor) error {
	for {
		if _, err := s.peek(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		at := s.at
		raw, err := s.until(func(b byte, _ *nesting) bool { return b == '\n' })
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, errLongRow) {
			return err
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if err := visit(at, raw, err); err != nil {
			return err
		}
	}
}

// elements visits those of the array that begins at the next byte.
func (s *scanner) elements(visit visitor) error {
	if _, err := s.next(); err != nil {
		return err
	}
	for n := 0; ; n++ {
		b, err := s.peek()
		if err != nil {
			return fmt.Errorf("end of the array: %w", noEOF(err))
		}
		if b == ']' && n == 0 {
			_, err := s.next()
			return err
		}
		at := s.at
		raw, err := s.value()
		if err != nil && !errors.Is(err, errLongRow) {
			return fmt.Errorf("row %d: %w", n+1, noEOF(err))
		}
		if err := visit(at, raw, err); err != nil {
			return err
		}
		switch b, err := s.next(); {
		case err != nil:
			return fmt.Errorf("end of the array: %w", noEOF(err))
		case b == ']':
			return nil
		case b != ',':
			return fmt.Errorf("row %d: %q at byte %d", n+1, b, s.at-1)
		}
	}
}

// fields calls of with each key of the object that begins at the next byte. It returns
// the visitor of the elements of the key's array, or nil to pass the value over; rest
// is called with other values.
func (s *scanner) fields(of func(key string) visitor, rest func(key string, raw []byte)) error {
	if _, err := s.next(); err != nil {
		return err
	}
	for {
		b, err := s.peek()
		if err != nil {
			return noEOF(err)
		}
		if b == '}' {
			_, err := s.next()
			return err
		}
		if err := s.field(of, rest); err != nil {
			return err
		}
		switch b, err := s.next(); {
		case err != nil:
			return noEOF(err)
		case b == '}':
			return nil
		case b != ',':
			return fmt.Errorf("%q at byte %d", b, s.at-1)
		}
	}
}

func (s *scanner) field(of func(key string) visitor, rest func(key string, raw []byte)) error {
	raw, err := s.until(func(b byte, n *nesting) bool { return b == ':' && n.outside() })
	if err != nil {
		return noEOF(err)
	}
	key, err := unquote(raw)
	if err != nil {
		return fmt.Errorf("byte %d: %w", s.at, err)
	}
	if _, err := s.next(); err != nil { // the colon
		return noEOF(err)
	}
	b, err := s.peek()
	if err != nil {
		return noEOF(err)
	}
	if b == '[' {
		if visit := of(key); visit != nil {
			if err := s.elements(visit); err != nil {
				return fmt.Errorf("%.80q: %w", key, err)
			}
			_, err := s.peek()
			return noEOF(err)
		}
	}
	if raw, err = s.value(); err != nil && !errors.Is(err, errLongRow) {
		return fmt.Errorf("%.80q: %w", key, noEOF(err))
	}
	if err == nil {
		rest(key, raw)
	}
	return nil
}

// value reads up to the comma or bracket behind a value, which it leaves.
func (s *scanner) value() ([]byte, error) {
	return s.until(func(b byte, n *nesting) bool {
		return n.outside() && (b == ',' || b == ']' || b == '}')
	})
}

// nesting is where in a value a byte stands.
type nesting struct {
	depth            int
	inString, escape bool
}

func (n *nesting) outside() bool { return n.depth == 0 && !n.inString }

func (n *nesting) step(b byte) {
	switch {
	case n.escape:
		n.escape = false
	case n.inString:
		n.escape = b == '\\'
		n.inString = b != '"'
	case b == '"':
		n.inString = true
	case b == '{' || b == '[':
		n.depth++
	case b == '}' || b == ']':
		n.depth--
	}
}

// until reads up to a byte that ends a value, and leaves it. White space around the
// value is none of it. A value that is too long is passed over.
func (s *scanner) until(ends func(byte, *nesting) bool) ([]byte, error) {
	s.raw = s.raw[:0]
	var n nesting
	long := false
	for {
		b, err := s.next()
		if err != nil {
			return trimmed(s.raw, long, err)
		}
		if ends(b, &n) {
			s.back()
			return trimmed(s.raw, long, nil)
		}
		n.step(b)
		if len(s.raw) > maxRow {
			long = true
			s.raw = s.raw[:0]
		}
		if !long {
			s.raw = append(s.raw, b)
		}
	}
}

func trimmed(raw []byte, long bool, err error) ([]byte, error) {
	for len(raw) > 0 && space(raw[len(raw)-1]) {
		raw = raw[:len(raw)-1]
	}
	if long || len(raw) > maxRow {
		return nil, errLongRow // of a file that ends there, the next read tells
	}
	return raw, err
}

// noEOF makes an end of file where more must come an error that says so.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
