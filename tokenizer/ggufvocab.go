package tokenizer

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// metadata is what a GGUF file says beside its tensors, by key.
type metadata map[string]any

// lookup returns the value of a key and whether there is one.
func lookup[T any](kv metadata, key string) (v T, ok bool, err error) {
	raw, ok := kv[key]
	if !ok {
		return v, false, nil
	}
	if v, ok = raw.(T); !ok {
		return v, false, fmt.Errorf("%s: a value of type %T, want %T", key, raw, v)
	}
	return v, true, nil
}

// need returns the value of a key that must be there.
func need[T any](kv metadata, key string) (T, error) {
	v, ok, err := lookup[T](kv, key)
	if err == nil && !ok {
		err = fmt.Errorf("%s: %w", key, errMissing)
	}
	return v, err
}

// option returns the value of a key, or what it means when it is absent.
func option[T any](kv metadata, key string, absent T) (T, error) {
	v, ok, err := lookup[T](kv, key)
	if !ok {
		return absent, err
	}
	return v, nil
}

// whole returns the value of a key that may be any kind of integer.
func (kv metadata) whole(key string) (n int64, ok bool, err error) {
	raw, ok := kv[key]
	if !ok {
		return 0, false, nil
	}
	switch v := reflect.ValueOf(raw); {
	case v.CanInt():
		return v.Int(), true, nil
	case v.CanUint():
		return int64(min(v.Uint(), 1<<62)), true, nil
	}
	return 0, false, fmt.Errorf("%s: a value of type %T, want an integer", key, raw)
}

// ggufVocab is the vocabulary with what the metadata says of its tokens.
type ggufVocab struct {
	vocabulary
	kinds []int32           // by id: pieceNormal and so on, as in SentencePiece
	names map[string]string // bos_token, … to the token
}

// vocabulary reads the tokens; respell gives those of BERT the spelling of its own files.
func (kv metadata) vocabulary(respell bool) (*ggufVocab, error) {
	tokens, err := need[[]string](kv, ggmlTokens)
	if err != nil {
		return nil, err
	}
	n := len(tokens)
	if n == 0 || n > maxIDs {
		return nil, fmt.Errorf("%s: %d tokens, want 1 to %d", ggmlTokens, n, maxIDs)
	}
	v := &ggufVocab{names: map[string]string{}}
	if v.kinds, err = kv.kinds(n); err != nil {
		return nil, err
	}
	v.ids, v.tokens, v.used = make(map[string]int32, n), make([]string, n), make([]bool, n)
	for i, token := range tokens {
		if respell {
			token = fromPhantom(token, v.kinds[i])
		}
		if v.kinds[i] == pieceUnused && token == padding(i) {
			token = ""
		}
		if err := v.set(int32(i), token); err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", ggmlTokens, i, err)
		}
	}
	return v, v.readNames(kv)
}

// padding is what llama.cpp's converter writes for an id that no token has.
func padding(id int) string { return fmt.Sprintf("[PAD%d]", id) }

// set adds a token; one without text keeps its id and is never met.
func (v *ggufVocab) set(id int32, token string) error {
	if !utf8.ValidString(token) {
		return fmt.Errorf("%q is not UTF-8", token)
	}
	if first, twice := v.ids[token]; twice {
		return fmt.Errorf("%q is token %d already", token, first)
	}
	if token != "" {
		v.ids[token], v.tokens[id], v.used[id] = id, token, true
	}
	return nil
}

// kinds reads the types of n tokens: all are normal where there is no such key, and those of the undefined type 0.
func (kv metadata) kinds(n int) ([]int32, error) {
	given, ok, err := lookup[[]int32](kv, ggmlKinds)
	if err != nil {
		return nil, err
	}
	if ok {
		if err := sameLength(ggmlKinds, len(given), n); err != nil {
			return nil, err
		}
	}
	kinds := make([]int32, n)
	copy(kinds, given)
	for i, k := range kinds {
		switch {
		case k == 0:
			kinds[i] = pieceNormal
		case k < 0 || k > pieceByte:
			return nil, fmt.Errorf("%s[%d]: %d, want %d to %d", ggmlKinds, i, k, pieceNormal, pieceByte)
		}
	}
	return kinds, nil
}

// readNames reads which token is which. Without types, tokens that have a name are control tokens.
func (v *ggufVocab) readNames(kv metadata) error {
	for _, n := range ggufNames {
		id, ok, err := kv.whole(n.key)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if id < 0 || id >= int64(len(v.tokens)) {
			return fmt.Errorf("%s: %d is not one of the %d tokens", n.key, id, len(v.tokens))
		}
		if !v.used[id] { // padding of the table
			continue
		}
		v.names[n.name] = v.tokens[id]
		if kv[ggmlKinds] == nil {
			v.kinds[id] = pieceControl
		}
	}
	return nil
}

func (v *ggufVocab) named(name string) (int32, bool) {
	id, ok := v.ids[v.names[name]]
	return id, ok
}

// added lists the tokens that are found in the text itself.
func (v *ggufVocab) added() []addedToken {
	var list []addedToken
	for i, k := range v.kinds {
		switch k {
		case pieceControl, pieceUnknown:
			list = append(list, addedToken{ID: int32(i), Content: v.tokens[i], Special: true})
		case pieceUser:
			list = append(list, addedToken{ID: int32(i), Content: v.tokens[i]})
		}
	}
	return list
}

// fromPhantom spells a token of BERT as its own files do. GGUF puts a visible space before tokens that begin a word
// and leaves out the prefix of those that continue one; a token in brackets stays as it is.
func fromPhantom(token string, kind int32) string {
	if word, ok := strings.CutPrefix(token, mark); ok && word != "" {
		return word
	}
	if token == "" || kind != pieceNormal || strings.HasPrefix(token, "[") && strings.HasSuffix(token, "]") {
		return token
	}
	return wordPrefix + token
}
