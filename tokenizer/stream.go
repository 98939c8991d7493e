package tokenizer

import "strings"

// Stream decodes ids one at a time. What Next and Flush return, joined, equals Decode of all the ids; no part of it
// ends inside a character.
type Stream struct {
	t           *Tokenizer
	skipSpecial bool
	sinks       []sink
	out         strings.Builder

	tidy bool // spaces are cleaned up
	held string
}

// Stream starts incremental decoding; skipSpecial leaves special tokens out.
func (t *Tokenizer) Stream(skipSpecial bool) *Stream {
	s := &Stream{t: t, skipSpecial: skipSpecial, sinks: make([]sink, len(t.decoders))}
	emit := func(text string) { s.out.WriteString(text) }
	for i := len(t.decoders) - 1; i >= 0; i-- {
		s.sinks[i] = t.decoders[i].start(emit)
		emit = s.sinks[i].push
	}
	return s
}

// Next takes one id and returns the text that has become certain: often one word, sometimes nothing.
func (s *Stream) Next(id int32) string {
	if !s.t.vocab.has(id) || s.skipSpecial && s.t.added.special[id] {
		return ""
	}
	text := s.t.vocab.tokens[id]
	if len(s.sinks) > 0 {
		s.sinks[0].push(text)
		text = s.take()
	}
	if s.tidy {
		text = s.clean(text)
	}
	return text
}

// Flush ends the text and returns what was held back.
func (s *Stream) Flush() string {
	for _, k := range s.sinks {
		k.flush()
	}
	text := s.take()
	if s.tidy {
		text, s.held = withoutSpaces(s.held+text), ""
	}
	return text
}

func (s *Stream) take() string {
	text := s.out.String()
	s.out.Reset()
	return text
}
