package tokenizer

import "strings"

// Text is Decode with the clean-up of spaces that tokenizer_config.json may ask for
// (clean_up_tokenization_spaces): what the reference shows of an answer.
func (t *Tokenizer) Text(ids []int32, skipSpecial bool) string {
	var b strings.Builder
	s := t.TextStream(skipSpecial)
	for _, id := range ids {
		b.WriteString(s.Next(id))
	}
	b.WriteString(s.Flush())
	return b.String()
}

// TextStream is Stream for Text. Where spaces are cleaned up, a word comes with the
// space behind it.
func (t *Tokenizer) TextStream(skipSpecial bool) *Stream {
	s := t.Stream(skipSpecial)
	s.tidy = t.config.Tidy && !t.bytePairs()
	return s
}

// bytePairs reports whether the tokens are those of byte-pair encoding, which keep
// their spaces: the reference cleans nothing up there.
func (t *Tokenizer) bytePairs() bool {
	_, ok := t.model.(*bpe)
	return ok
}

// clean returns the text that is certain once more has come: no clean-up reaches over
// its end, a space that has no apostrophe beside it. The rest is held back.
func (s *Stream) clean(more string) string {
	s.held += more
	at := len(s.held) - 2
	for at > 0 && (s.held[at] != ' ' || strings.IndexByte(" '", s.held[at-1]) >= 0 || s.held[at+1] == '\'') {
		at--
	}
	if at <= 0 {
		return ""
	}
	out := s.held[:at]
	s.held = s.held[at:]
	return withoutSpaces(out)
}

// withoutSpaces takes away the spaces that English does not have before punctuation
// and contractions, in the reference's order.
func withoutSpaces(s string) string {
	for _, p := range [...]string{" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're"} {
		s = strings.ReplaceAll(s, p, strings.Trim(p, " "))
	}
	return s
}
