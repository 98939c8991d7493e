package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// unigram divides a word into the tokens whose scores, the logarithms of their probabilities, have the largest sum
// (Kudo 2018, arXiv:1804.10959). What no token spells is unknown, one id for all of it in a row.
type unigram struct {
	ids     map[string]int32
	scores  []float64
	longest int // bytes of the longest token
	unk     int32
	unknown float64     // score of an unknown character
	bytes   *[256]int32 // tokens that spell bytes, instead of unk where the word's are all there; nil: none
	single  bool        // sums are rounded to float32, as in SentencePiece
}

// unkPenalty is how much less likely than the least likely token an unknown character is.
const unkPenalty = 10

// readUnigram reads the model of a tokenizer.json.
func readUnigram(data []byte) (model, map[string]int32, error) {
	var p struct {
		Unk          *int32        `json:"unk_id"`
		Vocab        []scoredToken `json:"vocab"`
		ByteFallback bool          `json:"byte_fallback"`
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return nil, nil, err
	}
	if len(p.Vocab) > maxIDs {
		return nil, nil, fmt.Errorf("vocab: %d tokens, at most %d", len(p.Vocab), maxIDs)
	}
	if p.Unk == nil || *p.Unk < 0 || int(*p.Unk) >= len(p.Vocab) {
		return nil, nil, fmt.Errorf("unk_id is missing, or none of the %d tokens", len(p.Vocab))
	}
	m := &unigram{ids: make(map[string]int32, len(p.Vocab)), unk: *p.Unk, unknown: math.Inf(1)}
	for i, t := range p.Vocab {
		if err := m.add(t.token, int32(i), t.score); err != nil {
			return nil, nil, fmt.Errorf("vocab[%d]: %w", i, err)
		}
		m.unknown = min(m.unknown, t.score)
	}
	m.unknown -= unkPenalty
	if p.ByteFallback {
		m.findBytes()
	}
	return m, m.ids, nil
}

// scoredToken is ["token", score].
type scoredToken struct {
	token string
	score float64
}

func (t *scoredToken) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[2]any{&t.token, &t.score})
}

// add numbers tokens from 0 on.
func (m *unigram) add(token string, id int32, score float64) error {
	if len(token) > maxPieceLen {
		return fmt.Errorf("%d bytes, at most %d", len(token), maxPieceLen)
	}
	if _, twice := m.ids[token]; twice {
		return fmt.Errorf("%q occurs twice", token)
	}
	m.ids[token], m.longest = id, max(m.longest, len(token))
	m.scores = append(m.scores, score)
	return nil
}

// findBytes uses the tokens of bytes if all of them are there.
func (m *unigram) findBytes() {
	var table [256]int32
	for b := range table {
		id, ok := m.ids[byteToken(byte(b))]
		if !ok {
			return
		}
		table[b] = id
	}
	m.bytes = &table
}

// step is the best way to an end: the token that it ends with, and where that begins.
type step struct {
	score float64
	from  int
	id    int32
}

func (m *unigram) encode(dst []int32, word string, s *scratch) []int32 {
	best := slices.Grow(s.steps[:0], len(word)+1)[:len(word)+1]
	s.steps = best
	for i := range best {
		best[i] = step{from: -1}
	}
	for at := 0; at < len(word); {
		_, char := utf8.DecodeRuneInString(word[at:])
		alone := false
		for n := char; n <= min(m.longest, len(word)-at); n++ {
			if id, ok := m.ids[word[at:at+n]]; ok {
				m.reach(best, at, at+n, id, m.scores[id])
				alone = alone || n == char
			}
		}
		if !alone {
			m.reach(best, at, at+char, m.unk, m.unknown)
		}
		at += char
	}
	return m.collect(dst, word, best)
}

// reach keeps a way to an end if it is the first or a better one.
func (m *unigram) reach(best []step, from, to int, id int32, score float64) {
	score += best[from].score
	if m.single {
		score = float64(float32(score))
	}
	if t := &best[to]; t.from < 0 || score > t.score {
		*t = step{score, from, id}
	}
}

// collect goes back along the best way. Unknown tokens in a row are one.
func (m *unigram) collect(dst []int32, word string, best []step) []int32 {
	first := len(dst)
	for end := len(word); end > 0; {
		id, from := best[end].id, best[end].from
		for id == m.unk && from > 0 && best[from].id == m.unk {
			from = best[from].from
		}
		if id == m.unk && m.bytes != nil {
			for i := end - 1; i >= from; i-- {
				dst = append(dst, m.bytes[word[i]])
			}
		} else {
			dst = append(dst, id)
		}
		end = from
	}
	slices.Reverse(dst[first:])
	return dst
}
