package tokenizer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// FromGGUF makes a tokenizer of a GGUF file's metadata: the keys tokenizer.* as
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and llama.cpp define them, with Go's own types as values.
// The vocabulary is of model "llama" (SentencePiece's byte-pair encoding), "gpt2" (byte-level BPE, with one of
// llama.cpp's pre-tokenizers) or "bert" (WordPiece). Control and user-defined tokens are found in the text. Where
// llama.cpp departs from the tokenizer that a model was trained with, in Unicode's normal forms, that one is followed:
// qwen2 composes characters, bert takes Hangul apart. Errors name the key.
func FromGGUF(kv map[string]any) (*Tokenizer, error) {
	t, err := fromGGUF(kv)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

const (
	ggml         = "tokenizer.ggml."
	ggmlModel    = ggml + "model"
	ggmlPre      = ggml + "pre"
	ggmlTokens   = ggml + "tokens"
	ggmlKinds    = ggml + "token_type"
	ggmlScores   = ggml + "scores"
	ggmlMerges   = ggml + "merges"
	ggmlUnk      = ggml + "unknown_token_id"
	ggmlAddBOS   = ggml + "add_bos_token"
	ggmlAddEOS   = ggml + "add_eos_token"
	ggmlPrefix   = ggml + "add_space_prefix"
	ggmlTrim     = ggml + "remove_extra_whitespaces"
	ggmlLower    = ggml + "normalizer.lowercase"
	ggmlAccents  = ggml + "normalizer.strip_accents"
	ggufTemplate = "tokenizer.chat_template"
)

// ggufNames are the keys of named tokens and our names for these. The format misspells its separator.
var ggufNames = [...]struct{ key, name string }{
	{ggml + "bos_token_id", "bos_token"},
	{ggml + "eos_token_id", "eos_token"},
	{ggmlUnk, "unk_token"},
	{ggml + "seperator_token_id", "sep_token"},
	{ggml + "padding_token_id", "pad_token"},
	{ggml + "cls_token_id", "cls_token"},
	{ggml + "mask_token_id", "mask_token"},
}

func fromGGUF(kv map[string]any) (*Tokenizer, error) {
	kind, err := need[string](kv, ggmlModel)
	if err != nil {
		return nil, err
	}
	kinds := map[string]func(metadata, *ggufVocab) (*Tokenizer, error){
		"llama": metadata.sentencePiece, "gpt2": metadata.byteLevel, "bert": metadata.wordPiece,
	}
	build, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("%s: %q is not supported; known are bert, gpt2 and llama", ggmlModel, kind)
	}
	v, err := metadata(kv).vocabulary(kind == "bert")
	if err != nil {
		return nil, err
	}
	t, err := build(kv, v)
	if err != nil {
		return nil, err
	}
	t.vocab = v.vocabulary
	if t.added, err = newAddedTokens(v.added(), nil); err != nil {
		return nil, fmt.Errorf("%s: %w", ggmlTokens, err)
	}
	t.config = settings{names: v.names}
	t.templates, err = metadata(kv).templates()
	return t, err
}

// sentencePiece merges by scores. A user-defined token is cut out of the text before that, unlike in SentencePiece,
// and the prefix is put before every stretch of text between such tokens.
func (kv metadata) sentencePiece(v *ggufVocab) (*Tokenizer, error) {
	scores, err := kv.scores(len(v.tokens))
	if err != nil {
		return nil, err
	}
	sp := &spModel{modelType: modelBPE, byteFallback: true, escapeSpaces: true}
	for i, token := range v.tokens {
		p := spPiece{token, scores[i], uint64(v.kinds[i])}
		if p.kind == pieceUser || token == "" {
			p.kind = pieceControl
		}
		if p.kind == pieceNormal && len(token) > maxPieceLen {
			return nil, fmt.Errorf("%s[%d]: %d bytes, at most %d", ggmlTokens, i, len(token), maxPieceLen)
		}
		sp.pieces = append(sp.pieces, p)
	}
	sp.name(&settings{names: v.names})
	t := &Tokenizer{}
	if sp.dummyPrefix, err = option(kv, ggmlPrefix, true); err != nil {
		return nil, err
	}
	if sp.trimSpaces, err = option(kv, ggmlTrim, false); err != nil {
		return nil, err
	}
	sp.pipeline(t, settings{})
	m := sp.bpe(v.ids)
	if unk, ok := v.named("unk_token"); ok {
		m.unk = unk
	}
	t.model = m
	t.affix, err = kv.affix(v, true)
	return t, err
}

// byteLevel reads a vocabulary as GPT-2's.
func (kv metadata) byteLevel(v *ggufVocab) (*Tokenizer, error) {
	name, err := option(kv, ggmlPre, "default")
	if err != nil {
		return nil, err
	}
	pre, err := ggufPreOf(name)
	if err != nil {
		return nil, err
	}
	lines, err := need[[]string](kv, ggmlMerges)
	if err != nil {
		return nil, err
	}
	if len(lines) > maxMerges {
		return nil, fmt.Errorf("%s: %d, at most %d", ggmlMerges, len(lines), maxMerges)
	}
	p := bpeJSON{Vocab: v.ids, Merges: make([]mergePair, len(lines)), IgnoreMerges: pre.ignoreMerges}
	for i, line := range lines {
		if err := p.Merges[i].parse(line); err != nil {
			return nil, fmt.Errorf("%s[%d]: %w", ggmlMerges, i, err)
		}
	}
	t := &Tokenizer{decoders: []decoder{decoderFunc(startByteLevel)}}
	if t.model, err = p.build(); err != nil {
		return nil, fmt.Errorf("%s%w", ggml, err)
	}
	if t.normalizer, t.pre, err = pre.build(); err != nil {
		return nil, fmt.Errorf("%s: %w", ggmlPre, err)
	}
	t.affix, err = kv.affix(v, pre.addBOS)
	return t, err
}

// wordPiece reads a vocabulary as BERT's. Every text stands between [CLS] and [SEP].
func (kv metadata) wordPiece(v *ggufVocab) (*Tokenizer, error) {
	for name, token := range map[string]string{
		"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]", "pad_token": "[PAD]", "mask_token": "[MASK]",
	} {
		if _, ok := v.ids[token]; ok && v.names[name] == "" {
			v.names[name] = token
		}
	}
	m, err := newWordPiece(v.ids, wordPrefix, v.names["unk_token"], maxWordChars)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ggmlTokens, err)
	}
	n := bertNormalizer{clean: true, chinese: true}
	if n.lower, err = option(kv, ggmlLower, true); err != nil {
		return nil, err
	}
	if n.strip, err = option(kv, ggmlAccents, n.lower); err != nil {
		return nil, err
	}
	t := &Tokenizer{model: m, normalizer: n, pre: bertWords(), decoders: []decoder{joiningWords(wordPrefix, true)}}
	if id, ok := v.named("cls_token"); ok {
		t.affix.prefix = []int32{id}
	} else if id, ok := v.named("bos_token"); ok {
		t.affix.prefix = []int32{id}
	}
	if id, ok := v.named("sep_token"); ok {
		t.affix.suffix = []int32{id}
	}
	return t, nil
}

// affix is what add_bos_token and add_eos_token ask for; bos is what the first means where it is absent.
func (kv metadata) affix(v *ggufVocab, bos bool) (a affix, err error) {
	if a.prefix, err = kv.asked(v, ggmlAddBOS, "bos_token", bos); err != nil {
		return a, err
	}
	a.suffix, err = kv.asked(v, ggmlAddEOS, "eos_token", false)
	return a, err
}

func (kv metadata) asked(v *ggufVocab, key, name string, otherwise bool) ([]int32, error) {
	add, err := option(kv, key, otherwise)
	if err != nil || !add {
		return nil, err
	}
	id, ok := v.named(name)
	if !ok && kv[key] != nil {
		return nil, fmt.Errorf("%s: true, but the file names no %s", key, name)
	}
	if !ok {
		return nil, nil
	}
	return []int32{id}, nil
}

// templates returns the sources of the chat templates by name.
func (kv metadata) templates() (map[string]string, error) {
	all := map[string]string{}
	for key := range kv {
		rest, ok := strings.CutPrefix(key, ggufTemplate)
		name, named := strings.CutPrefix(rest, ".")
		if !ok || rest != "" && (!named || name == "") {
			continue
		}
		source, err := need[string](kv, key)
		if err != nil {
			return nil, err
		}
		if !named {
			name = "default"
		}
		all[name] = source
	}
	return all, nil
}

// scores returns one number for each token.
func (kv metadata) scores(n int) ([]float32, error) {
	if whole, ok := kv[ggmlScores].([]int32); ok {
		scores := make([]float32, len(whole))
		for i, s := range whole {
			scores[i] = float32(s)
		}
		return scores, sameLength(ggmlScores, len(scores), n)
	}
	scores, err := need[[]float32](kv, ggmlScores)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(scores, func(s float32) bool { return s != s }); i >= 0 {
		return nil, fmt.Errorf("%s[%d]: not a number", ggmlScores, i)
	}
	return scores, sameLength(ggmlScores, len(scores), n)
}

func sameLength(key string, got, want int) error {
	if got != want {
		return fmt.Errorf("%s: %d values, but there are %d tokens", key, got, want)
	}
	return nil
}

var errMissing = errors.New("missing")
