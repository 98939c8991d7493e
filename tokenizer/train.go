package tokenizer

import (
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Vocabulary is a trained byte-level BPE vocabulary, as the two files that transformers loads.
type Vocabulary struct {
	TokenizerJSON       []byte // tokenizer.json
	TokenizerConfigJSON []byte // tokenizer_config.json
}

// Special names the special tokens of a vocabulary to be trained. Empty names are left out.
type Special struct {
	BOS, EOS, Pad string
	More          []string // such as "<image>"
	Ends          bool     // EOS stands behind a text, as BOS before it
}

// Train makes a byte-level BPE vocabulary of size tokens from texts: the special tokens have the first ids, the 256
// bytes follow, then the merges, of which each joins the pair of tokens that is most frequent at that time (Sennrich et
// al. 2016); among equals the pair that sorts first. Words are those of GPT-2, with the space before them. The result
// depends on the texts and their order only; it has fewer tokens where the texts give no further pair.
func Train(texts iter.Seq[string], size int, special Special) (*Vocabulary, error) {
	names := special.list()
	if least := len(names) + 256; size < least || size > maxIDs {
		return nil, fmt.Errorf("tokenizer: train: size %d, want %d to %d", size, least, maxIDs)
	}
	vocab := make(map[string]int32, size)
	for i, name := range names {
		if _, twice := vocab[name]; twice {
			return nil, fmt.Errorf("tokenizer: train: special token %q occurs twice", name)
		}
		vocab[name] = int32(i)
	}
	tr := newTrainer(texts)
	for i, token := range tr.tokens {
		if _, taken := vocab[token]; taken {
			return nil, fmt.Errorf("tokenizer: train: special token %q is a byte", token)
		}
		vocab[token] = int32(len(names) + i)
	}
	var merges []mergePair
	for len(vocab) < size {
		pair, ok := tr.best(vocab)
		if !ok {
			break
		}
		merges = append(merges, mergePair{tr.tokens[pair[0]], tr.tokens[pair[1]]})
		vocab[tr.merge(pair)] = int32(len(vocab))
	}
	return special.files(vocab, merges)
}

func (s *Special) list() []string {
	var names []string
	for _, name := range append([]string{s.Pad, s.BOS, s.EOS}, s.More...) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// files makes the two files.
func (s *Special) files(vocab map[string]int32, merges []mergePair) (*Vocabulary, error) {
	type object = map[string]any
	added := []object{}
	config := object{
		"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1 << 20, "clean_up_tokenization_spaces": false,
	}
	decoder := object{}
	for _, name := range s.list() {
		flags := object{"content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
		decoder[fmt.Sprint(vocab[name])] = maps.Clone(flags)
		flags["id"] = vocab[name]
		added = append(added, flags)
	}
	config["added_tokens_decoder"] = decoder
	for key, name := range map[string]string{"bos_token": s.BOS, "eos_token": s.EOS, "pad_token": s.Pad} {
		if name != "" {
			config[key] = name
		}
	}
	if len(s.More) > 0 {
		config["additional_special_tokens"] = s.More
	}
	byteLevel := object{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	if merges == nil {
		merges = []mergePair{}
	}
	tokenizer := object{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer": byteLevel, "decoder": byteLevel, "post_processor": s.postProcessor(vocab),
		"model": object{
			"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocab, "merges": merges,
		},
	}
	var v Vocabulary
	var err error
	if v.TokenizerJSON, err = json.MarshalIndent(tokenizer, "", " "); err != nil {
		return nil, fmt.Errorf("tokenizer: train: %w", err)
	}
	if v.TokenizerConfigJSON, err = json.MarshalIndent(config, "", " "); err != nil {
		return nil, fmt.Errorf("tokenizer: train: %w", err)
	}
	return &v, nil
}

// postProcessor puts BOS before a text, if there is one, and EOS behind one that is to end.
func (s *Special) postProcessor(vocab map[string]int32) any {
	type object = map[string]any
	part := func(name string) object { return object{"Sequence": object{"id": name, "type_id": 0}} }
	special := object{}
	token := func(name string) []object {
		special[name] = object{"id": name, "ids": []int32{vocab[name]}, "tokens": []string{name}}
		return []object{{"SpecialToken": object{"id": name, "type_id": 0}}}
	}
	var before, behind []object
	if s.BOS != "" {
		before = token(s.BOS)
	}
	if s.EOS != "" && s.Ends {
		behind = token(s.EOS)
	}
	if len(special) == 0 {
		return nil
	}
	single := slices.Concat(before, []object{part("A")}, behind)
	return object{
		"type": "TemplateProcessing", "single": single, "pair": slices.Concat(single, before, []object{part("B")}, behind),
		"special_tokens": special,
	}
}

// Write puts the two files into a directory.
func (v *Vocabulary) Write(dir string) error {
	for name, data := range map[string][]byte{
		"tokenizer.json": v.TokenizerJSON, "tokenizer_config.json": v.TokenizerConfigJSON,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), append(data, '\n'), 0o666); err != nil {
			return fmt.Errorf("tokenizer: %w", err)
		}
	}
	return nil
}
