package tokenizer

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// A tokenizer that comes back from its own metadata gives the ids and the text that it gave before.
func TestGGUFRoundTrip(t *testing.T) {
	texts := append(readTexts(t), readExpected(t).Texts...)
	for _, c := range []struct {
		name, lacking string
		model, pre    string
	}{
		{"llava15", "", "llama", "default"},
		{"llava15", "tokenizer.json", "llama", "default"},
		{"llava_next", "", "llama", "default"},
		{"instructblip", "", "llama", "default"},
		{"stories260k", "", "llama", "default"},
		{"blip2_opt", "", "gpt2", "gpt-2"},
		{"qwen2_vl", "", "gpt2", "qwen2"},
		{"llava_onevision", "", "gpt2", "qwen2"},
		{"llava_onevision", "tokenizer.json", "gpt2", "qwen2"},
	} {
		t.Run(c.name+" without "+c.lacking, func(t *testing.T) {
			tok := openWithout(t, c.name, c.lacking)
			kv, err := tok.GGUF()
			if err != nil {
				t.Fatal(err)
			}
			if kv[ggmlModel] != c.model || kv[ggmlPre] != c.pre {
				t.Errorf("model %v, pre %v", kv[ggmlModel], kv[ggmlPre])
			}
			back, err := FromGGUF(kv)
			if err != nil {
				t.Fatal(err)
			}
			checkSame(t, back, tok, texts)
		})
	}
}

func TestGGUFRoundTripOfVocabularies(t *testing.T) {
	for _, name := range []string{"llama-spm", "bert-bge"} {
		first := readVocabulary(t, name)
		tok, err := FromGGUF(first)
		if err != nil {
			t.Fatal(err)
		}
		kv, err := tok.GGUF()
		if err != nil {
			t.Fatal(err)
		}
		if kv[ggmlModel] != first[ggmlModel] || !slices.Equal(kv[ggmlKinds].([]int32), first[ggmlKinds].([]int32)) {
			t.Errorf("%s: %s or %s differs", name, ggmlModel, ggmlKinds)
		}
		if name == "llama-spm" && !slices.Equal(kv[ggmlTokens].([]string), first[ggmlTokens].([]string)) {
			t.Errorf("%s: %s differs", name, ggmlTokens)
		}
		back, err := FromGGUF(kv)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, back, tok, readTexts(t))
	}
}

func checkSame(t *testing.T, got, want *Tokenizer, texts []string) {
	t.Helper()
	for _, text := range texts {
		ids := want.Encode(text)
		checkIDs(t, text, got.Encode(text), ids)
		checkIDs(t, text, got.Encode(text, Bare, Literal), want.Encode(text, Bare, Literal))
		checkText(t, got.Decode(ids, false), want.Decode(ids, false))
		checkText(t, got.Decode(ids, true), want.Decode(ids, true))
	}
	for name, token := range want.config.names {
		checkText(t, name+" "+got.config.names[name], name+" "+token)
	}
	if !maps.Equal(got.templates, want.templates) || got.Size() != want.Size() {
		t.Errorf("%d templates, want %d; size %d, want %d", len(got.templates), len(want.templates), got.Size(), want.Size())
	}
}

func TestGGUFCannotExpress(t *testing.T) {
	if _, err := openWithout(t, "clip").GGUF(); err == nil || !strings.Contains(err.Error(), "suffix cannot be expressed") {
		t.Errorf("got %v", err)
	}
}
