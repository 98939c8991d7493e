package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
)

// preTokenizer cuts a piece into the words that the model sees, in order.
type preTokenizer interface {
	split(p piece, yield func(piece))
}

type preTokenizers []preTokenizer

func (ps preTokenizers) split(p piece, yield func(piece)) {
	if len(ps) == 0 {
		yield(p)
		return
	}
	ps[0].split(p, func(q piece) { ps[1:].split(q, yield) })
}

// preTokenizerSpec has the fields of every pre-tokenizer.
type preTokenizerSpec struct {
	PreTokenizers    []*component `json:"pretokenizers"`
	Pattern          patternSpec  `json:"pattern"`
	Behavior         string       `json:"behavior"`
	Invert           bool         `json:"invert"`
	AddPrefixSpace   *bool        `json:"add_prefix_space"`
	UseRegex         *bool        `json:"use_regex"`
	Replacement      string       `json:"replacement"`
	PrependScheme    string       `json:"prepend_scheme"`
	Split            *bool        `json:"split"`
	IndividualDigits bool         `json:"individual_digits"`
}

func orTrue(b *bool) bool { return b == nil || *b }

func newPreTokenizer(c *component, depth int) (preTokenizer, error) {
	if c == nil {
		return nil, nil
	}
	var p preTokenizerSpec
	if err := c.into(&p); err != nil {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		return newPreTokenizers(p.PreTokenizers, depth)
	case "Split":
		pat, err := newPattern(p.Pattern)
		if err != nil {
			return nil, fmt.Errorf("type \"Split\": %w", err)
		}
		return newSplitter(pat, p.Behavior, p.Invert)
	case "ByteLevel":
		return byteLevel{prefixSpace: orTrue(p.AddPrefixSpace), words: orTrue(p.UseRegex)}, nil
	case "Metaspace":
		return newMetaspace(&p)
	case "BertPreTokenizer":
		return bertWords(), nil
	case "Whitespace":
		return newSplitter(scanner(scanWords), "Removed", true)
	case "WhitespaceSplit":
		return newSplitter(charScanner(isSpace), "Removed", false)
	case "Digits":
		behavior := "Contiguous"
		if p.IndividualDigits {
			behavior = "Isolated"
		}
		return newSplitter(charScanner(func(r rune) bool { return unicode.Is(unicode.N, r) }), behavior, false)
	case "Punctuation":
		if p.Behavior == "" {
			p.Behavior = "Isolated"
		}
		return newSplitter(charScanner(isPunctuation), p.Behavior, false)
	}
	return nil, c.unsupported()
}

func newPreTokenizers(cs []*component, depth int) (preTokenizer, error) {
	if depth >= maxDepth {
		return nil, errTooDeep
	}
	var ps preTokenizers
	for _, c := range cs {
		p, err := newPreTokenizer(c, depth+1)
		if err != nil {
			return nil, err
		}
		if p != nil {
			ps = append(ps, p)
		}
	}
	return ps, nil
}

// charScanner matches single characters.
func charScanner(is func(rune) bool) scanner {
	return func(s string) int {
		for i, r := range s {
			if i > 0 {
				return i
			}
			if !is(r) {
				return 0
			}
		}
		return len(s)
	}
}

// scanWords is \w+|[^\w\s]+.
func scanWords(s string) int {
	var word bool
	for i, r := range s {
		if i == 0 {
			word = isWord(r)
		}
		if isWord(r) != word || !word && isSpace(r) {
			return i
		}
	}
	return len(s)
}

// splitter is the reference's Split: what becomes of a match is its behavior.
type splitter struct {
	pattern  pattern
	behavior string
	invert   bool
}

func newSplitter(p pattern, behavior string, invert bool) (preTokenizer, error) {
	switch behavior {
	case "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous":
		return splitter{p, behavior, invert}, nil
	}
	return nil, fmt.Errorf("type \"Split\": behavior %q is not supported", behavior)
}

func (sp splitter) split(p piece, yield func(piece)) {
	start, end := 0, 0 // the word being put together is p.text[start:end]
	emit := func(upTo int) {
		if start < end {
			yield(piece{text: p.text[start:end], id: -1, first: p.first && start == 0})
		}
		start, end = end, upTo
	}
	var prev bool
	pos := 0
	sp.pattern.spans(p.text, func(text string, match bool) {
		match = match != sp.invert
		pos += len(text)
		switch {
		case sp.joins(pos == len(text), prev, match):
			end = pos
		default:
			emit(pos)
		}
		if match && sp.behavior == "Removed" {
			start, end = pos, pos
		}
		prev = match
	})
	emit(pos)
}

// joins reports whether a span continues the word before it.
func (sp splitter) joins(first, prev, match bool) bool {
	switch sp.behavior {
	case "MergedWithPrevious":
		return match && !prev && !first
	case "MergedWithNext":
		return !match && prev
	case "Contiguous":
		return match == prev && !first
	}
	return false
}

// metaspace marks spaces with a visible character, as SentencePiece does.
type metaspace struct {
	mark   string
	scheme string
	words  bool
}

func newMetaspace(p *preTokenizerSpec) (preTokenizer, error) {
	m := metaspace{mark: p.Replacement, scheme: p.PrependScheme, words: orTrue(p.Split)}
	if m.mark == "" {
		return nil, fmt.Errorf("type \"Metaspace\": replacement is empty")
	}
	if m.scheme == "" {
		m.scheme = "always"
		if !orTrue(p.AddPrefixSpace) {
			m.scheme = "never"
		}
	}
	switch m.scheme {
	case "always", "first", "never":
		return m, nil
	}
	return nil, fmt.Errorf("type \"Metaspace\": prepend_scheme %q is not supported", m.scheme)
}

func (m metaspace) split(p piece, yield func(piece)) {
	p.text = strings.ReplaceAll(p.text, " ", m.mark)
	if (m.scheme == "always" || m.scheme == "first" && p.first) && !strings.HasPrefix(p.text, m.mark) {
		p.text = m.mark + p.text
	}
	if !m.words {
		yield(p)
		return
	}
	splitter{literal(m.mark), "MergedWithNext", false}.split(p, yield)
}
