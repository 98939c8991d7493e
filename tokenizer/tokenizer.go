// Package tokenizer turns text into token ids and back, and renders chat prompts, from the files of a Hugging Face
// checkpoint: tokenizer.json, tokenizer.model or spiece.model (SentencePiece), vocab.json with merges.txt, or
// qwen.tiktoken, beside
// tokenizer_config.json and the checkpoint's own chat template; or from the metadata of a GGUF file.
//
// The pipeline is that of the reference (huggingface/tokenizers): added tokens are cut out of the text, the rest is
// normalised, pre-tokenised into words, and each word goes through the model (byte-pair encoding: Sennrich et al. 2016,
// arXiv:1508.07909; WordPiece: Wu et al. 2016, arXiv:1609.08144; Unigram: Kudo 2018, arXiv:1804.10959); a post-processor
// adds the sequence's special tokens; a chain of decoders goes the other way.
package tokenizer

import (
	"maps"
	"strings"
	"unicode/utf8"
)

// Tokenizer maps text to ids and back. It is immutable: goroutines may share one.
type Tokenizer struct {
	vocab      vocabulary
	added      addedTokens
	normalizer normalizer
	pre        preTokenizer
	model      model
	affix      affix
	decoders   []decoder
	config     settings
	templates  map[string]string
}

// model turns one normalised, pre-tokenised word into ids.
type model interface {
	encode(dst []int32, word string, s *scratch) []int32
}

// affix is what the post-processor puts around one sequence.
type affix struct{ prefix, suffix []int32 }

// Option changes how Encode treats special tokens.
type Option uint8

const (
	// Bare leaves out what the post-processor adds, such as the begin-of-sequence token.
	Bare Option = 1 << iota
	// Literal reads special tokens in the text as plain characters: for text from untrusted users.
	Literal
)

// Encode returns the ids of text. Invalid UTF-8 is read as U+FFFD.
func (t *Tokenizer) Encode(text string, opts ...Option) []int32 {
	var o Option
	for _, opt := range opts {
		o |= opt
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	ids := make([]int32, 0, len(text)/3+len(t.affix.prefix)+len(t.affix.suffix))
	if o&Bare == 0 {
		ids = append(ids, t.affix.prefix...)
	}
	s := &scratch{}
	for _, p := range t.added.cut(text, t.normalizer, o&Literal != 0) {
		if p.id >= 0 {
			ids = append(ids, p.id)
			continue
		}
		ids = t.encodePiece(ids, p, s)
	}
	if o&Bare == 0 {
		ids = append(ids, t.affix.suffix...)
	}
	return ids
}

func (t *Tokenizer) encodePiece(ids []int32, p piece, s *scratch) []int32 {
	if t.pre == nil {
		return t.model.encode(ids, p.text, s)
	}
	t.pre.split(p, func(w piece) {
		if w.text != "" {
			ids = t.model.encode(ids, w.text, s)
		}
	})
	return ids
}

// Decode returns the text of ids; skipSpecial leaves special tokens out. Ids outside the vocabulary give no text, and
// bytes that are no UTF-8 give U+FFFD.
func (t *Tokenizer) Decode(ids []int32, skipSpecial bool) string {
	var b strings.Builder
	s := t.Stream(skipSpecial)
	for _, id := range ids {
		b.WriteString(s.Next(id))
	}
	b.WriteString(s.Flush())
	return b.String()
}

// ID returns the id of a token as the vocabulary spells it.
func (t *Tokenizer) ID(token string) (int32, bool) {
	id, ok := t.vocab.ids[token]
	return id, ok
}

// Token returns the vocabulary's spelling of id, or "" where there is none.
func (t *Tokenizer) Token(id int32) string { return t.vocab.token(id) }

// Size is one more than the highest id.
func (t *Tokenizer) Size() int { return len(t.vocab.tokens) }

// Special reports whether id is a special token, which Decode can skip.
func (t *Tokenizer) Special(id int32) bool { return t.added.special[id] }

// BOS returns the begin-of-sequence token's id, if there is one.
func (t *Tokenizer) BOS() (int32, bool) { return t.named("bos_token") }

// EOS returns the end-of-sequence token's id, if there is one.
func (t *Tokenizer) EOS() (int32, bool) { return t.named("eos_token") }

// WithBOS returns the tokenizer that begins sequences with another of its tokens.
func (t *Tokenizer) WithBOS(id int32) *Tokenizer {
	out := *t
	out.affix.prefix = []int32{id}
	out.config.names = maps.Clone(t.config.names)
	out.config.names["bos_token"] = t.Token(id)
	return &out
}

// Pad returns the padding token's id, if there is one.
func (t *Tokenizer) Pad() (int32, bool) { return t.named("pad_token") }

func (t *Tokenizer) named(name string) (int32, bool) {
	token, ok := t.config.names[name]
	if !ok {
		return -1, false
	}
	return t.ID(token)
}
