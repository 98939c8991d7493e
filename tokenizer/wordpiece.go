package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// wordPiece takes the longest token that begins a word, then the longest that continues it, and so on, as BERT does
// (Wu et al. 2016, arXiv:1609.08144; Devlin et al. 2018, arXiv:1810.04805). A word that cannot be divided so is unknown.
type wordPiece struct {
	first    map[string]int32 // every token, as it is spelled
	rest     map[string]int32 // tokens that continue a word, without the prefix that says so
	longest  int              // bytes of the longest token
	unk      int32
	maxChars int // longer words are unknown
}

// wordPrefix marks tokens that continue a word, and maxWordChars bounds words, unless the file says otherwise.
const (
	wordPrefix   = "##"
	maxWordChars = 100
)

func newWordPiece(ids map[string]int32, prefix, unk string, maxChars int) (*wordPiece, error) {
	m := &wordPiece{first: ids, rest: map[string]int32{}, maxChars: maxChars}
	for token, id := range ids {
		if len(token) > maxPieceLen {
			return nil, fmt.Errorf("token %d: %d bytes, at most %d", id, len(token), maxPieceLen)
		}
		m.longest = max(m.longest, len(token))
		if part, ok := strings.CutPrefix(token, prefix); ok && part != "" {
			m.rest[part] = id
		}
	}
	id, ok := ids[unk]
	if !ok {
		return nil, fmt.Errorf("unk_token %q is not in vocab", unk)
	}
	m.unk = id
	return m, nil
}

// readWordPiece reads the model of a tokenizer.json.
func readWordPiece(data []byte) (model, map[string]int32, error) {
	p := struct {
		UnkToken string           `json:"unk_token"`
		Prefix   string           `json:"continuing_subword_prefix"`
		MaxChars int              `json:"max_input_chars_per_word"`
		Vocab    map[string]int32 `json:"vocab"`
	}{"[UNK]", wordPrefix, maxWordChars, nil}
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, nil, err
	}
	m, err := newWordPiece(p.Vocab, p.Prefix, p.UnkToken, p.MaxChars)
	if err != nil {
		return nil, nil, err
	}
	return m, p.Vocab, nil
}

func (m *wordPiece) encode(dst []int32, word string, _ *scratch) []int32 {
	if utf8.RuneCountInString(word) > m.maxChars {
		return append(dst, m.unk)
	}
	start, table := len(dst), m.first
	for word != "" {
		n, id := m.take(table, word)
		if n == 0 {
			return append(dst[:start], m.unk)
		}
		dst, word, table = append(dst, id), word[n:], m.rest
	}
	return dst
}

// take returns the length and id of the longest token of table that begins s, or 0.
func (m *wordPiece) take(table map[string]int32, s string) (int, int32) {
	for n := min(len(s), m.longest); n > 0; n-- {
		if n < len(s) && !utf8.RuneStart(s[n]) {
			continue
		}
		if id, ok := table[s[:n]]; ok {
			return n, id
		}
	}
	return 0, -1
}

// joiningWords puts a space before every token that begins a word, except the first; cleanup takes away those that
// English does not have before punctuation and contractions.
func joiningWords(prefix string, cleanup bool) decoder {
	return decoderFunc(func(emit func(string)) sink {
		any := false
		return stateless(func(token string) {
			if part, ok := strings.CutPrefix(token, prefix); any && ok {
				token = part
			} else if any {
				token = " " + token
			}
			any = true
			if cleanup {
				token = tidy(token)
			}
			emit(token)
		})
	})
}

// tidy is the reference's cleanup, in its order.
func tidy(s string) string {
	for _, p := range [...][2]string{
		{" .", "."}, {" ?", "?"}, {" !", "!"}, {" ,", ","}, {" ' ", "'"}, {" n't", "n't"}, {" 'm", "'m"},
		{" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, p[0], p[1])
	}
	return s
}
