package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxPieceLen bounds the work of finding every way to merge a piece; published pieces have at most 93 bytes.
const maxPieceLen = 256

// Piece types and model types of sentencepiece_model.proto.
const (
	pieceNormal, pieceUnknown, pieceControl, pieceUser, pieceUnused, pieceByte = 1, 2, 3, 4, 5, 6

	modelUnigram, modelBPE = 1, 2
)

var modelTypes = map[uint64]string{modelUnigram: "UNIGRAM", modelBPE: "BPE", 3: "WORD", 4: "CHAR"}

type spPiece struct {
	text  string
	score float32
	kind  uint64
}

// spModel is the part of a SentencePiece ModelProto that encoding needs.
type spModel struct {
	pieces       []spPiece
	modelType    uint64
	byteFallback bool
	suffixSpace  bool
	charsMap     []byte // precompiled normalisation rules
	dummyPrefix  bool
	trimSpaces   bool
	escapeSpaces bool
}

func parseSentencePiece(data []byte) (*spModel, error) {
	m := &spModel{modelType: modelUnigram, dummyPrefix: true, trimSpaces: true, escapeSpaces: true}
	err := eachField(data, func(f protoField) error {
		switch f.num {
		case 1:
			p, err := parsePiece(f.bytes)
			if err != nil {
				return fmt.Errorf("piece %d: %w", len(m.pieces), err)
			}
			if len(m.pieces) >= maxIDs {
				return fmt.Errorf("more than %d pieces", maxIDs)
			}
			m.pieces = append(m.pieces, p)
		case 2:
			return m.trainerSpec(f.bytes)
		case 3:
			return m.normalizerSpec(f.bytes)
		}
		return nil
	})
	return m, err
}

func parsePiece(data []byte) (spPiece, error) {
	p := spPiece{kind: pieceNormal}
	err := eachField(data, func(f protoField) error {
		switch f.num {
		case 1:
			p.text = string(f.bytes)
		case 2:
			p.score = math.Float32frombits(uint32(f.value))
		case 3:
			p.kind = f.value
		}
		return nil
	})
	switch {
	case err != nil:
		return p, err
	case p.text == "" || !utf8.ValidString(p.text):
		return p, fmt.Errorf("text %q is empty or no UTF-8", p.text)
	case len(p.text) > maxPieceLen:
		return p, fmt.Errorf("%d bytes, at most %d", len(p.text), maxPieceLen)
	case p.score != p.score:
		return p, errors.New("score is NaN")
	case p.kind < pieceNormal || p.kind > pieceByte:
		return p, fmt.Errorf("type %d is unknown", p.kind)
	}
	return p, nil
}

func (m *spModel) trainerSpec(data []byte) error {
	return eachField(data, func(f protoField) error {
		switch f.num {
		case 3:
			m.modelType = f.value
		case 24:
			m.suffixSpace = f.value != 0
		case 35:
			m.byteFallback = f.value != 0
		}
		return nil
	})
}

func (m *spModel) normalizerSpec(data []byte) error {
	return eachField(data, func(f protoField) error {
		switch f.num {
		case 2:
			m.charsMap = f.bytes
		case 3:
			m.dummyPrefix = f.value != 0
		case 4:
			m.trimSpaces = f.value != 0
		case 5:
			m.escapeSpaces = f.value != 0
		}
		return nil
	})
}

func (m *spModel) check() error {
	switch {
	case len(m.pieces) == 0:
		return errors.New("no pieces")
	case m.modelType != modelBPE && m.modelType != modelUnigram:
		return fmt.Errorf("trainer_spec: model_type %d (%s) is not supported", m.modelType, modelTypes[m.modelType])
	case m.suffixSpace:
		return errors.New("trainer_spec: treat_whitespace_as_suffix is not supported")
	case !m.escapeSpaces:
		return errors.New("normalizer_spec: escape_whitespaces = false is not supported")
	}
	return nil
}

// readSentencePiece gives a SentencePiece model the pipeline that the reference's converter gives it.
func readSentencePiece(data []byte, _ folder, cfg settings) (*Tokenizer, error) {
	sp, err := parseSentencePiece(data)
	if err != nil {
		return nil, err
	}
	if err := sp.check(); err != nil {
		return nil, err
	}
	ids := make(map[string]int32, len(sp.pieces))
	for i, p := range sp.pieces {
		if _, twice := ids[p.text]; twice {
			return nil, fmt.Errorf("piece %d: %q occurs twice", i, p.text)
		}
		ids[p.text] = int32(i)
	}
	t := &Tokenizer{}
	if t.model, err = sp.model(ids); err != nil {
		return nil, err
	}
	if t.vocab, err = newVocabulary(ids); err != nil {
		return nil, err
	}
	if err := sp.pipeline(t, cfg); err != nil {
		return nil, fmt.Errorf("normalizer_spec: %w", err)
	}
	if t.added, err = newAddedTokens(cfg.merge(&t.vocab, sp.specials()), t.normalizer); err != nil {
		return nil, err
	}
	sp.name(&cfg)
	t.affix.prefix = cfg.flagged(t, orTrue(cfg.AddBOS), "bos_token")
	t.affix.suffix = cfg.flagged(t, cfg.AddEOS != nil && *cfg.AddEOS || cfg.endsText(), "eos_token")
	return t, nil
}

// endsText reports whether the reference's class puts an end token behind every text, whatever the configuration says.
func (cfg *settings) endsText() bool {
	return strings.TrimSuffix(cfg.Class, "Fast") == "T5Tokenizer" || cfg.canonical() != nil
}

// canonical is what the reference's class does to texts before the model's own rules; nil: nothing.
func (cfg *settings) canonical() normalizer {
	if cfg.Class != "SiglipTokenizer" {
		return nil
	}
	return canonical(orTrue(cfg.Lower))
}

// model is the one that the pieces are for.
func (m *spModel) model(ids map[string]int32) (model, error) {
	if m.modelType == modelUnigram {
		return m.unigram(ids)
	}
	return m.bpe(ids), nil
}

// pipeline puts the dummy prefix before every stretch of text between special tokens (legacy behaviour, the default)
// or only before the first.
func (m *spModel) pipeline(t *Tokenizer, cfg settings) error {
	prefix := m.dummyPrefix && orTrue(cfg.AddPrefixSpace)
	escape := normalizerFunc(func(s string) string { return strings.ReplaceAll(s, " ", mark) })
	var ns normalizers
	if len(m.charsMap) > 0 {
		c, err := newCharsMap(m.charsMap)
		if err != nil {
			return err
		}
		ns = append(ns, normalizerFunc(c.longest))
	}
	if own := cfg.canonical(); own != nil {
		ns = append(normalizers{own}, ns...)
		prefix = true
	} else if m.trimSpaces {
		ns = append(ns, normalizerFunc(func(s string) string {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
		}))
	}
	switch {
	case prefix && orTrue(cfg.Legacy):
		ns = append(ns, prepend(mark), escape)
	case prefix:
		t.pre = metaspace{mark: mark, scheme: "first"}
	default:
		ns = append(ns, escape)
	}
	t.normalizer = ns
	t.decoders = []decoder{
		replacing(literal(mark), " ", false),
		decoderFunc(startByteFallback),
	}
	if cfg.Class == plainSentencePiece {
		t.decoders[1] = decoderFunc(startByteCharacters)
	}
	if prefix {
		t.decoders = append(t.decoders, stripping(" ", 1, 0, true))
	}
	return nil
}

// plainSentencePiece is the tokenizer_class of a model that SentencePiece itself is the
// reference for, and not transformers.
const plainSentencePiece = "SentencePieceProcessor"

// specials lists the control and unknown pieces.
func (m *spModel) specials() []addedToken {
	var list []addedToken
	for i, p := range m.pieces {
		if p.kind == pieceControl || p.kind == pieceUnknown {
			list = append(list, addedToken{ID: int32(i), Content: p.text, Special: true})
		}
	}
	return list
}

// name fills in the names that the configuration lacks.
func (m *spModel) name(cfg *settings) {
	for _, p := range m.pieces {
		if p.kind != pieceControl {
			continue
		}
		for name, content := range map[string]string{"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"} {
			if _, ok := cfg.names[name]; !ok && p.text == content {
				cfg.names[name] = content
			}
		}
	}
}

// bpe turns scores into merges: SentencePiece merges the adjacent pair whose concatenation is the piece of the highest
// score, so every way to split a piece is a merge of that piece's rank.
func (m *spModel) bpe(ids map[string]int32) *bpe {
	b := &bpe{ids: ids, merges: map[uint64]merge{}, unk: -1, fuseUnk: true, base: int32(len(m.pieces))}
	symbols := map[string]int32{} // what merging may meet
	for i, p := range m.pieces {
		switch p.kind {
		case pieceNormal, pieceUnused:
			symbols[p.text] = int32(i)
		case pieceUnknown:
			b.unk = int32(i)
		}
	}
	b.chars = map[rune]int32{}
	for i := range b.ascii {
		b.ascii[i] = -1
	}
	for _, p := range m.pieces {
		if p.kind == pieceNormal {
			b.addChars(p.text, symbols)
		}
	}
	if m.byteFallback {
		b.useByteFallback()
	}
	crossing := false
	ranks := m.ranks()
	for i, p := range m.pieces {
		if p.kind != pieceNormal {
			continue
		}
		crossing = b.addSplits(p.text, merge{ranks[i], int32(i)}, symbols) || crossing
	}
	for i, p := range m.pieces {
		if p.kind == pieceUser {
			crossing = crossing || crosses(p.text)
			b.frozen = b.frozen.insert(p.text, b.addAlias(p.text, int32(i)))
		}
	}
	if _, ok := ids[mark]; ok && !crossing && b.knowsAll() {
		b.boundary = []rune(mark)[0]
	}
	return b
}

// unigram takes the scores as they are. Pieces of the user's are better than any way to spell them.
func (m *spModel) unigram(ids map[string]int32) (*unigram, error) {
	u := &unigram{ids: map[string]int32{}, unk: -1, single: true, scores: make([]float64, len(m.pieces))}
	least, most := float32(math.Inf(1)), float32(math.Inf(-1))
	for i, p := range m.pieces {
		switch p.kind {
		case pieceNormal:
			least, most = min(least, p.score), max(most, p.score)
		case pieceUnknown:
			u.unk = int32(i)
		}
	}
	if u.unk < 0 {
		return nil, errors.New("no piece for what is unknown")
	}
	u.unknown = float64(least - unkPenalty)
	for i, p := range m.pieces {
		if p.kind != pieceNormal && p.kind != pieceUser {
			continue
		}
		u.ids[p.text], u.longest, u.scores[i] = int32(i), max(u.longest, len(p.text)), float64(p.score)
		if p.kind == pieceUser {
			u.scores[i] = float64(float32(len(p.text))*most - 0.1)
		}
	}
	if m.byteFallback {
		bytes := &unigram{ids: ids}
		bytes.findBytes()
		u.bytes = bytes.bytes
	}
	return u, nil
}

// crosses reports whether text has a mark behind another character.
func crosses(text string) bool {
	return strings.Contains(strings.TrimLeft(text, mark), mark)
}

func (m *bpe) addAlias(text string, id int32) int32 {
	m.aliases = append(m.aliases, alias{text, id})
	return m.base + int32(len(m.aliases)) - 1
}

// addChars makes every character of text a symbol, by an alias where it is no piece.
func (m *bpe) addChars(text string, symbols map[string]int32) {
	for _, r := range text {
		if _, ok := m.chars[r]; ok {
			continue
		}
		c := string(r)
		id, ok := symbols[c]
		if !ok {
			id = m.addAlias(c, -1)
			symbols[c] = id
		}
		m.setChar(r, id)
	}
}

// addSplits adds every merge that makes text, and reports whether one has a mark after another character.
func (m *bpe) addSplits(text string, to merge, symbols map[string]int32) bool {
	crossing := false
	for i := range text {
		left, ok := symbols[text[:i]]
		if !ok {
			continue
		}
		right, ok := symbols[text[i:]]
		if !ok {
			continue
		}
		m.merges[pairKey(left, right)] = to
		if strings.HasPrefix(text[i:], mark) && !strings.HasSuffix(text[:i], mark) {
			crossing = true
		}
	}
	return crossing
}

// ranks gives pieces of equal score equal ranks, the highest score first.
func (m *spModel) ranks() []int32 {
	order := make([]int32, len(m.pieces))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(m.pieces[b].score, m.pieces[a].score) })
	ranks := make([]int32, len(order))
	for i, id := range order {
		switch {
		case i == 0:
		case m.pieces[id].score == m.pieces[order[i-1]].score:
			ranks[id] = ranks[order[i-1]]
		default:
			ranks[id] = ranks[order[i-1]] + 1
		}
	}
	return ranks
}
