package checkpoint

import (
	"errors"
	"fmt"
)

const opStop = '.'

// run executes one instruction, by the codes of Python's pickletools.
func (u *unpickler) run(op byte) error {
	switch op {
	case 0x80: // PROTO
		_, err := u.bytes(1)
		return err
	case 0x95: // FRAME
		_, err := u.bytes(8)
		return err
	case '(': // MARK
		u.marks = append(u.marks, len(u.stack))
		return nil
	case '0': // POP
		_, err := u.pop()
		return err
	case '1': // POP_MARK
		_, err := u.popMark()
		return err
	case '2': // DUP
		v, err := u.top()
		u.push(v)
		return err
	case 'q', 'r', 0x94, 'h', 'j': // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
		return u.remember(op)
	case '}', ']', ')', 't', 0x85, 0x86, 0x87, 'a', 'e', 's', 'u':
		return u.container(op)
	case 'c', 0x93, 'R', 'b', 'Q': // GLOBAL, STACK_GLOBAL, REDUCE, BUILD, BINPERSID
		return u.object(op)
	}
	v, err := u.value(op)
	if err == nil {
		u.push(v)
	}
	return err
}

// value reads a plain value.
func (u *unpickler) value(op byte) (any, error) {
	switch op {
	case 'N': // NONE
		return nil, nil
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return op == 0x88, nil
	case 'K': // BININT1
		n, err := u.number(1)
		return int64(n), err
	case 'M': // BININT2
		n, err := u.number(2)
		return int64(n), err
	case 'J': // BININT
		n, err := u.number(4)
		return int64(int32(n)), err
	case 0x8a: // LONG1
		return u.long()
	case 'G': // BINFLOAT
		b, err := u.bytes(8)
		if err != nil {
			return nil, err
		}
		return bigEndianFloat(b), nil
	case 'U', 0x8c, 'C': // SHORT_BINSTRING, SHORT_BINUNICODE, SHORT_BINBYTES
		return u.text(1)
	case 'T', 'X', 'B': // BINSTRING, BINUNICODE, BINBYTES
		return u.text(4)
	case 0x8d, 0x8e: // BINUNICODE8, BINBYTES8
		return u.text(8)
	}
	return nil, fmt.Errorf("instruction %#02x is not one of those that make tensors and plain containers", op)
}

// long reads an integer of any length, of which 64 bits must do.
func (u *unpickler) long() (any, error) {
	size, err := u.number(1)
	if err != nil {
		return nil, err
	}
	if size > 8 {
		return nil, fmt.Errorf("an integer of %d bytes", size)
	}
	n, err := u.number(size)
	if size == 0 {
		return int64(0), err
	}
	unused := 64 - 8*size
	return int64(n<<unused) >> unused, err // with its sign
}

// remember stores the top of the stack, or recalls what was stored.
func (u *unpickler) remember(op byte) error {
	size := uint64(1)
	if op == 'r' || op == 'j' {
		size = 4
	}
	if op == 0x94 {
		v, err := u.top()
		u.memo[uint32(len(u.memo))] = v
		return err
	}
	n, err := u.number(size)
	if err != nil {
		return err
	}
	if op == 'q' || op == 'r' {
		v, err := u.top()
		u.memo[uint32(n)] = v
		return err
	}
	v, ok := u.memo[uint32(n)]
	if !ok {
		return fmt.Errorf("nothing was stored under %d", n)
	}
	u.push(v)
	return nil
}

// container makes or fills a tuple, list or dictionary.
func (u *unpickler) container(op byte) error {
	switch op {
	case '}': // EMPTY_DICT
		u.push(&pyDict{})
		return nil
	case ']': // EMPTY_LIST
		u.push(&pyList{})
		return nil
	case ')': // EMPTY_TUPLE
		u.push(pyTuple{})
		return nil
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		items, err := u.popN(int(op-0x85) + 1)
		u.push(pyTuple(items))
		return err
	}
	pop := u.popMark
	switch op {
	case 'a': // APPEND
		pop = func() ([]any, error) { return u.popN(1) }
	case 's': // SETITEM
		pop = func() ([]any, error) { return u.popN(2) }
	}
	items, err := pop()
	if err != nil {
		return err
	}
	if op == 't' { // TUPLE
		u.push(pyTuple(items))
		return nil
	}
	return u.fill(op, items)
}

// fill adds items to the list or dictionary on the stack.
func (u *unpickler) fill(op byte, items []any) error {
	on, err := u.top()
	if err != nil {
		return err
	}
	switch c := on.(type) {
	case *pyList:
		if op == 'a' || op == 'e' {
			c.items = append(c.items, items...)
			return nil
		}
	case *pyDict:
		if (op == 's' || op == 'u') && len(items)%2 == 0 {
			for i := 0; i < len(items); i += 2 {
				c.keys, c.values = append(c.keys, items[i]), append(c.values, items[i+1])
			}
			return nil
		}
	}
	return errors.New("items are added to what cannot hold them")
}
