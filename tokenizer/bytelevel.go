package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// byteLevel is GPT-2's pre-tokenizer: every byte becomes a printable character, so that no text is unknown.
type byteLevel struct {
	prefixSpace bool
	words       bool // split by GPT-2's expression
}

func (b byteLevel) split(p piece, yield func(piece)) {
	if b.prefixSpace && !strings.HasPrefix(p.text, " ") {
		p.text = " " + p.text
	}
	if !b.words {
		p.text = toByteChars(p.text)
		yield(p)
		return
	}
	scanner(scanGPT2).spans(p.text, func(text string, _ bool) {
		yield(piece{text: toByteChars(text), id: -1})
	})
}

// byteChar is the character of byte c: itself where Latin-1 prints it, else one from U+0100 on, in order.
func byteChar(c byte) rune {
	switch {
	case c >= '!' && c <= '~', c >= 0xA1 && c <= 0xAC, c >= 0xAE:
		return rune(c)
	case c <= ' ':
		return 0x100 + rune(c)
	case c <= 0xA0:
		return 0x121 + rune(c) - 0x7F
	}
	return 0x143 // 0xAD, the soft hyphen
}

// charByte is the inverse of byteChar; false for a character that stands for no byte.
func charByte(r rune) (byte, bool) {
	switch {
	case r >= '!' && r <= '~', r >= 0xA1 && r <= 0xAC, r >= 0xAE && r <= 0xFF:
		return byte(r), true
	case r >= 0x100 && r <= 0x120:
		return byte(r - 0x100), true
	case r >= 0x121 && r <= 0x142:
		return byte(r - 0x121 + 0x7F), true
	case r == 0x143:
		return 0xAD, true
	}
	return 0, false
}

func toByteChars(s string) string {
	b := make([]byte, 0, len(s)+len(s)/2)
	for i := range len(s) {
		b = utf8.AppendRune(b, byteChar(s[i]))
	}
	return string(b)
}

// fromByteChars appends the bytes that token spells; a token with any other character stands for itself.
func fromByteChars(dst []byte, token string) []byte {
	n := len(dst)
	for _, r := range token {
		c, ok := charByte(r)
		if !ok {
			return append(dst[:n], token...)
		}
		dst = append(dst, c)
	}
	return dst
}
