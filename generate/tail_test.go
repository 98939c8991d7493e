package generate

import (
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/tokenizer"
)

// TestTail feeds the pieces that tokens add to the text, byte tokens included.
func TestTail(t *testing.T) {
	tok, err := tokenizer.Open("../testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		in   string
		stop []string
		out  []string // what each token releases, up to the one that stops
		rest string   // what the flush releases if none does
	}{
		{"no stop strings", "abc", nil, []string{"a", "b", "c"}, ""},
		{"empty stop string", "ab", []string{""}, []string{"a", "b"}, ""},
		{"held back and stopped", "abstyc", []string{"sty"}, []string{"a", "b", "", "", ""}, ""},
		{"held back and released", "abstc", []string{"sty"}, []string{"a", "b", "", "", "stc"}, ""},
		{"held back at the end", "abst", []string{"sty"}, []string{"a", "b", "", ""}, "st"},
		{"begins again inside itself", "aabaab", []string{"abab", "baab"}, []string{"", "a", "", "", "a", ""}, ""},
		{"the longer one has begun", "abc", []string{"c", "abcd"}, []string{"", "", "ab"}, ""},
	} {
		tail := &tail{stream: tok.Stream(true), stop: c.stop}
		tail.next(mustID(t, tok, "▁")) // the space that decoding strips
		var out []string
		stopped := false
		for _, r := range c.in {
			var s string
			s, stopped = tail.next(mustID(t, tok, string(r)))
			if out = append(out, s); stopped {
				break
			}
		}
		rest := ""
		if !stopped {
			rest = tail.flush()
		}
		if !slices.Equal(out, c.out) || rest != c.rest {
			t.Errorf("%s: %q and %q, want %q and %q", c.name, out, rest, c.out, c.rest)
		}
	}
}

// TestTailHoldsBackPartsOfCharacters feeds 你 as its three bytes.
func TestTailHoldsBackPartsOfCharacters(t *testing.T) {
	tok, err := tokenizer.Open("../testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	bytes := []int32{mustID(t, tok, "<0xE4>"), mustID(t, tok, "<0xBD>"), mustID(t, tok, "<0xA0>")}
	whole := &tail{stream: tok.Stream(true)}
	got := ""
	for i, id := range bytes {
		s, _ := whole.next(id)
		if i < 2 && s != "" {
			t.Errorf("byte %d released %q", i, s)
		}
		got += s
	}
	if got += whole.flush(); got != "你" {
		t.Errorf("three bytes gave %q", got)
	}
	part := &tail{stream: tok.Stream(true), stop: []string{"\uFFFD"}}
	part.next(bytes[0])
	if got := part.flush(); got != "" {
		t.Errorf("a stop string in the last bytes left %q", got)
	}
	part = &tail{stream: tok.Stream(true)}
	part.next(bytes[0])
	if got := part.flush(); got != "\uFFFD" {
		t.Errorf("a part of a character gave %q", got)
	}
}

func mustID(t *testing.T, tok *tokenizer.Tokenizer, token string) int32 {
	t.Helper()
	id, ok := tok.ID(token)
	if !ok {
		t.Fatalf("no token %q", token)
	}
	return id
}

// TestTailBehindABeginning is about texts that go on from the prompt's: no stop string
// is looked for in that.
func TestTailBehindABeginning(t *testing.T) {
	tok, err := tokenizer.Open("../testdata/blip_caption")
	if err != nil {
		t.Fatal(err)
	}
	ids := tok.Encode("a photography of plates")
	ids = ids[1 : len(ids)-1]
	o := Options{Begun: ids[:8], Stop: []string{"photo", "te"}}
	text, got := newTail(tok, o), ""
	for _, id := range ids[8:] {
		more, _ := text.next(id)
		got += more
	}
	if got += text.flush(); got != "a photography of pla" {
		t.Errorf("%q", got)
	}
	if got := newTail(tok, o).flush(); got != "a photography of" {
		t.Errorf("an answer without words is %q", got)
	}
}
