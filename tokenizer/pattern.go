package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// pattern finds matches in text: spans calls yield for consecutive stretches that cover s, matches and gaps alike.
type pattern interface {
	spans(s string, yield func(text string, match bool))
	replace(s, with string) string
}

// regexTimeout bounds one backtracking match of a pattern that came from a file; what is left of the text is then one gap.
const regexTimeout = 2 * time.Second

func newPattern(p patternSpec) (pattern, error) {
	switch {
	case p.String != nil && *p.String != "":
		return literal(*p.String), nil
	case p.Regex != nil && *p.Regex != "":
		return newRegex(*p.Regex)
	}
	return nil, errors.New("pattern: want a non-empty String or Regex")
}

func newRegex(expr string) (pattern, error) {
	if scan := knownScanner(expr); scan != nil {
		return scan, nil
	}
	re, err := regexp2.Compile(expr, regexp2.None)
	if err != nil {
		return nil, fmt.Errorf("pattern: %w", err)
	}
	re.MatchTimeout = regexTimeout
	return regex{re}, nil
}

type literal string

func (l literal) spans(s string, yield func(string, bool)) {
	for s != "" {
		i := strings.Index(s, string(l))
		if i < 0 {
			yield(s, false)
			return
		}
		if i > 0 {
			yield(s[:i], false)
		}
		yield(s[i:i+len(l)], true)
		s = s[i+len(l):]
	}
}

func (l literal) replace(s, with string) string { return strings.ReplaceAll(s, string(l), with) }

type regex struct{ re *regexp2.Regexp }

func (r regex) spans(s string, yield func(string, bool)) {
	runes, done := []rune(s), 0
	m, err := r.re.FindRunesMatch(runes)
	for ; m != nil && err == nil; m, err = r.re.FindNextMatch(m) {
		if m.Length == 0 {
			continue
		}
		if m.Index > done {
			yield(string(runes[done:m.Index]), false)
		}
		done = m.Index + m.Length
		yield(string(runes[m.Index:done]), true)
	}
	if done < len(runes) {
		yield(string(runes[done:]), false)
	}
}

func (r regex) replace(s, with string) string { return replaceSpans(r, s, with) }

func replaceSpans(p pattern, s, with string) string {
	var b strings.Builder
	p.spans(s, func(text string, match bool) {
		if match {
			text = with
		}
		b.WriteString(text)
	})
	return b.String()
}
