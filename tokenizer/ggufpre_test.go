package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// The words were cut by huggingface/tokenizers 0.21.1 with the expressions of the models or, where llama.cpp alone has
// any, of llama.cpp.
func TestGGUFPreTokenizers(t *testing.T) {
	data, err := os.ReadFile("testdata/words.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Text  string
		Words map[string][]string
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for name, words := range want.Words {
		p, err := ggufPreOf(name)
		if err != nil {
			t.Fatal(err)
		}
		n, pre, err := p.build()
		if err != nil {
			t.Fatal(err)
		}
		got := (&Tokenizer{normalizer: n, pre: pre}).words(want.Text)
		for i, w := range got {
			got[i] = string(fromByteChars(nil, w))
		}
		if !slices.Equal(got, words) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, words)
		}
	}
}

// No name stands twice, and the probe tells apart what the first names do.
func TestGGUFPreNames(t *testing.T) {
	seen := map[string]bool{}
	cuts := map[string]string{}
	for _, p := range ggufPres() {
		for _, name := range strings.Fields(p.names) {
			if seen[name] {
				t.Errorf("%s stands twice", name)
			}
			seen[name] = true
		}
		n, pre, err := p.build()
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Join((&Tokenizer{normalizer: n, pre: pre}).words(wordsProbe), "|")
		if p.ignoreMerges {
			words += " merges ignored"
		}
		first := strings.Fields(p.names)[0]
		if other, same := cuts[words]; same && first != "glm4" { // which llama-bpe stands for
			t.Errorf("%s cuts the probe as %s does", first, other)
		}
		cuts[words] = first
	}
}
