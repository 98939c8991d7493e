package pickle

import (
	"errors"
	"fmt"
	"strconv"
)

const opStop = '.'

// run executes one instruction, by the codes of Python's pickletools.
func (u *machine) run(op byte) error {
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
	case 'q', 'r', 0x94, 'h', 'j', 'p', 'g': // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET, PUT, GET
		return u.remember(op)
	case '}', ']', ')', 't', 'l', 'd', 0x85, 0x86, 0x87, 'a', 'e', 's', 'u':
		return u.container(op)
	case 'c', 0x93, 'R', 'b', 'Q': // GLOBAL, STACK_GLOBAL, REDUCE, BUILD, BINPERSID
		return u.object(op)
	}
	value := u.value
	switch op {
	case 'I', 'L', 'F', 'S', 'V':
		value = u.written
	}
	v, err := value(op)
	if err == nil {
		u.push(v)
	}
	return err
}

// value reads a plain value.
func (u *machine) value(op byte) (any, error) {
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
	return nil, fmt.Errorf("instruction %#02x is not one of those that make plain values and containers", op)
}

// long reads an integer of any length, of which 64 bits must do.
func (u *machine) long() (any, error) {
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
func (u *machine) remember(op byte) error {
	if op == 0x94 {
		v, err := u.top()
		u.memo[uint32(len(u.memo))] = v
		return err
	}
	n, err := u.slot(op)
	if err != nil {
		return err
	}
	if op == 'q' || op == 'r' || op == 'p' {
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

// slot reads the number under which something is stored.
func (u *machine) slot(op byte) (uint64, error) {
	switch op {
	case 'p', 'g':
		text, err := u.line()
		if err != nil {
			return 0, err
		}
		return strconv.ParseUint(text, 10, 32)
	case 'r', 'j':
		return u.number(4)
	}
	return u.number(1)
}

// container makes or fills a tuple, list or dictionary.
func (u *machine) container(op byte) error {
	switch op {
	case '}': // EMPTY_DICT
		u.push(&Dict{})
		return nil
	case ']': // EMPTY_LIST
		u.push(&List{})
		return nil
	case ')': // EMPTY_TUPLE
		u.push(Tuple{})
		return nil
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		items, err := u.popN(int(op-0x85) + 1)
		u.push(Tuple(items))
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
	switch op {
	case 't': // TUPLE
		u.push(Tuple(items))
		return nil
	case 'l': // LIST
		u.push(&List{items})
		return nil
	case 'd': // DICT
		u.push(&Dict{})
		op = 'u'
	}
	return u.fill(op, items)
}

// fill adds items to the list or dictionary on the stack.
func (u *machine) fill(op byte, items []any) error {
	on, err := u.top()
	if err != nil {
		return err
	}
	switch c := on.(type) {
	case *List:
		if op == 'a' || op == 'e' {
			c.Items = append(c.Items, items...)
			return nil
		}
	case *Dict:
		if (op == 's' || op == 'u') && len(items)%2 == 0 {
			for i := 0; i < len(items); i += 2 {
				c.Keys, c.Values = append(c.Keys, items[i]), append(c.Values, items[i+1])
			}
			return nil
		}
	}
	return errors.New("items are added to what cannot hold them")
}

// object runs the instructions that in Python may call anything.
func (u *machine) object(op byte) error {
	switch op {
	case 'c':
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.pushGlobal(module, name)
	case 0x93:
		names, err := u.popN(2)
		if err != nil {
			return err
		}
		module, ok := names[0].(string)
		name, ok2 := names[1].(string)
		if !ok || !ok2 {
			return errors.New("a global without a name")
		}
		return u.pushGlobal(module, name)
	case 'Q':
		return u.persistent()
	}
	two, err := u.popN(2)
	if err != nil {
		return err
	}
	if op == 'b' { // attributes of a dictionary, which say nothing about its values
		if _, ok := two[0].(*Dict); !ok {
			return errors.New("an object with a state")
		}
		u.push(two[0])
		return nil
	}
	args, ok := two[1].(Tuple)
	if !ok {
		return errors.New("a call without arguments")
	}
	if u.names == nil {
		return errors.New("a call of what is no function")
	}
	v, err := u.names.Call(two[0], args)
	u.push(v)
	return err
}

// persistent asks for an object by its id.
func (u *machine) persistent() error {
	id, err := u.pop()
	if err != nil {
		return err
	}
	if u.names == nil {
		return errors.New("a persistent object")
	}
	v, err := u.names.Persistent(id)
	u.push(v)
	return err
}

// pushGlobal refuses every name but the known ones, whether it is used or not.
func (u *machine) pushGlobal(module, name string) error {
	g := Global(module + " " + name)
	if u.names == nil || !u.names.Known(g) {
		return fmt.Errorf("the global %s.%s is not allowed: only plain values are read, and no code is run", module, name)
	}
	u.push(g)
	return nil
}
