package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// isSpace is \s: Unicode's White_Space.
func isSpace(r rune) bool { return unicode.IsSpace(r) }

// isWord is \w: Alphabetic, marks, decimal digits, connectors, joiners (UTS 18, annex C).
func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z'
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control)
}

// isPunctuation is the reference's: every ASCII symbol, and Unicode's P.
func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7f && !isLetterOrDigit(r)
	}
	return unicode.Is(unicode.P, r)
}

func isLetterOrDigit(r rune) bool { return r != '_' && isWord(r) }

// lower is the full lower-case mapping of one character without context: only U+0130 differs from unicode.ToLower.
func lower(dst []byte, r rune) []byte {
	if r == 'İ' {
		return append(dst, "i\u0307"...)
	}
	return utf8.AppendRune(dst, unicode.ToLower(r))
}

// lossy appends b as UTF-8 and returns how many bytes at its end may yet become a character. Each maximal ill-formed
// subpart becomes one U+FFFD (Unicode 15, section 3.9), as in Rust and in browsers.
func lossy(dst, b []byte, final bool) ([]byte, int) {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r != utf8.RuneError || n > 1 {
			dst, b = append(dst, b[:n]...), b[n:]
			continue
		}
		if !final && !utf8.FullRune(b) {
			return dst, len(b)
		}
		dst, b = append(dst, "\uFFFD"...), b[subpart(b):]
	}
	return dst, 0
}

// subpart is the length of the maximal subpart that begins the ill-formed b.
func subpart(b []byte) int {
	for n := min(len(b), 3); n > 1; n-- {
		if !utf8.FullRune(b[:n]) {
			return n
		}
	}
	return 1
}
