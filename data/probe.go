package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// probe is what a format is recognised by: the name, and the beginning of the file.
type probe struct {
	name, base, ext string // ext in lower case
	dir             bool
	head            []byte
	fields          map[string][]byte // of the first JSON object: its values, of an array the first element
	array           bool              // the object is in an array
}

const probeSize = 1 << 20

func newProbe(name string) (*probe, error) {
	p := &probe{name: name, base: filepath.Base(name), ext: strings.ToLower(filepath.Ext(name)), fields: map[string][]byte{}}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if p.dir = info.IsDir(); p.dir {
		return p, nil
	}
	f, err := unpackedHead(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p.head = f
	if len(p.head) == 0 {
		return nil, fmt.Errorf("%s: file is empty", name)
	}
	if isParquet(name) {
		if err := p.firstRow(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return p, nil
	}
	p.object()
	return p, nil
}

func unpackedHead(name string) (head []byte, err error) {
	f, err := unpacked(name)
	if err != nil {
		return nil, err
	}
	head, err = io.ReadAll(io.LimitReader(f, probeSize))
	return head, errors.Join(err, f.Close())
}

// object reads the fields of the first object, as far as they are in the head.
func (p *probe) object() {
	s, err := newScanner(bytes.NewReader(p.head))
	if err != nil {
		return
	}
	b, err := s.peek()
	if err == nil && b == '[' {
		p.array = true
		_, _ = s.next() // it is there
		b, err = s.peek()
	}
	if err != nil || b != '{' {
		return
	}
	// What is behind the head is missing, and so is an error here.
	_ = s.fields(func(key string) visitor {
		return func(_ int64, raw []byte, _ error) error {
			if p.fields[key] == nil {
				p.fields[key] = slices.Clone(raw)
			}
			return nil
		}
	}, func(key string, raw []byte) { p.fields[key] = slices.Clone(raw) })
}

// has reports whether the first object has all these fields.
func (p *probe) has(keys ...string) bool {
	for _, k := range keys {
		if p.fields[k] == nil {
			return false
		}
	}
	return true
}

// any reports whether the first object has one of these fields.
func (p *probe) any(keys ...string) bool {
	return slices.ContainsFunc(keys, func(k string) bool { return p.has(k) })
}

// within reports whether the value of a field, or its first element, holds a text.
func (p *probe) within(key, text string) bool { return bytes.Contains(p.fields[key], []byte(text)) }

// hint tells what was found of a file that is not recognised.
func (p *probe) hint() string {
	if p.dir {
		return " (a folder)"
	}
	var keys []string
	for k := range p.fields {
		keys = append(keys, fmt.Sprintf("%.40q", k))
	}
	if keys == nil {
		return ""
	}
	slices.Sort(keys)
	return " (its first object has " + strings.Join(keys[:min(len(keys), 12)], ", ") + ")"
}

// glob reports whether a folder holds a file of a pattern.
func (p *probe) glob(pattern string) bool {
	names, err := filepath.Glob(filepath.Join(escaped(p.name), pattern))
	return err == nil && len(names) > 0
}
