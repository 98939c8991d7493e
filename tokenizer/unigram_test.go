package tokenizer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

const unigramDir = "../testdata/blip2_t5"

// TestUnigramIDs compares with testdata/unigram.json, made by huggingface/tokenizers 0.23.1 from tokenizer.json and by
// sentencepiece 0.2.2 from spiece.model, which alone neither reads nor adds special tokens.
func TestUnigramIDs(t *testing.T) {
	var want expectations
	data, err := os.ReadFile("testdata/unigram.json")
	if err == nil {
		err = json.Unmarshal(data, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	for kind, w := range want.Tokenizers["blip2_t5"] {
		raw := kind != "tokenizer.json"
		tok := openUnigram(t, kind)
		for i, text := range want.Texts {
			if raw {
				checkIDs(t, text, tok.Encode(text, Bare, Literal), w.IDs[i])
				checkText(t, tok.Decode(w.IDs[i], true), strings.ReplaceAll(w.Decoded[i], " ⁇ ", "")) // the library's sign for what is unknown
				continue
			}
			checkIDs(t, text, tok.Encode(text), w.IDs[i])
			checkIDs(t, text, tok.Encode(text, Bare), w.Bare[i])
			checkText(t, tok.Decode(w.IDs[i], true), w.Decoded[i])
			checkText(t, tok.Decode(w.IDs[i], false), w.Special[i])
			checkStream(t, tok, w.IDs[i])
		}
	}
}

// openUnigram opens the fixture as if one file held all its tokens.
func openUnigram(t testing.TB, file string) *Tokenizer {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{file, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"} {
		data, err := os.ReadFile(unigramDir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	tok, err := OpenFS(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// TestSentencePieceEnds: the reference's class puts an end token behind every text.
func TestSentencePieceEnds(t *testing.T) {
	if got := openUnigram(t, "spiece.model").Encode("."); len(got) != 3 || got[2] != 1 {
		t.Errorf("%v does not end with </s>", got)
	}
}

// TestPrecompiled compares with the normaliser of huggingface/tokenizers 0.23.1: characters with marks, long and short,
// controls, and sequences that are one character for the reader.
func TestPrecompiled(t *testing.T) {
	data, err := os.ReadFile("testdata/precompiled.json")
	if err != nil {
		t.Fatal(err)
	}
	var pairs [][2]string
	if err := json.Unmarshal(data, &pairs); err != nil {
		t.Fatal(err)
	}
	n := openUnigram(t, "tokenizer.json").normalizer.(normalizers)[0]
	for _, p := range pairs {
		if got := n.normalize(p[0]); got != p[1] {
			t.Errorf("%+q becomes %+q, want %+q", p[0], got, p[1])
		}
	}
}

func TestUnigram(t *testing.T) {
	const vocab = `"vocab": [["?", 0], ["a", -2], ["b", -2.5], ["ab", -4], ["abb", -6.9], ["c", -9]]`
	for _, c := range []struct {
		model, text string
		want        []int32
	}{
		{`"unk_id": 0, ` + vocab, "ab", []int32{3}},      // -4 is better than -2-2.5
		{`"unk_id": 0, ` + vocab, "abb", []int32{3, 2}},  // -6.5 is better than -6.9
		{`"unk_id": 0, ` + vocab, "bab", []int32{2, 3}},  //
		{`"unk_id": 0, ` + vocab, "xéab", []int32{0, 3}}, // one for all that is unknown in a row
		{`"unk_id": 0, ` + vocab, "axay", []int32{1, 0, 1, 0}},
		{`"unk_id": 0, ` + vocab, "", nil},
	} {
		tok, err := OpenFS(fstest.MapFS{"tokenizer.json": {Data: []byte(`{"model": {"type": "Unigram", ` + c.model + `}}`)}}, ".")
		if err != nil {
			t.Fatal(err)
		}
		checkIDs(t, c.text, tok.Encode(c.text), c.want)
	}
}

func TestBadUnigram(t *testing.T) {
	for model, want := range map[string]string{
		`"vocab": [["a", 0.5]]`:                                           "unk_id is missing",
		`"vocab": [["a", 0.5]], "unk_id": 1`:                              "none of the 1 tokens",
		`"vocab": [["a", 0.5], ["a", 1]], "unk_id": 0`:                    `vocab[1]: "a" occurs twice`,
		`"vocab": {"a": 1}, "unk_id": 0`:                                  "cannot unmarshal",
		`"vocab": [["a", "b"]], "unk_id": 0`:                              "cannot unmarshal",
		`"vocab": [["` + strings.Repeat("a", 257) + `", 1]], "unk_id": 0`: "257 bytes",
	} {
		_, err := OpenFS(fstest.MapFS{"tokenizer.json": {Data: []byte(`{"model": {"type": "Unigram", ` + model + `}}`)}}, ".")
		if err == nil || !strings.Contains(err.Error(), "tokenizer.json: model: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: error %v, want %q", model, err, want)
		}
	}
}

// FuzzCharsMap damages the table.
func FuzzCharsMap(f *testing.F) {
	f.Add([]byte{8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 'a', 0}, "abc")
	f.Add([]byte{4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, "\xff")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		m, err := newCharsMap(data)
		if err != nil {
			return
		}
		_, _ = m.normalize(text), m.longest(text)
	})
}

// FuzzGrapheme wants every text to be cut into parts that are not empty.
func FuzzGrapheme(f *testing.F) {
	f.Add("e\u0301\r\n\u0600a\u200d")
	f.Fuzz(func(t *testing.T, text string) {
		for text != "" {
			n := grapheme(text)
			if n < 1 || n > len(text) {
				t.Fatalf("%q: %d bytes", text, n)
			}
			text = text[n:]
		}
	})
}
