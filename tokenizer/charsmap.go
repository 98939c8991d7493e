package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// charsMap is the precompiled_charsmap of SentencePiece: a double array (Aoe 1989) that maps stretches of text to where
// what replaces them stands, ended by a zero byte.
type charsMap struct {
	units []uint32
	text  string
}

// maxReplacement bounds what one character can become; the longest published one has 33 bytes.
const maxReplacement = 256

func newCharsMap(data []byte) (*charsMap, error) {
	if len(data) < 4 {
		return nil, errors.New("precompiled_charsmap is too short")
	}
	n := int64(binary.LittleEndian.Uint32(data))
	data = data[4:]
	if n%4 != 0 || n == 0 || n > int64(len(data)) {
		return nil, fmt.Errorf("precompiled_charsmap has a table of %d bytes, and %d are there", n, len(data))
	}
	m := &charsMap{units: make([]uint32, n/4), text: string(data[n:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return m, nil
}

// Of a unit of the table: whether an entry ends at it, the byte that leads to it, and where its successors are.
func leaf(u uint32) bool    { return u>>8&1 == 1 }
func label(u uint32) uint32 { return u & (1<<31 | 0xff) }
func offset(u uint32) int   { return int(u >> 10 << (u & (1 << 9) >> 6)) }

// prefixes calls yield with the length of every entry that begins s and where its replacement is, the shortest first,
// until it returns false.
func (m *charsMap) prefixes(s string, yield func(n, at int) bool) {
	at := offset(m.units[0])
	for i := range len(s) {
		at ^= int(s[i])
		if s[i] == 0 || at >= len(m.units) || label(m.units[at]) != uint32(s[i]) {
			return
		}
		u := m.units[at]
		at ^= offset(u)
		if at >= len(m.units) {
			return
		}
		if leaf(u) && !yield(i+1, int(m.units[at]&(1<<31-1))) {
			return
		}
	}
}

// replacement is the text at a place, which a damaged table may put behind the end.
func (m *charsMap) replacement(at int) string {
	if at >= len(m.text) {
		return ""
	}
	s, _, _ := strings.Cut(m.text[at:min(len(m.text), at+maxReplacement)], "\x00")
	return s
}

// shortest returns what replaces the shortest entry that begins s.
func (m *charsMap) shortest(s string) (with string, ok bool) {
	m.prefixes(s, func(_, at int) bool {
		with, ok = m.replacement(at), true
		return false
	})
	return with, ok
}

// normalize is what huggingface/tokenizers does with the table (Precompiled): a character with its marks that is short
// is replaced as a whole by what stands for the shortest entry that begins it, and if there is none, or it is long, each
// code point by itself.
func (m *charsMap) normalize(s string) string {
	var b strings.Builder
	for s != "" {
		whole := s[:grapheme(s)]
		s = s[len(whole):]
		if with, ok := m.shortest(whole); ok && len(whole) < 6 {
			b.WriteString(with)
			continue
		}
		for whole != "" {
			_, n := utf8.DecodeRuneInString(whole)
			with, ok := m.shortest(whole[:n])
			if !ok {
				with = whole[:n]
			}
			b.WriteString(with)
			whole = whole[n:]
		}
	}
	return valid(b.String())
}

// longest is what SentencePiece does with the table: the longest entry that begins the rest is replaced, else one code
// point stays.
func (m *charsMap) longest(s string) string {
	var b strings.Builder
	for s != "" {
		_, n := utf8.DecodeRuneInString(s)
		with := s[:n]
		m.prefixes(s, func(length, at int) bool {
			n, with = length, m.replacement(at)
			return true
		})
		b.WriteString(with)
		s = s[n:]
	}
	return valid(b.String())
}

// valid guards against tables that cut characters.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
