package tokenizer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// normalizer rewrites text before pre-tokenisation.
type normalizer interface{ normalize(string) string }

type normalizerFunc func(string) string

func (f normalizerFunc) normalize(s string) string { return f(s) }

type normalizers []normalizer

func (ns normalizers) normalize(s string) string {
	for _, n := range ns {
		s = n.normalize(s)
	}
	return s
}

func newNormalizer(c *component, depth int) (normalizer, error) {
	if c == nil {
		return nil, nil
	}
	var p struct {
		Normalizers []*component `json:"normalizers"`
		Pattern     patternSpec  `json:"pattern"`
		Content     string       `json:"content"`
		Prepend     string       `json:"prepend"`
		Left        bool         `json:"strip_left"`
		Right       bool         `json:"strip_right"`
		Clean       *bool        `json:"clean_text"`
		Chinese     *bool        `json:"handle_chinese_chars"`
		Accents     *bool        `json:"strip_accents"`
		Lower       *bool        `json:"lowercase"`
		CharsMap    []byte       `json:"precompiled_charsmap"` // base64
	}
	if err := c.into(&p); err != nil {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		return newNormalizers(p.Normalizers, depth)
	case "NFC":
		return normalizerFunc(norm.NFC.String), nil
	case "NFD":
		return normalizerFunc(norm.NFD.String), nil
	case "NFKC":
		return normalizerFunc(norm.NFKC.String), nil
	case "NFKD":
		return normalizerFunc(norm.NFKD.String), nil
	case "Lowercase":
		return normalizerFunc(lowercase), nil
	case "StripAccents":
		return normalizerFunc(stripAccents), nil
	case "Strip":
		return strip(p.Left, p.Right), nil
	case "BertNormalizer":
		lower := orTrue(p.Lower)
		if p.Accents == nil {
			p.Accents = &lower
		}
		return bertNormalizer{orTrue(p.Clean), orTrue(p.Chinese), *p.Accents, lower}, nil
	case "Precompiled":
		if len(p.CharsMap) == 0 {
			return nil, nil
		}
		return newCharsMap(p.CharsMap)
	case "Prepend":
		return prepend(p.Prepend), nil
	case "Replace":
		pat, err := newPattern(p.Pattern)
		if err != nil {
			return nil, err
		}
		return normalizerFunc(func(s string) string { return pat.replace(s, p.Content) }), nil
	}
	return nil, c.unsupported()
}

func newNormalizers(cs []*component, depth int) (normalizer, error) {
	if depth >= maxDepth {
		return nil, errTooDeep
	}
	var ns normalizers
	for _, c := range cs {
		n, err := newNormalizer(c, depth+1)
		if err != nil {
			return nil, err
		}
		if n != nil {
			ns = append(ns, n)
		}
	}
	return ns, nil
}

func lowercase(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = lower(b, r)
	}
	return string(b)
}

func stripAccents(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, s)
}

func strip(left, right bool) normalizer {
	return normalizerFunc(func(s string) string {
		if left {
			s = strings.TrimLeftFunc(s, isSpace)
		}
		if right {
			s = strings.TrimRightFunc(s, isSpace)
		}
		return s
	})
}

// prepend adds a prefix to text that is not empty.
func prepend(prefix string) normalizer {
	return normalizerFunc(func(s string) string {
		if s == "" {
			return s
		}
		return prefix + s
	})
}
