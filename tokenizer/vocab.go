package tokenizer

import "fmt"

const (
	maxIDs      = 1 << 21 // eight times the largest published vocabulary
	maxMerges   = 1 << 24
	maxAddedLen = 1 << 10 // bytes of an added token; bounds the work per character of text
	maxAddedAll = 1 << 22 // bytes of all of them; bounds the table that finds them
)

// vocabulary is the two-way table of every id, added tokens included.
type vocabulary struct {
	ids    map[string]int32
	tokens []string // by id; "" where no token has it
	used   []bool
}

func newVocabulary(ids map[string]int32) (vocabulary, error) {
	v := vocabulary{ids: make(map[string]int32, len(ids))}
	top := int32(-1)
	for token, id := range ids {
		if id < 0 || id >= maxIDs {
			return v, fmt.Errorf("token %q: id %d, want 0 to %d", token, id, maxIDs-1)
		}
		top = max(top, id)
	}
	v.tokens = make([]string, top+1)
	v.used = make([]bool, top+1)
	for token, id := range ids {
		if err := v.add(token, id); err != nil {
			return v, err
		}
	}
	return v, nil
}

func (v *vocabulary) add(token string, id int32) error {
	if id < 0 || id >= maxIDs {
		return fmt.Errorf("token %q: id %d, want 0 to %d", token, id, maxIDs-1)
	}
	if old, ok := v.ids[token]; ok && old != id {
		return fmt.Errorf("token %q: id %d, but it already has id %d", token, id, old)
	}
	for int(id) >= len(v.tokens) {
		v.tokens = append(v.tokens, "")
		v.used = append(v.used, false)
	}
	if v.used[id] && v.tokens[id] != token {
		return fmt.Errorf("token %q: id %d already names %q", token, id, v.tokens[id])
	}
	v.ids[token], v.tokens[id], v.used[id] = id, token, true
	return nil
}

func (v *vocabulary) token(id int32) string {
	if id < 0 || int(id) >= len(v.tokens) {
		return ""
	}
	return v.tokens[id]
}

func (v *vocabulary) has(id int32) bool { return id >= 0 && int(id) < len(v.used) && v.used[id] }
