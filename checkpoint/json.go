package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// strict reads JSON token by token. Unlike json.Unmarshal it refuses duplicate
// keys, keys in another case, invalid UTF-8 and anything behind the value.
type strict struct{ dec *json.Decoder }

func newStrict(data []byte) (*strict, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return &strict{d}, nil
}

func (s *strict) token() (json.Token, error) {
	t, err := s.dec.Token()
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return t, err
}

func (s *strict) delim(want json.Delim) error {
	t, err := s.token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("found %v, want %q", t, want.String())
	}
	return nil
}

// object calls f for each key, and f reads the value.
func (s *strict) object(f func(key string) error) error {
	if err := s.delim('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for s.dec.More() {
		t, err := s.token()
		if err != nil {
			return err
		}
		key := t.(string) // the decoder lets nothing else be a key
		if seen[key] {
			return fmt.Errorf("duplicate key %q", key)
		}
		seen[key] = true
		if err := f(key); err != nil {
			return err
		}
	}
	return s.delim('}')
}

func (s *strict) str() (string, error) {
	t, err := s.token()
	if err != nil {
		return "", err
	}
	v, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("found %v, want a string", t)
	}
	return v, nil
}

// ints reads an array of at most limit integers that are not negative.
func (s *strict) ints(limit int) ([]int, error) {
	if err := s.delim('['); err != nil {
		return nil, err
	}
	list := []int{}
	for s.dec.More() {
		t, err := s.token()
		if err != nil {
			return nil, err
		}
		n, ok := t.(json.Number)
		if !ok {
			return nil, fmt.Errorf("found %v, want an integer", t)
		}
		v, err := strconv.Atoi(n.String())
		if err != nil || v < 0 {
			return nil, fmt.Errorf("%s is not an integer from 0 to %d", n, maxInt)
		}
		if len(list) == limit {
			return nil, fmt.Errorf("more than %d numbers", limit)
		}
		list = append(list, v)
	}
	return list, s.delim(']')
}

// skip drops a value of any kind.
func (s *strict) skip() error {
	var v json.RawMessage
	return s.dec.Decode(&v)
}

// end makes sure that only white space follows.
func (s *strict) end() error {
	if t, err := s.dec.Token(); err != io.EOF {
		if err != nil {
			return err
		}
		return fmt.Errorf("found %v after the end", t)
	}
	return nil
}
