package tokenizer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// GGUF returns the metadata that makes a GGUF file carry this tokenizer: the keys tokenizer.* that FromGGUF and
// llama.cpp read, with Go's own types as values. GGUF names few pipelines: SentencePiece's byte-pair encoding,
// byte-level BPE with one of llama.cpp's pre-tokenizers, and BERT's; another one is an error. It has no word for added
// tokens that swallow white space or stand between words only, nor for a prefix before the first stretch of text alone.
func (t *Tokenizer) GGUF() (map[string]any, error) {
	kv, err := t.gguf()
	if err != nil {
		return nil, fmt.Errorf("tokenizer: GGUF: %w", err)
	}
	return kv, nil
}

func (t *Tokenizer) gguf() (metadata, error) {
	kv := metadata{}
	tokens, kinds := t.ggufTokens()
	var err error
	switch m := t.model.(type) {
	case *wordPiece:
		err = t.writeWordPiece(kv, m, tokens, kinds)
	case *bpe:
		switch {
		case m.prefix != "" || m.suffix != "":
			err = errors.New("tokens with a prefix or suffix cannot be expressed")
		case m.bytes != nil:
			err = t.writeSentencePiece(kv, m, tokens, kinds)
		default:
			err = t.writeByteLevel(kv, m)
		}
	}
	if err != nil {
		return nil, err
	}
	seen := make(map[string]bool, len(tokens))
	for i, token := range tokens {
		if seen[token] {
			return nil, fmt.Errorf("token %d: %q occurs twice", i, token)
		}
		seen[token] = true
	}
	kv[ggmlTokens], kv[ggmlKinds] = tokens, kinds
	t.writeTemplates(kv)
	return kv, t.writeNames(kv)
}

// ggufTokens lists the tokens and their types. An id without a token gets one that is never met, as llama.cpp's
// converter does.
func (t *Tokenizer) ggufTokens() ([]string, []int32) {
	tokens, kinds := slices.Clone(t.vocab.tokens), make([]int32, len(t.vocab.tokens))
	for i := range tokens {
		id := int32(i)
		_, added := t.added.byID[id]
		switch {
		case !t.vocab.used[i]:
			tokens[i], kinds[i] = padding(i), pieceUnused
		case t.added.special[id]:
			kinds[i] = pieceControl
		case added:
			kinds[i] = pieceUser
		default:
			kinds[i] = pieceNormal
		}
	}
	return tokens, kinds
}

// writeNames writes which token is which and what is put around a text.
func (t *Tokenizer) writeNames(kv metadata) error {
	for _, n := range ggufNames {
		if id, ok := t.named(n.name); ok {
			kv[n.key] = uint32(id)
		}
	}
	if kv[ggmlModel] == "bert" {
		return errors.Join(t.puts(t.affix.prefix, "cls_token"), t.puts(t.affix.suffix, "sep_token"))
	}
	kv[ggmlAddBOS], kv[ggmlAddEOS] = len(t.affix.prefix) > 0, len(t.affix.suffix) > 0
	if len(t.affix.prefix) > 0 {
		if err := t.puts(t.affix.prefix, "bos_token"); err != nil {
			return err
		}
	}
	if len(t.affix.suffix) > 0 {
		return t.puts(t.affix.suffix, "eos_token")
	}
	return nil
}

// puts makes sure that ids, which are put around a text, are the token of that name.
func (t *Tokenizer) puts(ids []int32, name string) error {
	if id, ok := t.named(name); !ok || !slices.Equal(ids, []int32{id}) {
		return fmt.Errorf("what is put around a text is not the %s", name)
	}
	return nil
}

func (t *Tokenizer) writeTemplates(kv metadata) {
	var more []string
	for _, name := range slices.Sorted(maps.Keys(t.templates)) {
		if name == "default" {
			kv[ggufTemplate] = t.templates[name]
			continue
		}
		kv[ggufTemplate+"."+name] = t.templates[name]
		more = append(more, name)
	}
	if more != nil {
		kv[ggufTemplate+"s"] = more
	}
}
