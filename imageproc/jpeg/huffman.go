package jpeg

import "errors"

// huffman is a table of codes.
type huffman struct {
	fast   [1 << fastBits]uint16 // by the next bits: length and symbol of a code that is no longer; 0: it is
	least  [17]int32             // of each length, the first code
	most   [17]int32             // and the last one, -1 if there is none
	offset [17]int32             // of its first symbol
	values [256]uint8
}

const fastBits = 9

var errCode = errors.New("jpeg: a Huffman code that is in no table")

// huffmanTables reads tables.
func (d *decoder) huffmanTables(s []byte) error {
	for len(s) > 0 {
		if len(s) < 17 || s[0]>>4 > 1 || s[0]&15 > 3 {
			return errors.New("jpeg: bad Huffman table")
		}
		n := 0
		for _, c := range s[1:17] {
			n += int(c)
		}
		if n > 256 || len(s) < 17+n {
			return errors.New("jpeg: bad Huffman table")
		}
		h, err := newHuffman(s[1:17], s[17:17+n])
		if err != nil {
			return err
		}
		if s[0]>>4 == 0 {
			d.dc[s[0]&15] = h
		} else {
			d.ac[s[0]&15] = h
		}
		s = s[17+n:]
	}
	return nil
}

// newHuffman makes a table of the number of codes of each length and their symbols.
func newHuffman(counts, values []byte) (*huffman, error) {
	h := new(huffman)
	copy(h.values[:], values)
	code, at := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		n := int32(counts[length-1])
		h.least[length], h.most[length], h.offset[length] = code, code+n-1, at
		if code+n > 1<<length {
			return nil, errors.New("jpeg: a Huffman table has more codes than there are")
		}
		for i := range n {
			if length > fastBits {
				break
			}
			shift := fastBits - length
			for k := range int32(1) << shift {
				h.fast[(code+i)<<shift|k] = uint16(length)<<8 | uint16(values[at+i])
			}
		}
		code, at = (code+n)<<1, at+n
	}
	return h, nil
}

// fill reads on until there are at least 57 bits, a marker or the end.
func (d *decoder) fill() {
	for d.held <= 56 && !d.ended {
		if d.at >= len(d.data) {
			d.ended = true
			return
		}
		b := d.data[d.at]
		if b == 0xff {
			if d.at+1 >= len(d.data) || d.data[d.at+1] != 0 {
				d.ended = true
				return
			}
			d.at++
		}
		d.at++
		d.bits = d.bits<<8 | uint64(b)
		d.held += 8
	}
}

// peek returns the next n bits, at most 16, with zeros behind the end.
func (d *decoder) peek(n int) int32 {
	if d.held < n {
		d.fill()
		if d.held < n {
			return int32(d.bits<<(n-d.held)) & (1<<n - 1)
		}
	}
	return int32(d.bits>>(d.held-n)) & (1<<n - 1)
}

// skip goes on by n bits.
func (d *decoder) skip(n int) error {
	if n > d.held {
		return d.short()
	}
	d.held -= n
	return nil
}

// short is why there are no more bits.
func (d *decoder) short() error {
	if d.at >= len(d.data) {
		return ErrTruncated
	}
	return errors.New("jpeg: a marker stands where the picture's data should be")
}

// take returns the next n bits, at most 16.
func (d *decoder) take(n int) (int32, error) {
	v := d.peek(n)
	return v, d.skip(n)
}

// symbol decodes one.
func (d *decoder) symbol(h *huffman) (uint8, error) {
	if e := h.fast[d.peek(fastBits)]; e != 0 {
		return uint8(e), d.skip(int(e >> 8))
	}
	code := d.peek(16)
	for length := fastBits + 1; length <= 16; length++ {
		if v := code >> (16 - length); v >= h.least[length] && v <= h.most[length] {
			return h.values[h.offset[length]+v-h.least[length]], d.skip(length)
		}
	}
	if d.ended && d.held < 16 {
		return 0, d.short()
	}
	return 0, errCode
}

// number reads a value of n bits, of which the upper half are positive (T.81, F.2.2.1).
func (d *decoder) number(n int) (int32, error) {
	v, err := d.take(n)
	if n > 0 && v < 1<<(n-1) {
		v += -1<<n + 1
	}
	return v, err
}
