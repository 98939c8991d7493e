package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// addedToken is a token matched in the text itself, before the model sees it. The fields are those of the reference's
// AddedToken.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // only between non-word characters
	LStrip     bool   `json:"lstrip"`      // swallows white space on its left
	RStrip     bool   `json:"rstrip"`      // swallows white space on its right
	Normalized bool   `json:"normalized"`  // matched in normalised text
	Special    bool   `json:"special"`
}

// piece is a stretch of text, or a token already found (id >= 0).
type piece struct {
	text  string
	id    int32
	first bool // begins where the whole text begins
}

// addedTokens finds added tokens: those not normalised first, in the raw text, then the others in normalised text.
type addedTokens struct {
	list      []addedToken
	raw, norm *trie
	special   map[int32]bool
	byID      map[int32]addedToken
}

func newAddedTokens(list []addedToken, n normalizer) (addedTokens, error) {
	a := addedTokens{list: list, special: map[int32]bool{}, byID: map[int32]addedToken{}}
	total := 0
	for _, t := range list {
		if total += len(t.Content); total > maxAddedAll {
			return a, fmt.Errorf("added tokens: more than %d bytes", maxAddedAll)
		}
		if len(t.Content) > maxAddedLen {
			return a, fmt.Errorf("added token %d: %d bytes, at most %d", t.ID, len(t.Content), maxAddedLen)
		}
		a.byID[t.ID] = t
		if t.Special {
			a.special[t.ID] = true
		}
		if t.Content == "" {
			continue
		}
		if !t.Normalized {
			a.raw = a.raw.insert(t.Content, t.ID)
			continue
		}
		content := t.Content
		if n != nil {
			content = n.normalize(content)
		}
		if content != "" {
			a.norm = a.norm.insert(content, t.ID)
		}
	}
	return a, nil
}

// cut splits text at added tokens and normalises what lies between them.
func (a *addedTokens) cut(text string, n normalizer, literal bool) []piece {
	var out []piece
	for _, p := range a.find(nil, piece{text: text, id: -1, first: true}, a.raw, literal) {
		if p.id >= 0 {
			out = append(out, p)
			continue
		}
		if n != nil {
			p.text = n.normalize(p.text)
		}
		out = a.find(out, p, a.norm, literal)
	}
	return out
}

func (a *addedTokens) find(out []piece, p piece, tokens *trie, literal bool) []piece {
	text, done := p.text, 0
	for at := 0; tokens != nil && at < len(text); {
		n, id := tokens.longest(text[at:])
		if n == 0 {
			at++
			continue
		}
		t := a.byID[id]
		start, stop := at, at+n
		at = stop
		if literal && t.Special || t.SingleWord && !isolated(text, start, stop) {
			continue
		}
		if t.LStrip {
			start = max(done, len(strings.TrimRightFunc(text[:start], isSpace)))
		}
		if t.RStrip {
			stop = len(text) - len(strings.TrimLeftFunc(text[stop:], isSpace))
		}
		if done < start {
			out = append(out, piece{text: text[done:start], id: -1, first: p.first && done == 0})
		}
		out = append(out, piece{id: id})
		done, at = stop, stop
	}
	if done < len(text) {
		out = append(out, piece{text: text[done:], id: -1, first: p.first && done == 0})
	}
	return out
}

func isolated(text string, start, stop int) bool {
	before, n := utf8.DecodeLastRuneInString(text[:start])
	after, m := utf8.DecodeRuneInString(text[stop:])
	return (n == 0 || !isWord(before)) && (m == 0 || !isWord(after))
}

// trie matches byte strings; its root has a table so that most positions cost one look-up.
type trie struct {
	next map[byte]*trie
	root *[256]*trie
	id   int32
	end  bool
}

// insert adds s under id and returns the root, which it makes when t is nil.
func (t *trie) insert(s string, id int32) *trie {
	if t == nil {
		t = &trie{root: new([256]*trie)}
	}
	n := t
	for i := range len(s) {
		n = n.child(s[i])
	}
	n.id, n.end = id, true
	return t
}

func (t *trie) child(b byte) *trie {
	if t.root != nil {
		if t.root[b] == nil {
			t.root[b] = &trie{}
		}
		return t.root[b]
	}
	if t.next == nil {
		t.next = map[byte]*trie{}
	}
	if t.next[b] == nil {
		t.next[b] = &trie{}
	}
	return t.next[b]
}

// longest returns the length and id of the longest entry that begins s, or 0.
func (t *trie) longest(s string) (n int, id int32) {
	for i := range len(s) {
		if t.root != nil {
			t = t.root[s[i]]
		} else {
			t = t.next[s[i]]
		}
		if t == nil {
			break
		}
		if t.end {
			n, id = i+1, t.id
		}
	}
	return n, id
}
