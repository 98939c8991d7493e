package tokenizer

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fovea-ml/fovea/checkpoint"
)

// vocabularies are the files that llama.cpp tests its tokenizers with.
var vocabularies = []string{"llama-spm", "phi-3", "gpt-2", "bert-bge"}

const ggufDir = "../testdata/gguf/"

// readVocabulary returns the metadata of a packed GGUF file.
func readVocabulary(t testing.TB, name string) map[string]any {
	t.Helper()
	packed, err := os.ReadFile(ggufDir + name + ".gguf.gz")
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Open(fstest.MapFS{"x.gguf": {Data: data}}, "x.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.GGUF()
}

func openVocabulary(t testing.TB, name string) *Tokenizer {
	t.Helper()
	tok, err := FromGGUF(readVocabulary(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// readTexts returns the texts that llama.cpp tests with; each vocabulary has a file with a line of ids for each.
func readTexts(t testing.TB) []string {
	t.Helper()
	data, err := os.ReadFile(ggufDir + "texts")
	if err != nil {
		t.Fatal(err)
	}
	const end = "\n__ggml_vocab_test__\n"
	return strings.Split(strings.TrimSuffix(string(data), end), end)
}

func readIDs(t testing.TB, name string) (all [][]int32) {
	t.Helper()
	data, err := os.ReadFile(ggufDir + name + ".ids")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var ids []int32
		for _, field := range strings.Fields(line) {
			id, err := strconv.ParseInt(field, 10, 32)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, int32(id))
		}
		all = append(all, ids)
	}
	return all
}

func TestGGUFVocabularies(t *testing.T) {
	texts := readTexts(t)
	for _, name := range vocabularies {
		t.Run(name, func(t *testing.T) {
			tok, want := openVocabulary(t, name), readIDs(t, name)
			if len(texts) != 46 || len(want) != len(texts) {
				t.Fatalf("%d texts, %d lines of ids", len(texts), len(want))
			}
			for i, text := range texts {
				checkIDs(t, text, tok.Encode(text, Bare), want[i])
				checkStream(t, tok, want[i])
			}
		})
	}
}

// llama.cpp leaves Hangul whole where the reference, huggingface/tokenizers, takes syllables apart.
func TestGGUFHangul(t *testing.T) {
	checkIDs(t, "한국어", openVocabulary(t, "bert-bge").Encode("한국어"), []int32{101, 1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 102})
}
