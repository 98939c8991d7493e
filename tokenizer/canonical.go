package tokenizer

import "strings"

// canonical is what SigLIP's own tokenizer does to a text before its
// SentencePiece model sees it: lower case, no ASCII punctuation, single spaces.
// The space that a punctuation mark leaves at the beginning stays, as in the
// reference, which puts a mark before it.
func canonical(lower bool) normalizer {
	return normalizerFunc(func(s string) string {
		if lower {
			s = lowercase(s)
		}
		s = strings.Map(unpunctuated, s)
		text := strings.Join(strings.FieldsFunc(s, isSpace), " ")
		if text != "" && s[0] != text[0] { // a space, of whatever kind
			return " " + text
		}
		return text
	})
}

// unpunctuated drops the ASCII characters that are neither letters, digits nor spaces.
func unpunctuated(r rune) rune {
	if strings.ContainsRune("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", r) {
		return -1
	}
	return r
}
