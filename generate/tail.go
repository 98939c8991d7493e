package generate

import (
	"strings"

	"github.com/fovea-ml/fovea/tokenizer"
)

// tail turns tokens into text and holds back what may be the beginning of a
// stop string.
type tail struct {
	stream *tokenizer.Stream
	stop   []string
	held   string
	begun  string // certain before the first token, so that nothing is looked for in it
}

func newTail(tok *tokenizer.Tokenizer, o Options) *tail {
	t := &tail{stream: tok.TextStream(!o.Special), stop: o.Stop}
	for _, id := range o.Begun {
		t.begun += t.stream.Next(id)
	}
	return t
}

// next returns the text that is certain after one more token, and whether a
// stop string was reached; the text ends before it then.
func (t *tail) next(id int32) (string, bool) {
	t.held += t.stream.Next(id)
	out, stopped := t.release()
	return t.behindBegun(out), stopped
}

// behindBegun puts what comes first before the first text.
func (t *tail) behindBegun(text string) string {
	text, t.begun = t.begun+text, ""
	return text
}

func (t *tail) release() (string, bool) {
	first := -1
	for _, s := range t.stop {
		if i := strings.Index(t.held, s); s != "" && i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	if first >= 0 {
		return t.held[:first], true
	}
	keep := 0
	for _, s := range t.stop {
		keep = max(keep, overlap(t.held, s))
	}
	out := t.held[:len(t.held)-keep]
	t.held = t.held[len(out):]
	return out, false
}

// flush returns what is left when no token follows. A stop string that only
// the last bytes complete still ends the text.
func (t *tail) flush() string {
	t.held += t.stream.Flush()
	out, stopped := t.release()
	if !stopped {
		out += t.held
	}
	return t.behindBegun(out)
}

// overlap is the length of the longest end of text that a stop string starts with.
func overlap(text, stop string) int {
	for n := min(len(text), len(stop)-1); n > 0; n-- {
		if strings.HasSuffix(text, stop[:n]) {
			return n
		}
	}
	return 0
}
