package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// tokenizerJSON is the layout of tokenizer.json.
type tokenizerJSON struct {
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    *component      `json:"normalizer"`
	PreTokenizer  *component      `json:"pre_tokenizer"`
	PostProcessor *component      `json:"post_processor"`
	Decoder       *component      `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

// bpeJSON is the layout of its model when that is byte-pair encoding.
type bpeJSON struct {
	Type         string           `json:"type"`
	UnkToken     *string          `json:"unk_token"`
	Prefix       string           `json:"continuing_subword_prefix"`
	Suffix       string           `json:"end_of_word_suffix"`
	FuseUnk      bool             `json:"fuse_unk"`
	ByteFallback bool             `json:"byte_fallback"`
	IgnoreMerges bool             `json:"ignore_merges"`
	Vocab        map[string]int32 `json:"vocab"`
	Merges       []mergePair      `json:"merges"`
}

// mergePair is "a b" or ["a", "b"].
type mergePair [2]string

func (p *mergePair) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[2]string)(p))
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	return p.parse(s)
}

func (p *mergePair) parse(s string) error {
	left, right, ok := strings.Cut(s, " ")
	if !ok || left == "" || right == "" || strings.Contains(right, " ") {
		return fmt.Errorf("merge %q: want two tokens with a space between", s)
	}
	p[0], p[1] = left, right
	return nil
}

func readTokenizerJSON(data []byte, _ folder, cfg settings) (*Tokenizer, error) {
	var f tokenizerJSON
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	return f.build(cfg)
}

// build assembles the pipeline.
func (f *tokenizerJSON) build(cfg settings) (*Tokenizer, error) {
	m, ids, err := f.model()
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	t := &Tokenizer{model: m}
	if t.vocab, err = newVocabulary(ids); err != nil {
		return nil, fmt.Errorf("model: vocab: %w", err)
	}
	if t.normalizer, err = newNormalizer(f.Normalizer, 0); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if t.pre, err = newPreTokenizer(f.PreTokenizer, 0); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if t.decoders, err = newDecoders(f.Decoder); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	if t.affix, err = newAffix(f.PostProcessor, 0); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	for i, a := range f.AddedTokens {
		if err := t.vocab.add(a.Content, a.ID); err != nil {
			return nil, fmt.Errorf("added_tokens[%d]: %w", i, err)
		}
	}
	if t.added, err = newAddedTokens(cfg.merge(&t.vocab, f.AddedTokens), t.normalizer); err != nil {
		return nil, err
	}
	if err := t.affix.check(&t.vocab); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	cfg.applyBOS(t)
	return t, nil
}

// applyBOS lets add_bos_token and add_eos_token replace the post-processor for those classes of the reference that
// rebuild it from them.
func (cfg *settings) applyBOS(t *Tokenizer) {
	switch strings.TrimSuffix(cfg.Class, "Fast") {
	case "LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer":
	default:
		return
	}
	if cfg.AddBOS != nil {
		t.affix.prefix = cfg.flagged(t, *cfg.AddBOS, "bos_token")
	}
	if cfg.AddEOS != nil {
		t.affix.suffix = cfg.flagged(t, *cfg.AddEOS, "eos_token")
	}
}

func (cfg *settings) flagged(t *Tokenizer, add bool, name string) []int32 {
	if id, ok := t.vocab.ids[cfg.names[name]]; ok && add {
		return []int32{id}
	}
	return nil
}

// model reads the model; a further kind is one more case here and one file.
func (f *tokenizerJSON) model() (model, map[string]int32, error) {
	if len(f.Model) == 0 {
		return nil, nil, errors.New("missing")
	}
	var head struct{ Type string }
	if json.Unmarshal(f.Model, &head) == nil {
		switch head.Type {
		case "WordPiece":
			return readWordPiece(f.Model)
		case "Unigram":
			return readUnigram(f.Model)
		}
	}
	var p bpeJSON
	if err := json.Unmarshal(f.Model, &p); err != nil {
		if head.Type != "" && head.Type != "BPE" {
			return nil, nil, fmt.Errorf("type %q is not supported", head.Type)
		}
		return nil, nil, err
	}
	if p.Type != "BPE" && (p.Type != "" || p.Merges == nil) {
		return nil, nil, fmt.Errorf("type %q is not supported", p.Type)
	}
	m, err := p.build()
	if err != nil {
		return nil, nil, err
	}
	return m, p.Vocab, nil
}

func (p *bpeJSON) build() (*bpe, error) {
	m := &bpe{
		ids: p.Vocab, merges: make(map[uint64]merge, len(p.Merges)), unk: -1,
		fuseUnk: p.FuseUnk, ignoreMerges: p.IgnoreMerges, prefix: p.Prefix, suffix: p.Suffix,
	}
	if p.UnkToken != nil && *p.UnkToken != "" {
		id, ok := p.Vocab[*p.UnkToken]
		if !ok {
			return nil, fmt.Errorf("unk_token %q is not in vocab", *p.UnkToken)
		}
		m.unk = id
	}
	for rank, pair := range p.Merges {
		if err := m.addMerge(pair, int32(rank)); err != nil {
			return nil, fmt.Errorf("merges[%d]: %w", rank, err)
		}
	}
	m.index()
	if p.ByteFallback {
		m.useByteFallback()
	}
	m.findBoundary(p.Merges)
	return m, nil
}

func (m *bpe) addMerge(pair mergePair, rank int32) error {
	left, ok := m.ids[pair[0]]
	if !ok {
		return fmt.Errorf("%q is not in vocab", pair[0])
	}
	right, ok := m.ids[pair[1]]
	if !ok {
		return fmt.Errorf("%q is not in vocab", pair[1])
	}
	merged := pair[0] + strings.TrimPrefix(pair[1], m.prefix)
	id, ok := m.ids[merged]
	if !ok {
		return fmt.Errorf("%q is not in vocab", merged)
	}
	m.merges[pairKey(left, right)] = merge{rank: rank, id: id}
	return nil
}

// findBoundary lets SentencePiece-style text, which comes as one long word, be cut before each mark that follows
// another character, if no merge crosses such a place.
func (m *bpe) findBoundary(pairs []mergePair) {
	if m.prefix != "" || m.suffix != "" || m.ignoreMerges || m.fuseUnk && !m.knowsAll() {
		return
	}
	for _, p := range pairs {
		if !strings.HasSuffix(p[0], mark) && strings.HasPrefix(p[1], mark) {
			return
		}
	}
	if _, ok := m.ids[mark]; ok {
		m.boundary = []rune(mark)[0]
	}
}

// knowsAll reports whether byte fallback leaves nothing unknown.
func (m *bpe) knowsAll() bool { return m.bytes != nil && slices.Min(m.bytes[:]) >= 0 }

// mark is SentencePiece's visible space, U+2581.
const mark = "▁"
