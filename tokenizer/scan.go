package tokenizer

import (
	"unicode"
	"unicode/utf8"
)

// The expressions that published tokenizers split words with, hand-coded: an order of magnitude faster than a
// backtracking engine, and linear.
const (
	gpt2Regex   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	qwen2Regex  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	llama3Regex = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	clipRegex   = `'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`
	spaceRegex  = `\s+`
)

// scanner returns the length of the match that begins s, which is not empty; 0 for none.
type scanner func(s string) int

func knownScanner(expr string) scanner {
	switch expr {
	case gpt2Regex:
		return scanGPT2
	case qwen2Regex:
		return func(s string) int { return scanQwen2(s, 1) }
	case llama3Regex:
		return func(s string) int { return scanQwen2(s, 3) }
	case clipRegex:
		return scanCLIP
	case spaceRegex:
		return func(s string) int { return run(s, space) }
	}
	return nil
}

func (scan scanner) spans(s string, yield func(string, bool)) {
	gap := 0
	for i := 0; i < len(s); {
		n := scan(s[i:])
		if n == 0 {
			_, n = utf8.DecodeRuneInString(s[i:])
			i += n
			continue
		}
		if gap < i {
			yield(s[gap:i], false)
		}
		yield(s[i:i+n], true)
		i += n
		gap = i
	}
	if gap < len(s) {
		yield(s[gap:], false)
	}
}

func (scan scanner) replace(s, with string) string { return replaceSpans(scan, s, with) }

// class divides characters as the expressions do.
type class uint8

const (
	other  class = 1 << iota
	letter       // \p{L}
	number       // \p{N}
	space        // \s
)

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		return asciiClass(byte(r))
	case unicode.IsLetter(r):
		return letter
	case unicode.Is(unicode.N, r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

func asciiClass(b byte) class {
	switch {
	case b|0x20 >= 'a' && b|0x20 <= 'z':
		return letter
	case b >= '0' && b <= '9':
		return number
	case b == ' ' || b >= '\t' && b <= '\r':
		return space
	}
	return other
}

func first(s string) (class, int) {
	if s == "" {
		return 0, 0
	}
	r, n := utf8.DecodeRuneInString(s)
	return classOf(r), n
}

// run is the length of the run of characters of class c that begins s.
func run(s string, c class) int {
	i := 0
	for i < len(s) {
		k, n := first(s[i:])
		if k != c {
			break
		}
		i += n
	}
	return i
}

func contraction(s string, fold bool) int {
	if len(s) < 2 || s[0] != '\'' {
		return 0
	}
	r, n := utf8.DecodeRuneInString(s[1:])
	low := func(r rune) rune {
		if fold && (r >= 'A' && r <= 'Z' || r == 'ſ') {
			return unicode.ToLower(unicode.ToUpper(r))
		}
		return r
	}
	switch low(r) {
	case 's', 't', 'm', 'd':
		return 1 + n
	}
	if len(s) < 3 {
		return 0
	}
	switch [2]rune{low(r), low(rune(s[2]))} {
	case [2]rune{'r', 'e'}, [2]rune{'v', 'e'}, [2]rune{'l', 'l'}:
		return 3
	}
	return 0
}

// whitespace is \s+(?!\S)|\s+: a run leaves its last character to the word that follows.
func whitespace(s string) int {
	n := run(s, space)
	if n == len(s) {
		return n
	}
	_, last := utf8.DecodeLastRuneInString(s[:n])
	if n > last {
		return n - last
	}
	return n
}

func scanGPT2(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	lead := 0
	if s[0] == ' ' {
		lead = 1
	}
	switch c, _ := first(s[lead:]); c {
	case letter, number, other:
		return lead + run(s[lead:], c)
	}
	return whitespace(s)
}

func scanQwen2(s string, digits int) int {
	if n := contraction(s, true); n > 0 {
		return n
	}
	c, n := first(s)
	switch {
	case c == letter:
		return run(s, letter)
	case c != number && s[0] != '\r' && s[0] != '\n':
		if letters := run(s[n:], letter); letters > 0 {
			return n + letters
		}
	}
	if c == number {
		return someNumbers(s, digits)
	}
	lead := 0
	if s[0] == ' ' {
		lead = 1
	}
	if n := run(s[lead:], other); n > 0 {
		return lead + n + newlines(s[lead+n:])
	}
	return linesOrSpace(s)
}

func someNumbers(s string, most int) int {
	i := 0
	for range most {
		c, n := first(s[i:])
		if c != number {
			break
		}
		i += n
	}
	return i
}

func newlines(s string) int {
	i := 0
	for i < len(s) && (s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// linesOrSpace is \s*[\r\n]+|\s+(?!\S)|\s+.
func linesOrSpace(s string) int {
	for i := run(s, space) - 1; i >= 0; i-- {
		if s[i] == '\r' || s[i] == '\n' {
			return i + 1
		}
	}
	return whitespace(s)
}

func scanCLIP(s string) int {
	if n := contraction(s, false); n > 0 {
		return n
	}
	switch c, n := first(s); c {
	case number:
		return n
	case letter, other:
		return run(s, c)
	}
	return 0
}
