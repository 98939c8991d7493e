// Package pickle reads the values that Python's pickle module wrote, without running
// any of the code that a pickle may name.
//
// A pickle is a program for a small stack machine, and the machine of Python imports and
// calls what the program names. This one runs the instructions that make plain values,
// lists, tuples and dictionaries; what a name stands for is asked of [Names], and every
// other name is an error.
package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// What a pickle is made of, beside nil, bool, int64, float64 and string. Lists and
// dictionaries may be in themselves.
type (
	Tuple  []any
	List   struct{ Items []any }
	Dict   struct{ Keys, Values []any } // as often as a key was set
	Global string                       // "module name"
)

// Names is what knows the names that a pickle may hold.
type Names interface {
	// Known reports whether a pickle may hold the name, called or not.
	Known(g Global) bool
	// Call stands for calling f, which is any value.
	Call(f any, args Tuple) (any, error)
	// Persistent is the object that the pickle's reader is to find under an id.
	Persistent(id any) (any, error)
}

// machine runs one pickle.
type machine struct {
	names Names // nil knows none
	in    []byte
	at    int
	stack []any
	marks []int // heights of the stack
	memo  map[uint32]any
}

// Load runs a pickle of protocol 0 to 5 and returns the value that it leaves. Without
// names only plain values and containers are read. maxOps bounds the instructions, and
// so the values that are made.
func Load(data []byte, names Names, maxOps int) (any, error) {
	u := &machine{names: names, in: data, memo: map[uint32]any{}}
	for range maxOps {
		start := u.at
		op, err := u.bytes(1)
		if err != nil {
			return nil, err
		}
		if op[0] == opStop {
			v, err := u.pop()
			if err != nil {
				return nil, fmt.Errorf("byte %d: %w", start, err)
			}
			return v, nil
		}
		if err := u.run(op[0]); err != nil {
			return nil, fmt.Errorf("byte %d: %w", start, err)
		}
	}
	return nil, fmt.Errorf("more than %d instructions", maxOps)
}

// bytes takes n bytes of the program.
func (u *machine) bytes(n uint64) ([]byte, error) {
	if n > uint64(len(u.in)-u.at) {
		return nil, io.ErrUnexpectedEOF
	}
	b := u.in[u.at : u.at+int(n)]
	u.at += int(n)
	return b, nil
}

// number takes a little-endian number of n bytes, at most 8.
func (u *machine) number(n uint64) (uint64, error) {
	b, err := u.bytes(n)
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), err
}

// text takes a string whose length stands before it in n bytes.
func (u *machine) text(n uint64) (string, error) {
	size, err := u.number(n)
	if err != nil {
		return "", err
	}
	b, err := u.bytes(size)
	return string(b), err
}

// line takes the text up to the end of the line.
func (u *machine) line() (string, error) {
	for i := u.at; i < len(u.in); i++ {
		if u.in[i] == '\n' {
			text := string(u.in[u.at:i])
			u.at = i + 1
			return text, nil
		}
	}
	return "", io.ErrUnexpectedEOF
}

func (u *machine) push(v any) { u.stack = append(u.stack, v) }

var errEmptyStack = errors.New("nothing on the stack")

// bottom is the height of the stack down to which values may be taken.
func (u *machine) bottom() int {
	if len(u.marks) == 0 {
		return 0
	}
	return u.marks[len(u.marks)-1]
}

func (u *machine) pop() (any, error) {
	n := len(u.stack) - 1
	if n < u.bottom() {
		return nil, errEmptyStack
	}
	v := u.stack[n]
	u.stack = u.stack[:n]
	return v, nil
}

func (u *machine) top() (any, error) {
	if len(u.stack) <= u.bottom() {
		return nil, errEmptyStack
	}
	return u.stack[len(u.stack)-1], nil
}

// popMark takes what has been pushed since the last mark.
func (u *machine) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, errors.New("no mark on the stack")
	}
	from := u.bottom()
	u.marks = u.marks[:len(u.marks)-1]
	items := append([]any(nil), u.stack[from:]...)
	u.stack = u.stack[:from]
	return items, nil
}

// popN takes n values, the last pushed last.
func (u *machine) popN(n int) ([]any, error) {
	from := len(u.stack) - n
	if from < u.bottom() {
		return nil, errEmptyStack
	}
	items := append([]any(nil), u.stack[from:]...)
	u.stack = u.stack[:from]
	return items, nil
}

func bigEndianFloat(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }
