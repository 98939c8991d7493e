package tokenizer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// words is what the model sees of a text without added tokens.
func (t *Tokenizer) words(text string) (words []string) {
	if t.normalizer != nil {
		text = t.normalizer.normalize(text)
	}
	if t.pre == nil {
		return []string{text}
	}
	t.pre.split(piece{text: text, id: -1, first: true}, func(p piece) {
		if p.text != "" {
			words = append(words, p.text)
		}
	})
	return words
}

// The pipeline is known by what it does with these.
const (
	spaceProbe = "A  ①\té"
	wordsProbe = "Hello world's  we'll WE'LL it'S\tI'Mx\n\n y \r\n 1 12 123 1234 12345 x1 ½ é e\u0301 — !!?? a.b/c $x <= `_\n" +
		" 你好 camelCase Ǆx ſ\u00a0z don't_x don\u2019t a\u0300 कि/\n\nend  "
)

// writeSentencePiece gives each token the rank of the merges that make it as its score.
func (t *Tokenizer) writeSentencePiece(kv metadata, m *bpe, tokens []string, kinds []int32) error {
	prefix, trim, err := t.spaces()
	if err != nil {
		return err
	}
	for b, id := range m.bytes {
		if id < 0 {
			return fmt.Errorf("byte %#02x has no token", b)
		}
		kinds[id] = pieceByte
	}
	if m.unk >= 0 {
		kinds[m.unk], kv[ggmlUnk] = pieceUnknown, uint32(m.unk)
	}
	for _, a := range m.aliases {
		if a.id >= 0 { // user-defined
			kinds[a.id] = pieceUser
		}
	}
	scores, err := m.scores(tokens, kinds)
	if err != nil {
		return err
	}
	for i, k := range kinds {
		if k == pieceUser { // these are found in the text as it is
			tokens[i] = strings.ReplaceAll(tokens[i], mark, " ")
		}
	}
	kv[ggmlModel], kv[ggmlPre], kv[ggmlScores], kv[ggmlPrefix] = "llama", "default", scores, prefix
	if trim {
		kv[ggmlTrim] = true
	}
	return nil
}

// spaces tells how the text's spaces become marks: with a prefix, trimmed.
func (t *Tokenizer) spaces() (prefix, trim bool, err error) {
	words := t.words(spaceProbe)
	for _, w := range words[min(1, len(words)):] {
		if !strings.HasPrefix(w, mark) {
			return false, false, errors.New("the pre-tokenizer cannot be expressed")
		}
	}
	text := strings.Join(words, "")
	rest, prefix := strings.CutPrefix(text, mark)
	switch rest {
	case strings.ReplaceAll(spaceProbe, " ", mark):
		return prefix, false, nil
	case strings.ReplaceAll(spaceProbe, "  ", mark):
		return prefix, true, nil
	}
	return false, false, errors.New("the normalizer cannot be expressed")
}

// scores gives the tokens that merges make the scores 0, -1, … in the order of the merges, and lower ones to the rest.
// It makes sure that SentencePiece, which merges whatever gives a token, knows no more merges.
func (m *bpe) scores(tokens []string, kinds []int32) ([]float32, error) {
	ranks, last := map[int32]int32{}, int32(-1)
	for _, to := range m.merges {
		if rank, ok := ranks[to.id]; !ok || to.rank < rank {
			ranks[to.id] = to.rank
		}
		last = max(last, to.rank)
	}
	symbols := map[string]int32{}
	for i, token := range tokens {
		if kinds[i] == pieceNormal {
			symbols[token] = int32(i)
		}
	}
	for i, a := range m.aliases {
		if a.id < 0 {
			symbols[a.text] = m.base + int32(i)
		}
	}
	scores := make([]float32, len(tokens))
	for i, token := range tokens {
		rank, made := ranks[int32(i)]
		if !made {
			rank = last + 1
		}
		scores[i] = -float32(rank)
		if kinds[i] != pieceNormal {
			continue
		}
		if err := m.splitsMerge(token, int32(i), symbols); err != nil {
			return nil, err
		}
	}
	return scores, nil
}

func (m *bpe) splitsMerge(token string, id int32, symbols map[string]int32) error {
	for i, r := range token {
		if _, ok := symbols[string(r)]; !ok {
			return fmt.Errorf("token %d: character %q alone is no token", id, r)
		}
		left, ok1 := symbols[token[:i]]
		right, ok2 := symbols[token[i:]]
		if to, ok := m.merges[pairKey(left, right)]; ok1 && ok2 && (!ok || to.id != id) {
			return fmt.Errorf("%q and %q do not merge, as they would by scores", token[:i], token[i:])
		}
	}
	return nil
}

func (t *Tokenizer) writeByteLevel(kv metadata, m *bpe) error {
	want := t.words(wordsProbe)
	name := ""
	for _, p := range ggufPres() {
		n, pre, err := p.build()
		if err != nil {
			return err
		}
		like := &Tokenizer{normalizer: n, pre: pre}
		if p.ignoreMerges == m.ignoreMerges && slices.Equal(like.words(wordsProbe), want) {
			name = strings.Fields(p.names)[0]
			break
		}
	}
	if name == "" {
		return errors.New("llama.cpp has no name for the pre-tokenizer")
	}
	type ranked struct {
		rank int32
		text string
	}
	var merges []ranked
	for pair, to := range m.merges {
		left, right := t.vocab.token(int32(pair>>32)), t.vocab.token(int32(uint32(pair)))
		merges = append(merges, ranked{to.rank, left + " " + right})
	}
	slices.SortFunc(merges, func(a, b ranked) int { return cmp.Compare(a.rank, b.rank) })
	lines := make([]string, len(merges))
	for i, r := range merges {
		lines[i] = r.text
	}
	kv[ggmlModel], kv[ggmlPre], kv[ggmlMerges] = "gpt2", name, lines
	return nil
}

func (t *Tokenizer) writeWordPiece(kv metadata, m *wordPiece, tokens []string, kinds []int32) error {
	n, ok := t.normalizer.(bertNormalizer)
	like := &Tokenizer{normalizer: n, pre: bertWords()}
	if !ok || !n.clean || !n.chinese || !slices.Equal(t.words(wordsProbe), like.words(wordsProbe)) {
		return errors.New("words are not cut as BERT cuts them")
	}
	kinds[m.unk], kv[ggmlUnk] = pieceControl, uint32(m.unk)
	for i, token := range tokens {
		if kinds[i] == pieceNormal {
			tokens[i] = m.phantom(token)
		}
	}
	kv[ggmlModel], kv[ggmlPre], kv[ggmlLower], kv[ggmlAccents] = "bert", "default", n.lower, n.strip
	return nil
}

// phantom is the inverse of fromPhantom.
func (m *wordPiece) phantom(token string) string {
	part, ok := strings.CutPrefix(token, wordPrefix)
	if !ok || part == "" {
		return mark + token
	}
	return part
}
