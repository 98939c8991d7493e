package tokenizer

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// decoder is one link of the chain that turns tokens into text. A decoder is a recipe: start makes one run's state.
type decoder interface {
	start(emit func(string)) sink
}

// sink takes the tokens of one run in order and emits text as soon as nothing that follows can change it.
type sink interface {
	push(token string)
	flush()
}

type decoderFunc func(emit func(string)) sink

func (f decoderFunc) start(emit func(string)) sink { return f(emit) }

// stateless is a sink that maps each token by itself.
type stateless func(token string)

func (f stateless) push(token string) { f(token) }
func (f stateless) flush()            {}

func newDecoders(c *component) ([]decoder, error) {
	if c == nil {
		return []decoder{spaced()}, nil
	}
	fused := false
	return appendDecoders(nil, c, &fused, 0)
}

// appendDecoders adds c to the chain. fused says that everything before has become one string, which links after it
// see in fragments.
func appendDecoders(chain []decoder, c *component, fused *bool, depth int) ([]decoder, error) {
	var p struct {
		Decoders       []*component `json:"decoders"`
		Pattern        patternSpec  `json:"pattern"`
		Content        string       `json:"content"`
		Start          int          `json:"start"`
		Stop           int          `json:"stop"`
		Replacement    string       `json:"replacement"`
		PrependScheme  string       `json:"prepend_scheme"`
		AddPrefixSpace *bool        `json:"add_prefix_space"`
		Suffix         string       `json:"suffix"`
		Prefix         string       `json:"prefix"`
		Cleanup        *bool        `json:"cleanup"`
	}
	if err := c.into(&p); err != nil {
		return nil, err
	}
	switch c.Type {
	case "Sequence":
		if depth >= maxDepth {
			return nil, errTooDeep
		}
		for _, d := range p.Decoders {
			if d == nil {
				continue
			}
			var err error
			if chain, err = appendDecoders(chain, d, fused, depth+1); err != nil {
				return nil, err
			}
		}
		return chain, nil
	case "Replace":
		pat, err := newPattern(p.Pattern)
		if err != nil {
			return nil, fmt.Errorf("type \"Replace\": %w", err)
		}
		return append(chain, replacing(pat, p.Content, *fused && !oneRune(p.Pattern))), nil
	case "ByteFallback":
		return append(chain, decoderFunc(startByteFallback)), nil
	case "Fuse":
		*fused = true
		return chain, nil
	case "Strip":
		if utf8.RuneCountInString(p.Content) != 1 || p.Start < 0 || p.Stop < 0 {
			return nil, errors.New("type \"Strip\": want one character and counts that are not negative")
		}
		return append(chain, stripping(p.Content, p.Start, p.Stop, *fused)), nil
	case "ByteLevel":
		*fused = true
		return append(chain, decoderFunc(startByteLevel)), nil
	case "Metaspace":
		if p.Replacement == "" {
			return nil, errors.New("type \"Metaspace\": replacement is empty")
		}
		leading := p.PrependScheme != "never" && (p.PrependScheme != "" || orTrue(p.AddPrefixSpace))
		return append(chain, unmarking(p.Replacement, leading)), nil
	case "WordPiece":
		return append(chain, joiningWords(p.Prefix, orTrue(p.Cleanup))), nil
	case "BPEDecoder":
		return append(chain, unsuffixing(p.Suffix)), nil
	}
	return nil, c.unsupported()
}

func oneRune(p patternSpec) bool {
	return p.String != nil && utf8.RuneCountInString(*p.String) == 1
}

// spaced joins tokens with spaces: what the reference does without a decoder.
func spaced() decoder {
	return decoderFunc(func(emit func(string)) sink {
		any := false
		return stateless(func(token string) {
			if any {
				token = " " + token
			}
			any = true
			emit(token)
		})
	})
}

// replacing replaces inside each token, or, where matches could straddle the fragments of a fused string, at the end.
func replacing(p pattern, with string, whole bool) decoder {
	return decoderFunc(func(emit func(string)) sink {
		if whole {
			return &collector{done: func(s string) { emit(p.replace(s, with)) }}
		}
		return stateless(func(token string) { emit(p.replace(token, with)) })
	})
}

// collector holds everything until the end.
type collector struct {
	text strings.Builder
	done func(string)
}

func (c *collector) push(token string) { c.text.WriteString(token) }
func (c *collector) flush()            { c.done(c.text.String()) }

// byteFallback gathers runs of <0xNN>. A run is text only if all of it is UTF-8, so it is held until it ends;
// otherwise each of its bytes becomes U+FFFD.
type byteFallback struct {
	run  []byte
	emit func(string)
}

func startByteFallback(emit func(string)) sink { return &byteFallback{emit: emit} }

func (d *byteFallback) push(token string) {
	if b, ok := parseByteToken(token); ok {
		d.run = append(d.run, b)
		return
	}
	d.flush()
	d.emit(token)
}

func (d *byteFallback) flush() {
	if len(d.run) == 0 {
		return
	}
	if utf8.Valid(d.run) {
		d.emit(string(d.run))
	} else {
		for range d.run {
			d.emit("\uFFFD")
		}
	}
	d.run = d.run[:0]
}

// startByteCharacters is byteFallback as SentencePiece itself has it: what is UTF-8 of
// a run is text, and each other byte U+FFFD.
func startByteCharacters(emit func(string)) sink { return &byteCharacters{emit: emit} }

type byteCharacters struct {
	held []byte // may be the beginning of a character
	emit func(string)
}

func (d *byteCharacters) push(token string) {
	b, ok := parseByteToken(token)
	if !ok {
		d.flush()
		d.emit(token)
		return
	}
	d.held = append(d.held, b)
	for len(d.held) > 0 && utf8.FullRune(d.held) {
		d.take()
	}
}

func (d *byteCharacters) flush() {
	for len(d.held) > 0 {
		d.take()
	}
}

// take emits the first character, or U+FFFD for the first byte.
func (d *byteCharacters) take() {
	r, n := utf8.DecodeRune(d.held)
	d.emit(string(r))
	d.held = append(d.held[:0], d.held[n:]...)
}

func parseByteToken(s string) (byte, bool) {
	if len(s) != 6 || s[:3] != "<0x" || s[5] != '>' {
		return 0, false
	}
	hi, ok1 := hexDigit(s[3])
	lo, ok2 := hexDigit(s[4])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// stripping takes up to start characters c off the left and stop off the right: of each token, or of the fused string.
func stripping(c string, start, stop int, fused bool) decoder {
	return decoderFunc(func(emit func(string)) sink {
		if fused {
			return &fusedStrip{c: c, left: start, right: stop, emit: emit}
		}
		return stateless(func(token string) {
			token = trimLeftN(token, c, start)
			emit(trimRightN(token, c, stop))
		})
	})
}

type fusedStrip struct {
	c           string
	left, right int
	held        string // characters c that may be the last ones
	emit        func(string)
}

func (d *fusedStrip) push(token string) {
	if token == "" {
		return
	}
	rest := trimLeftN(token, d.c, d.left)
	d.left -= (len(token) - len(rest)) / len(d.c)
	if rest == "" {
		return
	}
	d.left = 0
	if d.right == 0 {
		d.emit(rest)
		return
	}
	rest = d.held + rest
	body := strings.TrimRight(rest, d.c)
	d.held = rest[len(body):]
	d.emit(body)
}

func (d *fusedStrip) flush() { d.emit(trimRightN(d.held, d.c, d.right)) }

func trimLeftN(s, c string, n int) string {
	for ; n > 0 && strings.HasPrefix(s, c); n-- {
		s = s[len(c):]
	}
	return s
}

func trimRightN(s, c string, n int) string {
	for ; n > 0 && strings.HasSuffix(s, c); n-- {
		s = s[:len(s)-len(c)]
	}
	return s
}

// byteLevelSink turns GPT-2's byte characters back into bytes and holds back an unfinished character.
type byteLevelSink struct {
	held []byte
	emit func(string)
}

func startByteLevel(emit func(string)) sink { return &byteLevelSink{emit: emit} }

func (d *byteLevelSink) push(token string) {
	d.held = fromByteChars(d.held, token)
	d.release(false)
}

func (d *byteLevelSink) flush() { d.release(true) }

func (d *byteLevelSink) release(final bool) {
	text, rest := lossy(nil, d.held, final)
	d.held = append(d.held[:0], d.held[len(d.held)-rest:]...)
	if len(text) > 0 {
		d.emit(string(text))
	}
}

// unmarking turns marks into spaces; those of the first token vanish where encoding put one there.
func unmarking(mark string, leading bool) decoder {
	return decoderFunc(func(emit func(string)) sink {
		drop := leading
		return stateless(func(token string) {
			with := " "
			if drop {
				with = ""
			}
			drop = false
			emit(strings.ReplaceAll(token, mark, with))
		})
	})
}

// unsuffixing turns the end-of-word suffix into a space, except on the last token.
func unsuffixing(suffix string) decoder {
	return decoderFunc(func(emit func(string)) sink { return &unsuffix{suffix: suffix, emit: emit} })
}

type unsuffix struct {
	suffix, held string
	emit         func(string)
}

func (d *unsuffix) push(token string) {
	if d.held != "" {
		d.emit(strings.ReplaceAll(d.held, d.suffix, " "))
	}
	d.held = token
}

func (d *unsuffix) flush() { d.emit(strings.ReplaceAll(d.held, d.suffix, "")) }
