package tokenizer

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const bpeModel = `"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}`

func TestBadFiles(t *testing.T) {
	config := "tokenizer_config.json"
	for _, c := range []struct{ file, data, want string }{
		{"tokenizer.json", `{`, "tokenizer.json: "},
		{"tokenizer.json", `{}`, "tokenizer.json: model: missing"},
		{"tokenizer.json", `{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a c"]}}`, `merges[0]: "c" is not in vocab`},
		{"tokenizer.json", `{"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}`, `id 0 already names`},
		{"tokenizer.json", `{"model": {"type": "BPE", "vocab": {"a": 2000000000}, "merges": []}}`, `id 2000000000`},
		{"tokenizer.json", `{"model": {"type": "BPE", "vocab": {"a": -1}, "merges": []}}`, `id -1`},
		{"tokenizer.json", `{"normalizer": {"type": "Nmt"}, ` + bpeModel + `}`, `normalizer: type "Nmt" is not supported`},
		{"tokenizer.json", `{"pre_tokenizer": {"type": "UnicodeScripts"}, ` + bpeModel + `}`, `pre_tokenizer: type "UnicodeScripts"`},
		{"tokenizer.json", `{"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(("}, "behavior": "Isolated"}, ` + bpeModel + `}`, `pattern`},
		{"tokenizer.json", `{"decoder": {"type": "CTC"}, ` + bpeModel + `}`, `decoder: type "CTC"`},
		{"tokenizer.json", `{"post_processor": {"type": "X"}, ` + bpeModel + `}`, `post_processor: type "X"`},
		{"tokenizer.json", `{"post_processor": {"type": "BertProcessing", "cls": ["c", 7], "sep": ["s", 1]}, ` + bpeModel + `}`, `id 7 is not in the vocabulary`},
		{"tokenizer.json", `{"added_tokens": [{"id": 1, "content": "x"}], ` + bpeModel + `}`, `added_tokens[0]: token "x": id 1 already names "b"`},
		{"tokenizer.json", `{"added_tokens": [{"id": 9, "content": "` + strings.Repeat("x", 2000) + `"}], ` + bpeModel + `}`, `2000 bytes`},
		{"tokenizer.model", "\x0a\xff\xff\xff\xff\x0f", "tokenizer.model: protobuf: truncated"},
		{"tokenizer.model", "", "tokenizer.model: no pieces"},
		{"tokenizer.model", "\x0a\x03\x0a\x01a", "tokenizer.model: no piece for what is unknown"},
		{"vocab.json", `[]`, "vocab.json: "},
		{config, `{"added_tokens_decoder": {"x": {"content": "y"}}}`, config + ": added_tokens_decoder"},
		{config, `{"bos_token": 5}`, config + ": bos_token"},
		{"added_tokens.json", `{"a": "b"}`, "added_tokens.json: "},
		{"chat_template.json", `{"chat_template": 5}`, "chat_template.json: chat_template: "},
	} {
		_, err := OpenFS(fstest.MapFS{c.file: {Data: []byte(c.data)}}, ".")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %.60s: got %v, want %q", c.file, c.data, err, c.want)
		}
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no tokenizer.json") {
		t.Errorf("empty directory: %v", err)
	}
}

// Every prefix of a good file either opens or fails with an error.
func TestTruncated(t *testing.T) {
	data, err := os.ReadFile("testdata/llava15/tokenizer.model")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(data); n += 61 {
		if tok, err := OpenFS(fstest.MapFS{"tokenizer.model": {Data: data[:n]}}, "."); err == nil {
			tok.Encode("some text")
		}
	}
}

func TestAddedTokenRules(t *testing.T) {
	const file = `{"added_tokens": [
		{"id": 10, "content": "<l>", "lstrip": true, "special": true},
		{"id": 11, "content": "<r>", "rstrip": true},
		{"id": 12, "content": "word", "single_word": true},
		{"id": 13, "content": "ABBA", "normalized": true},
		{"id": 14, "content": "<l><l>"}],
		"normalizer": {"type": "Lowercase"},
		"model": {"type": "BPE", "unk_token": "?", "vocab": {"a": 0, "b": 1, "ab": 2, " ": 3, "?": 4}, "merges": ["a b"]}}`
	tok, err := OpenFS(fstest.MapFS{"tokenizer.json": {Data: []byte(file)}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		want []int32
		opts []Option
	}{
		{"a  <l> b", []int32{0, 10, 3, 1}, nil},
		{"a <r>  b", []int32{0, 3, 11, 1}, nil},
		{"a word", []int32{0, 3, 12}, nil},
		{"aword", []int32{0, 4, 4, 4, 4}, nil},
		{"abba", []int32{13}, nil},
		{"AB", []int32{2}, nil},
		{"<l><l>", []int32{14}, nil},
		{"<l>", []int32{4, 4, 4}, []Option{Literal}},
	} {
		checkIDs(t, c.text, tok.Encode(c.text, c.opts...), c.want)
	}
}

// Both ways to merge must agree, and the cache must not change a result.
func TestLongWords(t *testing.T) {
	tok, err := Open("testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	m := tok.model.(*bpe)
	for _, text := range readExpected(t).Texts {
		word := strings.ReplaceAll(text, " ", mark)
		if word == "" {
			continue
		}
		var s scratch
		short := slices.Clone(m.mergeShort(m.symbols(nil, word), &s))
		long := m.mergeLong(m.symbols(nil, word), &s)
		checkIDs(t, word, long, short)
		checkIDs(t, word, m.encode(nil, word, &s), short)
		checkIDs(t, word, m.encode(nil, word, &s), short)
	}
}
