package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// A pickle is a program for a small stack machine, and the machine of Python
// imports and calls what the program names. This one runs the part of the
// instructions that make plain values, lists, tuples and dictionaries, and knows
// the few names that PyTorch writes for tensors; anything else is an error.

// Limits on what a pickle may make.
const (
	maxPickle    = 64 << 20 // bytes
	maxPickleOps = 1 << 22
)

// What a pickle is made of, beside nil, bool, int64, float64 and string.
type (
	pyTuple []any
	pyList  struct{ items []any }
	pyDict  struct{ keys, values []any }
	global  string // "module name"
)

// unpickler is the machine.
type unpickler struct {
	in    []byte
	at    int
	stack []any
	marks []int // heights of the stack
	memo  map[uint32]any
}

// unpickle runs a pickle and returns the value that it leaves.
func unpickle(data []byte) (any, error) {
	u := &unpickler{in: data, memo: map[uint32]any{}}
	for range maxPickleOps {
		start := u.at
		op, err := u.bytes(1)
		if err != nil {
			return nil, err
		}
		if op[0] == opStop {
			v, err := u.pop()
			return v, wrap(err, "byte %d", start)
		}
		if err := u.run(op[0]); err != nil {
			return nil, fmt.Errorf("byte %d: %w", start, err)
		}
	}
	return nil, fmt.Errorf("more than %d instructions", maxPickleOps)
}

// bytes takes n bytes of the program.
func (u *unpickler) bytes(n uint64) ([]byte, error) {
	if n > uint64(len(u.in)-u.at) {
		return nil, io.ErrUnexpectedEOF
	}
	b := u.in[u.at : u.at+int(n)]
	u.at += int(n)
	return b, nil
}

// number takes a little-endian number of n bytes, at most 8.
func (u *unpickler) number(n uint64) (uint64, error) {
	b, err := u.bytes(n)
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), err
}

// text takes a string whose length stands before it in n bytes.
func (u *unpickler) text(n uint64) (string, error) {
	size, err := u.number(n)
	if err != nil {
		return "", err
	}
	b, err := u.bytes(size)
	return string(b), err
}

// line takes the text up to the end of the line.
func (u *unpickler) line() (string, error) {
	for i := u.at; i < len(u.in); i++ {
		if u.in[i] == '\n' {
			text := string(u.in[u.at:i])
			u.at = i + 1
			return text, nil
		}
	}
	return "", io.ErrUnexpectedEOF
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

var errEmptyStack = errors.New("nothing on the stack")

// bottom is the height of the stack down to which values may be taken.
func (u *unpickler) bottom() int {
	if len(u.marks) == 0 {
		return 0
	}
	return u.marks[len(u.marks)-1]
}

func (u *unpickler) pop() (any, error) {
	n := len(u.stack) - 1
	if n < u.bottom() {
		return nil, errEmptyStack
	}
	v := u.stack[n]
	u.stack = u.stack[:n]
	return v, nil
}

func (u *unpickler) top() (any, error) {
	if len(u.stack) <= u.bottom() {
		return nil, errEmptyStack
	}
	return u.stack[len(u.stack)-1], nil
}

// popMark takes what has been pushed since the last mark.
func (u *unpickler) popMark() ([]any, error) {
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
func (u *unpickler) popN(n int) ([]any, error) {
	from := len(u.stack) - n
	if from < u.bottom() {
		return nil, errEmptyStack
	}
	items := append([]any(nil), u.stack[from:]...)
	u.stack = u.stack[:from]
	return items, nil
}

func bigEndianFloat(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }
