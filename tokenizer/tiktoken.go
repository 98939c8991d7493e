package tokenizer

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/text/unicode/norm"
)

// qwenExtras is how many tokens of Qwen's first generation are there for later use.
const qwenExtras = 205

// readTiktoken reads the qwen.tiktoken of Qwen and Qwen-VL: a line for every token, its bytes in base64 and its rank,
// which is its id. The pipeline and the special tokens, whose ids follow, are in their tokenization_qwen.py.
func readTiktoken(data []byte, _ folder, cfg settings) (*Tokenizer, error) {
	tokens, err := parseRanks(data)
	if err != nil {
		return nil, err
	}
	m, ids, err := rankedBPE(tokens)
	if err != nil {
		return nil, err
	}
	re, err := newRegex(qwen2Regex)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{
		model: m, normalizer: normalizerFunc(norm.NFC.String),
		pre:      preTokenizers{splitter{re, "Isolated", false}, byteLevel{}},
		decoders: []decoder{decoderFunc(startByteLevel)},
	}
	if t.vocab, err = newVocabulary(ids); err != nil {
		return nil, err
	}
	list := qwenSpecials(int32(len(tokens)))
	for _, a := range list {
		if err := t.vocab.add(a.Content, a.ID); err != nil {
			return nil, err
		}
	}
	if _, ok := cfg.names["eos_token"]; !ok {
		cfg.names["eos_token"] = "<|endoftext|>"
	}
	t.added, err = newAddedTokens(cfg.merge(&t.vocab, list), t.normalizer)
	return t, err
}

// qwenSpecials are the special tokens with ids from first on. Those for pictures and places are read in any text and
// shown in answers: they are what the model says about places.
func qwenSpecials(first int32) []addedToken {
	names := []string{"<|endoftext|>", "<|im_start|>", "<|im_end|>"}
	for i := range qwenExtras {
		names = append(names, fmt.Sprintf("<|extra_%d|>", i))
	}
	control := len(names)
	names = append(names, "<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>", "<img>", "</img>", "<imgpad>")
	list := make([]addedToken, len(names))
	for i, name := range names {
		list[i] = addedToken{ID: first + int32(i), Content: name, Special: i < control}
	}
	return list
}

// parseRanks returns the bytes of every token by rank.
func parseRanks(data []byte) ([]string, error) {
	ranks := map[int]string{}
	for i, line := range bytes.Split(data, []byte("\n")) {
		fields := bytes.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d: want a token in base64 and its rank", i+1)
		}
		token, err := base64.StdEncoding.DecodeString(string(fields[0]))
		if err != nil || len(token) == 0 {
			return nil, fmt.Errorf("line %d: %q is no token in base64", i+1, fields[0])
		}
		rank, err := strconv.Atoi(string(fields[1]))
		if _, twice := ranks[rank]; err != nil || twice || rank < 0 || rank >= maxIDs {
			return nil, fmt.Errorf("line %d: rank %q, want numbers from 0 on, each once", i+1, fields[1])
		}
		if len(token) > maxAddedLen {
			return nil, fmt.Errorf("line %d: a token of %d bytes, at most %d", i+1, len(token), maxAddedLen)
		}
		ranks[rank] = string(token)
	}
	tokens := make([]string, len(ranks))
	for rank, token := range ranks {
		if rank >= len(tokens) {
			return nil, fmt.Errorf("rank %d of %d tokens: ranks must be without gaps", rank, len(tokens))
		}
		tokens[rank] = token
	}
	return tokens, nil
}

// rankedBPE makes the model of ranks alone. Two neighbours may merge whenever they spell a token, and that of lowest
// rank comes first: so every cut of a token into two others is a merge.
func rankedBPE(tokens []string) (*bpe, map[string]int32, error) {
	m := &bpe{ids: make(map[string]int32, len(tokens)), merges: map[uint64]merge{}, unk: -1, ignoreMerges: true}
	raw := make(map[string]int32, len(tokens))
	for id, token := range tokens {
		if other, twice := raw[token]; twice {
			return nil, nil, fmt.Errorf("tokens %d and %d are the same", other, id)
		}
		raw[token] = int32(id)
		m.ids[toByteChars(token)] = int32(id)
	}
	for b := range 256 {
		if _, ok := raw[string([]byte{byte(b)})]; !ok {
			return nil, nil, fmt.Errorf("no token for byte %d", b)
		}
	}
	for id, token := range tokens {
		for cut := 1; cut < len(token); cut++ {
			left, ok := raw[token[:cut]]
			if !ok {
				continue
			}
			if right, ok := raw[token[cut:]]; ok {
				m.merges[pairKey(left, right)] = merge{rank: int32(id), id: int32(id)}
			}
		}
		if len(m.merges) > maxMerges {
			return nil, nil, errors.New("too many merges")
		}
	}
	m.index()
	return m, m.ids, nil
}
