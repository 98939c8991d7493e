package tokenizer

import (
	"maps"
	"math"
	"strings"
	"testing"
)

// spmMetadata is a small SentencePiece vocabulary without bytes, with a chat template.
func spmMetadata() map[string]any {
	return map[string]any{
		ggmlModel:              "llama",
		ggmlTokens:             []string{"<unk>", "<s>", "</s>", mark, "a", "b", "ab", mark + "ab", "<img>", ""},
		ggmlScores:             []float32{0, 0, 0, -3, -4, -5, -1, -2, 0, 0},
		ggmlKinds:              []int32{2, 3, 3, 1, 1, 1, 1, 1, 4, 5},
		ggufTemplate:           "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}",
		ggufTemplate + ".tool": "tool",
		ggufTemplate + "s":     []string{"tool"},
	}
}

// byteMetadata is a small byte-level vocabulary.
func byteMetadata() map[string]any {
	return map[string]any{
		ggmlModel:              "gpt2",
		ggmlPre:                "gpt-2",
		ggmlTokens:             []string{"a", "b", "ab", "Ġ", "Ġab", "<|end|>"},
		ggmlMerges:             []string{"a b", "Ġ ab"},
		ggml + "eos_token_id":  uint32(5),
		ggml + "bos_token_id":  uint8(5),
		ggml + "add_bos_token": true,
	}
}

func bertMetadata() map[string]any {
	return map[string]any{
		ggmlModel:  "bert",
		ggmlTokens: []string{"[PAD]", "[UNK]", "[CLS]", "[SEP]", mark + "a", "b", mark + "É"},
	}
}

func TestGGUFKeys(t *testing.T) {
	for _, c := range []struct {
		name string
		kv   map[string]any
		with map[string]any
		text string
		want []int32
		back string
	}{
		{"prefix", spmMetadata(), nil, "ab a", []int32{1, 7, 3, 4}, "<s> ab a"},
		{"prefix between tokens", spmMetadata(), nil, "ab<img>ab</s>b", []int32{1, 7, 8, 7, 2, 3, 5}, ""},
		{"no prefix", spmMetadata(), map[string]any{ggmlPrefix: false}, "ab  ab", []int32{1, 6, 3, 7}, "<s>ab  ab"},
		{"spaces removed", spmMetadata(), map[string]any{ggmlTrim: true}, " ab   ab ", []int32{1, 7, 7}, ""},
		{"no begin", spmMetadata(), map[string]any{ggmlAddBOS: false, ggmlAddEOS: true}, "ab", []int32{7, 2}, "ab</s>"},
		{"unknown", spmMetadata(), nil, "xy", []int32{1, 3, 0}, ""},
		{"whole scores", spmMetadata(), map[string]any{ggmlScores: make([]int32, 10)}, "ab", []int32{1, 7}, ""},
		{"other names", spmMetadata(), map[string]any{ggml + "bos_token_id": int64(8)}, "a", []int32{8, 3, 4}, ""},
		{"bytes", byteMetadata(), nil, "ab ab<|end|>", []int32{5, 2, 4, 5}, "<|end|>ab ab<|end|>"},
		{"default words", byteMetadata(), map[string]any{ggmlPre: "default"}, "ab ab", []int32{5, 2, 4}, ""},
		{"cased", bertMetadata(), map[string]any{ggmlLower: false, ggmlAccents: false}, "É ab a É b",
			[]int32{2, 6, 4, 5, 4, 6, 1, 3}, "[CLS] É ab a É [UNK] [SEP]"},
		{"uncased", bertMetadata(), nil, "Áb É", []int32{2, 4, 5, 1, 3}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			maps.Copy(c.kv, c.with)
			tok, err := FromGGUF(c.kv)
			if err != nil {
				t.Fatal(err)
			}
			checkIDs(t, c.text, tok.Encode(c.text), c.want)
			if c.back != "" {
				checkText(t, tok.Decode(c.want, false), c.back)
			}
			checkStream(t, tok, c.want)
		})
	}
}

// Ids that no token has are written as padding and read as what they are.
func TestGGUFPadding(t *testing.T) {
	kv := spmMetadata()
	kv[ggmlTokens].([]string)[9] = "[PAD9]"
	kv[ggml+"padding_token_id"] = uint32(9)
	tok, err := FromGGUF(kv)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := tok.Pad(); ok || tok.Token(9) != "" || tok.Size() != 10 || tok.Decode([]int32{9}, false) != "" {
		t.Errorf("token 9 is %q", tok.Token(9))
	}
}

func TestGGUFTemplates(t *testing.T) {
	tok, err := FromGGUF(spmMetadata())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"": "<s>hi", "tool": "tool"} {
		tpl, err := tok.ChatTemplate(name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := tpl.Render([]Message{{Role: "user", Text: "hi"}}, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkText(t, got, want)
	}
	if tok.HasChatTemplate("s") {
		t.Error("the list of names is a template")
	}
	if !tok.Special(1) || tok.Special(8) || tok.Token(9) != "" || tok.Size() != 10 {
		t.Error("Special, Token or Size is wrong")
	}
	checkIDs(t, "literal", tok.Encode("a</s><img>", Bare, Literal), []int32{3, 4, 0, 8})
}

func TestBadGGUF(t *testing.T) {
	type change = map[string]any
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		kv, with map[string]any // a value of nil takes the key away
		want     string
	}{
		{nil, nil, ggmlModel + ": missing"},
		{nil, change{ggmlModel: 3}, ggmlModel + ": a value of type int, want string"},
		{nil, change{ggmlModel: "t5"}, ggmlModel + `: "t5" is not supported; known are bert, gpt2 and llama`},
		{spmMetadata(), change{ggmlTokens: nil}, ggmlTokens + ": missing"},
		{spmMetadata(), change{ggmlTokens: []int32{1}}, ggmlTokens + ": a value of type []int32, want []string"},
		{spmMetadata(), change{ggmlTokens: []string{}}, ggmlTokens + ": 0 tokens"},
		{spmMetadata(), change{ggmlTokens: make([]string, maxIDs+1)}, "2097153 tokens, want 1 to 2097152"},
		{spmMetadata(), change{ggmlTokens: make([]string, 3)}, ggmlKinds + ": 10 values, but there are 3 tokens"},
		{spmMetadata(), change{ggmlKinds: []int64{}}, ggmlKinds + ": a value of type []int64"},
		{spmMetadata(), change{ggmlKinds: []int32{7, 0, 0, 0, 0, 0, 0, 0, 0, 0}}, ggmlKinds + "[0]: 7, want 1 to 6"},
		{spmMetadata(), change{ggmlScores: nil}, ggmlScores + ": missing"},
		{spmMetadata(), change{ggmlScores: []float32{1}}, ggmlScores + ": 1 values, but there are 10 tokens"},
		{spmMetadata(), change{ggmlScores: []float64{1}}, ggmlScores + ": a value of type []float64"},
		{spmMetadata(), change{ggmlScores: []float32{9: float32(math.NaN())}}, ggmlScores + "[9]: not a number"},
		{spmMetadata(), change{ggmlTokens: []string{"a", "b", "a", "", "", "", "", "", "", ""}}, ggmlTokens + `[2]: "a" is token 0 already`},
		{spmMetadata(), change{ggmlTokens: []string{"a\xff", "", "", "", "", "", "", "", "", ""}}, ggmlTokens + `[0]: "a\xff" is not UTF-8`},
		{spmMetadata(), change{ggmlTokens: []string{3: long, 9: "x"}}, ggmlTokens + `[3]: 300 bytes, at most 256`},
		{spmMetadata(), change{ggmlTokens: []string{1: long + long + long + long, 9: "x"}}, ggmlTokens + ": added token 1: 1200 bytes"},
		{spmMetadata(), change{ggml + "bos_token_id": uint32(10)}, "bos_token_id: 10 is not one of the 10 tokens"},
		{spmMetadata(), change{ggml + "bos_token_id": int8(-1)}, "bos_token_id: -1 is not one of"},
		{spmMetadata(), change{ggml + "padding_token_id": uint64(math.MaxUint64)}, "padding_token_id: 4611686018427387904 is not"},
		{spmMetadata(), change{ggml + "mask_token_id": "x"}, "mask_token_id: a value of type string, want an integer"},
		{spmMetadata(), change{ggmlAddBOS: uint8(1)}, ggmlAddBOS + ": a value of type uint8, want bool"},
		{spmMetadata(), change{ggmlPrefix: "x"}, ggmlPrefix + ": a value"},
		{spmMetadata(), change{ggmlTrim: "x"}, ggmlTrim + ": a value"},
		{spmMetadata(), change{ggufTemplate: []string{"x"}}, ggufTemplate + ": a value of type []string, want string"},
		{spmMetadata(), change{ggufTemplate + ".x": 5}, ggufTemplate + ".x: a value"},
		{byteMetadata(), change{ggmlPre: "other"}, ggmlPre + `: "other" is not supported; known are a.x-4.0, `},
		{byteMetadata(), change{ggmlPre: 5}, ggmlPre + ": a value of type int"},
		{byteMetadata(), change{ggmlMerges: nil}, ggmlMerges + ": missing"},
		{byteMetadata(), change{ggmlMerges: []string{"a b", "ab"}}, ggmlMerges + `[1]: merge "ab"`},
		{byteMetadata(), change{ggmlMerges: []string{"a b", "b a"}}, ggmlMerges + `[1]: "ba" is not in vocab`},
		{byteMetadata(), change{ggmlAddEOS: true, ggml + "eos_token_id": nil}, ggmlAddEOS + ": true, but the file names no eos_token"},
		{bertMetadata(), change{ggmlTokens: []string{"a"}}, ggmlTokens + `: unk_token "" is not in vocab`},
		{bertMetadata(), change{ggmlLower: 1}, ggmlLower + ": a value"},
		{bertMetadata(), change{ggmlAccents: 1}, ggmlAccents + ": a value"},
	} {
		kv := map[string]any{}
		maps.Copy(kv, c.kv)
		maps.Copy(kv, c.with)
		maps.DeleteFunc(kv, func(_ string, v any) bool { return v == nil })
		_, err := FromGGUF(kv)
		if err == nil || !strings.HasPrefix(err.Error(), "tokenizer: tokenizer.") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.with, err, c.want)
		}
	}
}
