package tokenizer

import (
	"fmt"
	"unicode/utf8"
)

// bpe is byte-pair encoding: a word starts as its characters, and the adjacent pair of lowest rank (leftmost among
// equals) is merged until none is left.
type bpe struct {
	ids          map[string]int32
	chars        map[rune]int32
	ascii        [utf8.RuneSelf]int32 // chars again, for speed; -1 for none
	merges       map[uint64]merge
	bytes        *[256]int32 // byte fallback, or nil
	unk          int32       // -1: unknown characters vanish
	fuseUnk      bool
	ignoreMerges bool // a word that is itself a token is that token
	prefix       string
	suffix       string

	// The rest serves SentencePiece models, whose symbols need not be tokens.
	aliases  []alias
	base     int32 // id of aliases[0]
	frozen   *trie // user-defined pieces: taken whole, never merged
	boundary rune  // a word may be cut before this rune, as no merge crosses there; 0 for none
}

type merge struct{ rank, id int32 }

// alias is a symbol that lives only during merging.
type alias struct {
	text string
	id   int32 // what it stands for in the output; -1: bytes or unknown
}

// scratch is what one call of Encode keeps between words.
type scratch struct {
	cache map[string][]int32
	ids   []int32
	pairs []merge
	heap  []candidate
	nodes []symbol
	steps []step
}

const (
	maxCached     = 1 << 14 // words
	maxCachedWord = 64      // bytes
	shortWord     = 32      // symbols; beyond it a heap beats scanning
	noRank        = int32(1<<31 - 1)
)

func pairKey(left, right int32) uint64 { return uint64(uint32(left))<<32 | uint64(uint32(right)) }

// index fills the character tables from ids.
func (m *bpe) index() {
	m.chars = map[rune]int32{}
	for i := range m.ascii {
		m.ascii[i] = -1
	}
	for token, id := range m.ids {
		r, n := utf8.DecodeRuneInString(token)
		if n == len(token) && n > 0 {
			m.setChar(r, id)
		}
	}
}

func (m *bpe) setChar(r rune, id int32) {
	m.chars[r] = id
	if r < utf8.RuneSelf {
		m.ascii[r] = id
	}
}

// useByteFallback points bytes at the tokens <0x00> to <0xFF>; a missing one is -1.
func (m *bpe) useByteFallback() {
	m.bytes = new([256]int32)
	for b := range m.bytes {
		id, ok := m.ids[byteToken(byte(b))]
		if !ok {
			id = -1
		}
		m.bytes[b] = id
	}
}

// byteToken spells the token of a byte.
func byteToken(b byte) string { return fmt.Sprintf("<0x%02X>", b) }

func (m *bpe) encode(dst []int32, word string, s *scratch) []int32 {
	if m.boundary == 0 {
		return m.encodeWord(dst, word, s)
	}
	start, prev := 0, m.boundary
	for i, r := range word {
		if r == m.boundary && prev != m.boundary {
			dst = m.encodeWord(dst, word[start:i], s)
			start = i
		}
		prev = r
	}
	return m.encodeWord(dst, word[start:], s)
}

func (m *bpe) encodeWord(dst []int32, word string, s *scratch) []int32 {
	if word == "" {
		return dst
	}
	if m.ignoreMerges {
		if id, ok := m.ids[word]; ok {
			return append(dst, id)
		}
	}
	if ids, ok := s.cache[word]; ok {
		return append(dst, ids...)
	}
	s.ids = m.symbols(s.ids[:0], word)
	if len(s.ids) <= shortWord {
		s.ids = m.mergeShort(s.ids, s)
	} else {
		s.ids = m.mergeLong(s.ids, s)
	}
	start := len(dst)
	dst = m.resolve(dst, s.ids)
	if len(word) <= maxCachedWord && len(s.cache) < maxCached {
		if s.cache == nil {
			s.cache = map[string][]int32{}
		}
		s.cache[word] = append([]int32(nil), dst[start:]...)
	}
	return dst
}

// symbols appends what merging starts from.
func (m *bpe) symbols(dst []int32, word string) []int32 {
	unknown := false // the last symbol is unk, into which another may fuse
	for i := 0; i < len(word); {
		if n, id := m.frozenAt(word[i:]); n > 0 {
			dst, unknown = append(dst, id), false
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(word[i:])
		id, text := m.char(word, i, n, r)
		i += n
		if id >= 0 {
			dst, unknown = append(dst, id), false
			continue
		}
		var fallback bool
		if dst, fallback = m.appendBytes(dst, text); fallback {
			unknown = false
			continue
		}
		if m.unk >= 0 {
			if !unknown || !m.fuseUnk {
				dst = append(dst, m.unk)
			}
			unknown = true
		}
	}
	return dst
}

func (m *bpe) frozenAt(s string) (int, int32) {
	if m.frozen == nil {
		return 0, -1
	}
	return m.frozen.longest(s)
}

// char returns the symbol of the character word[i:i+n], or -1 and the text to fall back on.
func (m *bpe) char(word string, i, n int, r rune) (int32, string) {
	text := word[i : i+n]
	if m.prefix == "" && m.suffix == "" {
		if r < utf8.RuneSelf {
			return m.ascii[r], text
		}
		if id, ok := m.chars[r]; ok {
			return id, text
		}
		return -1, text
	}
	if i > 0 {
		text = m.prefix + text
	}
	if i+n == len(word) {
		text += m.suffix
	}
	if id, ok := m.ids[text]; ok {
		return id, text
	}
	return -1, text
}

func (m *bpe) appendBytes(dst []int32, text string) ([]int32, bool) {
	if m.bytes == nil {
		return dst, false
	}
	for i := range len(text) {
		if m.bytes[text[i]] < 0 {
			return dst, false
		}
	}
	for i := range len(text) {
		dst = append(dst, m.bytes[text[i]])
	}
	return dst, true
}

// resolve replaces the symbols that are no tokens.
func (m *bpe) resolve(dst, ids []int32) []int32 {
	if len(m.aliases) == 0 {
		return append(dst, ids...)
	}
	for _, id := range ids {
		if id < m.base {
			dst = append(dst, id)
			continue
		}
		a := m.aliases[id-m.base]
		if a.id >= 0 {
			dst = append(dst, a.id)
			continue
		}
		var ok bool
		if dst, ok = m.appendBytes(dst, a.text); !ok && m.unk >= 0 {
			dst = append(dst, m.unk)
		}
	}
	return dst
}
