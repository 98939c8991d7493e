package tokenizer

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// ggufPre is one of llama.cpp's pre-tokenizers, which GGUF calls by name. The expressions cut one after another; the
// names are those under which llama.cpp cuts alike.
type ggufPre struct {
	names        string // separated by spaces; the first one is written
	exprs        []string
	nfc          bool // as the reference does; llama.cpp leaves text as it is
	ignoreMerges bool
	addBOS       bool
}

const (
	falconRegex = "[\\p{P}\\$\\+<=>\\^~\\|`]+"
	plainRegex  = `[\p{P}\$\+<=>\^~\|]+`
	tekkenRegex = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|` +
		`\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	gpt4oRegex = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|` +
		`\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

func ggufPres() []ggufPre {
	return []ggufPre{
		{names: "gpt-2 phi-2 mpt olmo jais trillion granite-docling exaone4 gigachat a.x-4.0 mellum modern-bert " +
			"jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code roberta-bpe", exprs: []string{gpt2Regex}},
		{names: "qwen2", exprs: []string{qwen2Regex}, nfc: true},
		{names: "deepseek-r1-qwen megrez stablelm2 hunyuan solar-open grok-2 kormo f2llmv2", exprs: []string{qwen2Regex}},
		{names: "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", exprs: []string{llama3Regex},
			ignoreMerges: true, addBOS: true},
		{names: "glm4 glm5", exprs: []string{llama3Regex}, ignoreMerges: true},
		{names: "chatglm-bpe dbrx smaug-bpe", exprs: []string{llama3Regex}},
		{names: "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2", exprs: []string{`\p{N}`, gpt2Regex}},
		{names: "falcon", exprs: []string{falconRegex, gpt2Regex, `[0-9][0-9][0-9]`}},
		{names: "tekken", exprs: []string{tekkenRegex}, ignoreMerges: true, addBOS: true},
		{names: "gpt-4o llama4 kanana2", exprs: []string{gpt4oRegex}},
		{names: "default", exprs: []string{plainRegex, gpt2Regex, `\p{N}+`, `[0-9][0-9][0-9]`}},
	}
}

func ggufPreOf(name string) (ggufPre, error) {
	var known []string
	for _, p := range ggufPres() {
		names := strings.Fields(p.names)
		if slices.Contains(names, name) {
			return p, nil
		}
		known = append(known, names...)
	}
	slices.Sort(known)
	return ggufPre{}, fmt.Errorf("%s: %q is not supported; known are %s", ggmlPre, name, strings.Join(known, ", "))
}

func (p *ggufPre) build() (normalizer, preTokenizer, error) {
	var cuts preTokenizers
	for _, expr := range p.exprs {
		re, err := newRegex(expr)
		if err != nil {
			return nil, nil, err
		}
		cuts = append(cuts, splitter{re, "Isolated", false})
	}
	cuts = append(cuts, byteLevel{})
	if p.nfc {
		return normalizerFunc(norm.NFC.String), cuts, nil
	}
	return nil, cuts, nil
}
