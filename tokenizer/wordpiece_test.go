package tokenizer

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
)

// bertVocab is a small vocabulary, in order of ids.
const bertVocab = `[PAD] [UNK] [CLS] [SEP] [MASK] a ##b ##c bc un ##aff ##able hello world ! , ' t do don can n ##' is it ` +
	`##s s 中 文 e m ##m . the not ##not`

// bertFile is a tokenizer.json of that vocabulary.
func bertFile(t testing.TB) []byte {
	t.Helper()
	vocab := map[string]int{}
	for i, token := range strings.Fields(bertVocab) {
		vocab[token] = i
	}
	type object = map[string]any
	data, err := json.Marshal(object{
		"normalizer": object{
			"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": nil, "lowercase": true,
		},
		"pre_tokenizer":  object{"type": "BertPreTokenizer"},
		"post_processor": object{"type": "BertProcessing", "cls": []any{"[CLS]", 2}, "sep": []any{"[SEP]", 3}},
		"decoder":        object{"type": "WordPiece", "prefix": "##", "cleanup": true},
		"model": object{
			"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 12,
			"vocab": vocab,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWordPiece(t *testing.T) {
	files := fstest.MapFS{
		"tokenizer.json":        {Data: bertFile(t)},
		"tokenizer_config.json": {Data: []byte(`{"cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}`)},
	}
	tok, err := OpenFS(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	kv, err := tok.GGUF()
	if err != nil {
		t.Fatal(err)
	}
	back, err := FromGGUF(kv)
	if err != nil {
		t.Fatal(err)
	}
	checkIDs(t, "a!", tok.Encode("a!"), []int32{2, 5, 14, 3})
	checkIDs(t, "a!", back.Encode("a!"), []int32{2, 5, 14, 3})
	for _, c := range []struct { // of huggingface/tokenizers 0.21.1
		text    string
		ids     []int32
		decoded string
	}{
		{"abc", []int32{5, 6, 7}, "abc"},
		{"Unaffable", []int32{9, 10, 11}, "unaffable"},
		{"unaffablex", []int32{1}, "[UNK]"},
		{"Hello, WORLD!", []int32{12, 15, 13, 14}, "hello, world!"},
		{"中文abc", []int32{27, 28, 5, 6, 7}, "中 文 abc"},
		{"ém\u0301 É e\u0301\u200d", []int32{29, 31, 29, 29}, "em e e"},
		{"a\x00b\uFFFDc\u00ADb\tc\n", []int32{5, 6, 7, 6, 1}, "abcb [UNK]"},
		{"don't do not", []int32{19, 16, 17, 18, 34}, "don ' t do not"},
		{"it's it is. ' m", []int32{24, 16, 26, 24, 23, 32, 16, 30}, "it ' s it is. ' m"},
		{"\u3000a\u00a0 b", []int32{5, 1}, "a [UNK]"},
		{"Ⱥ İ ı", []int32{1, 1, 1}, "[UNK] [UNK] [UNK]"},
		{"t 'm, the", []int32{17, 16, 30, 15, 33}, "t ' m, the"},
	} {
		for _, tk := range []*Tokenizer{tok, back} {
			checkIDs(t, c.text, tk.Encode(c.text, Bare), c.ids)
			checkText(t, tk.Decode(c.ids, false), c.decoded)
			checkStream(t, tk, c.ids)
		}
	}
	twelve := "b" + strings.Repeat("c", 11)
	if n := len(tok.Encode(twelve, Bare)); n != 11 {
		t.Errorf("12 characters: %d tokens", n)
	}
	checkIDs(t, "13 characters", tok.Encode(twelve+"c", Bare), []int32{1})
}

func TestBadWordPiece(t *testing.T) {
	for _, c := range []struct{ model, want string }{
		{`{"type": "WordPiece", "vocab": {"a": 0}}`, `unk_token "[UNK]" is not in vocab`},
		{`{"type": "WordPiece", "vocab": 3}`, "cannot unmarshal"},
		{`{"type": "WordPiece", "vocab": {"[UNK]": 0, "` + strings.Repeat("x", 300) + `": 1}}`, "token 1: 300 bytes"},
	} {
		_, err := OpenFS(fstest.MapFS{"tokenizer.json": {Data: []byte(`{"model": ` + c.model + `}`)}}, ".")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestText cleans spaces up as decode of transformers does where the settings ask for it.
func TestText(t *testing.T) {
	tok, err := Open("../testdata/blip_caption")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"the cat's red-hat, 42!", "it isn't 'a ' dog'", "we 've n't ' ' ' s", "'", "", "a", "' ' .", "so he 's . 're", "the cat ' . ' the dog",
	} {
		ids := tok.Encode(text, Bare)
		want := withoutSpaces(tok.Decode(ids, true))
		if got := tok.Text(ids, true); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	ids := tok.Encode("the cat's red-hat, 42!", Bare)
	if got := tok.Text(ids, true); got != "the cat's red - hat, 42" { // of transformers 5.24; ! is no token
		t.Errorf("%q", got)
	}
	other, err := Open("../testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	if got := other.Text(other.Encode("a 's .", Bare), true); got != "a 's ." {
		t.Errorf("%q where nothing asks for it", got)
	}
}

// FuzzText wants the same text in pieces as at once.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "\x00\x08\x00\x01\x00\x09", "a b", "it ' s", "we ' ve n ' t ' ' ' s", "x  .y ' 've' "} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, text string, step int) {
		const few = " '.,!?ntmsvre " // so that there is something to clean up
		text = strings.Map(func(r rune) rune { return rune(few[int(r)%len(few)]) }, text)
		s, got := &Stream{t: &Tokenizer{}, tidy: true}, ""
		step = max(1, step%8)
		for at := 0; at < len(text); at += step {
			got += s.clean(text[at:min(at+step, len(text))])
		}
		if got += s.Flush(); got != withoutSpaces(text) {
			t.Errorf("%q: %q, want %q", text, got, withoutSpaces(text))
		}
	})
}
