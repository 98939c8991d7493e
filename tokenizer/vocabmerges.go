package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
)

// readVocabMerges reads vocab.json and merges.txt. Those say nothing of the pipeline: it follows from tokenizer_class,
// by the reference's converters.
func readVocabMerges(data []byte, d folder, cfg settings) (*Tokenizer, error) {
	p := bpeJSON{Type: "BPE"}
	if err := json.Unmarshal(data, &p.Vocab); err != nil {
		return nil, err
	}
	text, err := d.read("merges.txt")
	if err != nil {
		return nil, err
	}
	if p.Merges, err = parseMerges(string(text)); err != nil {
		return nil, fmt.Errorf("merges.txt: %w", err)
	}
	f, err := pipelineOf(&p, cfg)
	if err != nil {
		return nil, err
	}
	model, err := json.Marshal(&p)
	if err != nil {
		return nil, err
	}
	f.Model = model
	t, err := f.build(cfg)
	if err != nil {
		return nil, err
	}
	bos, eos := strings.HasPrefix(cfg.Class, "CLIP"), strings.HasPrefix(cfg.Class, "CLIP")
	if cfg.AddBOS != nil {
		bos = *cfg.AddBOS
	}
	if cfg.AddEOS != nil {
		eos = *cfg.AddEOS
	}
	t.affix = affix{cfg.flagged(t, bos, "bos_token"), cfg.flagged(t, eos, "eos_token")}
	return t, nil
}

func parseMerges(text string) ([]mergePair, error) {
	var merges []mergePair
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" || i == 0 && strings.HasPrefix(line, "#version") {
			continue
		}
		var p mergePair
		if err := p.parse(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		merges = append(merges, p)
	}
	return merges, nil
}

func pipelineOf(p *bpeJSON, cfg settings) (*tokenizerJSON, error) {
	prefixSpace := cfg.AddPrefixSpace != nil && *cfg.AddPrefixSpace
	var f tokenizerJSON
	f.Decoder = part(`{"type": "ByteLevel"}`)
	switch strings.TrimSuffix(cfg.Class, "Fast") {
	case "GPT2Tokenizer":
		f.PreTokenizer = part(fmt.Sprintf(`{"type": "ByteLevel", "add_prefix_space": %t}`, prefixSpace))
	case "Qwen2Tokenizer":
		f.Normalizer = part(`{"type": "NFC"}`)
		f.PreTokenizer = part(`{"type": "Sequence", "pretokenizers": [
			{"type": "Split", "pattern": {"Regex": ` + quote(qwen2Regex) + `}, "behavior": "Isolated"},
			{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]}`)
	case "CLIPTokenizer":
		p.Suffix = "</w>"
		if unk, ok := cfg.names["unk_token"]; ok {
			p.UnkToken = &unk
		}
		f.Normalizer = part(`{"type": "Sequence", "normalizers": [{"type": "NFC"},
			{"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}, {"type": "Lowercase"}]}`)
		f.PreTokenizer = part(`{"type": "Sequence", "pretokenizers": [
			{"type": "Split", "pattern": {"Regex": ` + quote(clipRegex) + `}, "behavior": "Removed", "invert": true},
			{"type": "ByteLevel", "add_prefix_space": false}]}`)
	default:
		return nil, fmt.Errorf("tokenizer_config.json: tokenizer_class %q is not supported without tokenizer.json", cfg.Class)
	}
	return &f, nil
}

// part parses a component written in this file.
func part(text string) *component {
	var c component
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		panic(err)
	}
	return &c
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
