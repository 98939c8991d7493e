package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// grapheme is the length of the first character of s with the marks that belong to it: an extended grapheme cluster
// of Unicode's annex 29. Clusters of several letters, of Korean syllables, flags, emoji in a row and conjuncts, are cut
// apart: each has at least six bytes, and whoever asks wants only shorter ones whole.
func grapheme(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	switch {
	case r == '\r' && len(s) > 1 && s[1] == '\n':
		return 2
	case breaksAround(r):
		return n
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r) && n < len(s):
		if next, _ := utf8.DecodeRuneInString(s[n:]); !breaksAround(next) {
			return n + grapheme(s[n:])
		}
	}
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !extends(r) {
			break
		}
		n += size
	}
	return n
}

const zeroWidthJoiner, zeroWidthNonJoiner = 0x200d, 0x200c

// breaksAround reports whether r stands alone.
func breaksAround(r rune) bool {
	switch {
	case r == zeroWidthJoiner, r == zeroWidthNonJoiner, unicode.Is(unicode.Prepended_Concatenation_Mark, r), 0xe0020 <= r && r <= 0xe007f:
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}

// extends reports whether r belongs to the character before it.
func extends(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r == zeroWidthJoiner, 0x1f3fb <= r && r <= 0x1f3ff, 0xe0020 <= r && r <= 0xe007f: // joiner, colours of skin, tags
		return true
	case r == 0x0e33, r == 0x0eb3: // vowels that count as spacing marks
		return true
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Other_Grapheme_Extend):
		return true
	}
	return unicode.Is(unicode.Mc, r) && !unicode.Is(aloneMarks, r)
}

// aloneMarks are spacing marks that do not join, by the annex.
var aloneMarks = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x102b, Hi: 0x102c, Stride: 1}, {Lo: 0x1038, Hi: 0x1038, Stride: 1}, {Lo: 0x1062, Hi: 0x1064, Stride: 1},
	{Lo: 0x1067, Hi: 0x106d, Stride: 1}, {Lo: 0x1083, Hi: 0x1083, Stride: 1}, {Lo: 0x1087, Hi: 0x108c, Stride: 1},
	{Lo: 0x108f, Hi: 0x108f, Stride: 1}, {Lo: 0x109a, Hi: 0x109c, Stride: 1}, {Lo: 0x1a61, Hi: 0x1a61, Stride: 1},
	{Lo: 0x1a63, Hi: 0x1a64, Stride: 1}, {Lo: 0xaa7b, Hi: 0xaa7b, Stride: 1}, {Lo: 0xaa7d, Hi: 0xaa7d, Stride: 1},
}, R32: []unicode.Range32{{Lo: 0x11720, Hi: 0x11721, Stride: 1}}}
