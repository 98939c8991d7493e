package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// expectations are ids and decodings made by huggingface/tokenizers 0.23.1 and sentencepiece 0.2.2.
type expectations struct {
	Texts      []string
	Tokenizers map[string]map[string]struct {
		IDs     [][]int32
		Bare    [][]int32 `json:"ids_no_special"`
		Decoded []string
		Special []string `json:"decoded_with_special"`
	}
}

func readExpected(t testing.TB) (e expectations) {
	t.Helper()
	data, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// openWithout opens testdata/name as if it lacked some files.
func openWithout(t testing.TB, name string, lacking ...string) *Tokenizer {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := os.ReadDir("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if slices.Contains(lacking, e.Name()) {
			continue
		}
		data, err := os.ReadFile("testdata/" + name + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		files["sub/"+e.Name()] = &fstest.MapFile{Data: data}
	}
	tok, err := OpenFS(files, "sub")
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestReferenceIDs(t *testing.T) {
	want := readExpected(t)
	for name, kinds := range want.Tokenizers {
		for kind, w := range kinds {
			lacking := []string(nil)
			raw := kind == "tokenizer.model" // the library alone: no special tokens, neither added nor read
			if raw {
				lacking = []string{"tokenizer.json"}
			}
			t.Run(name+"/"+kind, func(t *testing.T) {
				tok := openWithout(t, name, lacking...)
				for i, text := range want.Texts {
					var opts []Option
					if raw {
						opts = []Option{Bare, Literal}
					}
					checkIDs(t, text, tok.Encode(text, opts...), w.IDs[i])
					checkText(t, tok.Decode(w.IDs[i], true), w.Decoded[i])
					if raw {
						continue
					}
					checkIDs(t, text, tok.Encode(text, Bare), w.Bare[i])
					checkText(t, tok.Decode(w.IDs[i], false), w.Special[i])
				}
			})
		}
	}
}

// The older pairs of files must give what tokenizer.json gives.
func TestVocabularyFilesAgree(t *testing.T) {
	want := readExpected(t)
	for _, name := range []string{"blip2_opt", "clip", "qwen2_vl", "llava_onevision", "llava15", "instructblip"} {
		t.Run(name, func(t *testing.T) {
			tok := openWithout(t, name, "tokenizer.json")
			for i, text := range want.Texts {
				w := want.Tokenizers[name]["tokenizer.json"]
				checkIDs(t, text, tok.Encode(text), w.IDs[i])
				checkText(t, tok.Decode(w.IDs[i], false), w.Special[i])
			}
		})
	}
}

func TestStreamEqualsDecode(t *testing.T) {
	want := readExpected(t)
	for name := range want.Tokenizers {
		tok, err := Open("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want.Texts {
			ids := tok.Encode(text)
			for cut := range ids { // also from the middle of a character
				checkStream(t, tok, ids[cut:])
			}
		}
	}
}

func checkStream(t testing.TB, tok *Tokenizer, ids []int32) {
	t.Helper()
	var b strings.Builder
	s := tok.Stream(false)
	for _, id := range ids {
		part := s.Next(id)
		if part != strings.ToValidUTF8(part, "") {
			t.Errorf("Next(%d) = %q: not UTF-8", id, part)
		}
		b.WriteString(part)
	}
	b.WriteString(s.Flush())
	checkText(t, b.String(), tok.Decode(ids, false))
}

func checkIDs(t testing.TB, text string, got, want []int32) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%q:\n got %v\nwant %v", text, got, want)
	}
}

func checkText(t testing.TB, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestNames(t *testing.T) {
	tok, err := Open("testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	bos, _ := tok.BOS()
	eos, _ := tok.EOS()
	pad, _ := tok.Pad()
	image, ok := tok.ID("<image>")
	if bos != 1 || eos != 2 || pad != 601 || image != 600 || !ok || tok.Size() != 602 || tok.Token(600) != "<image>" {
		t.Errorf("bos %d eos %d pad %d image %d size %d", bos, eos, pad, image, tok.Size())
	}
	if !tok.Special(2) || tok.Special(300) || tok.Token(-1) != "" || tok.Token(1<<30) != "" {
		t.Error("Special or Token is wrong")
	}
	stories, err := Open("testdata/stories260k")
	if err != nil {
		t.Fatal(err)
	}
	bos, ok1 := stories.BOS()
	eos, ok2 := stories.EOS()
	if bos != 1 || eos != 2 || !ok1 || !ok2 {
		t.Errorf("without configuration: bos %d %t eos %d %t", bos, ok1, eos, ok2)
	}
}

func TestWithBOS(t *testing.T) {
	tok, err := Open("testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	other := tok.WithBOS(2)
	if got, want := other.Encode("a"), append([]int32{2}, tok.Encode("a")[1:]...); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if bos, _ := other.BOS(); bos != 2 {
		t.Errorf("begins with %d", bos)
	}
	if bos, _ := tok.BOS(); bos != 1 {
		t.Errorf("the first one now begins with %d", bos)
	}
}
