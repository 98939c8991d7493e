package tokenizer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// bertNormalizer is what BERT does to text before it is cut into words.
type bertNormalizer struct {
	clean   bool // control characters vanish, white space becomes a space
	chinese bool // a space on either side of ideographs, so that each is a word
	strip   bool // accents vanish
	lower   bool
}

func (n bertNormalizer) normalize(s string) string {
	if n.clean {
		s = strings.Map(cleanChar, s)
	}
	if n.chinese {
		s = spaceIdeographs(s)
	}
	if n.strip {
		s = strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Mn, r) {
				return -1
			}
			return r
		}, norm.NFD.String(s))
	}
	if n.lower {
		s = lowercase(s)
	}
	return s
}

func cleanChar(r rune) rune {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return ' '
	case r == 0, r == '\uFFFD', unicode.Is(unicode.C, r):
		return -1
	case isSpace(r):
		return ' '
	}
	return r
}

func spaceIdeographs(s string) string {
	if strings.IndexFunc(s, isIdeograph) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if isIdeograph(r) {
			b.WriteRune(' ')
			b.WriteRune(r)
			b.WriteRune(' ')
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// isIdeograph has the reference's ranges, of which one begins at U+2B920 and not, as its block does, at U+2B820.
func isIdeograph(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r <= 0x4DBF, r >= 0x4E00 && r <= 0x9FFF, r >= 0xF900 && r <= 0xFAFF:
		return true
	case r < 0x20000:
		return false
	}
	return r <= 0x2A6DF || r >= 0x2A700 && r <= 0x2B81F || r >= 0x2B920 && r <= 0x2CEAF || r >= 0x2F800 && r <= 0x2FA1F
}

// bertWords cuts at white space, which vanishes, and around every punctuation character.
func bertWords() preTokenizer {
	return preTokenizers{
		splitter{charScanner(isSpace), "Removed", false},
		splitter{charScanner(isPunctuation), "Isolated", false},
	}
}
