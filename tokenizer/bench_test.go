package tokenizer

import (
	"strings"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	prose := strings.Repeat("The quick brown fox, 你好, jumps over 12345 lazy dogs; isn't that (rather) odd? ", 14_000)
	texts := map[string]string{"prose1MB": prose[:1<<20], "word1MB": strings.Repeat("abcdefghij", 1<<20/10), "prompt": prose[:200]}
	for kind, name := range map[string]string{"spm": "llava15", "bytelevel": "qwen2_vl", "clip": "clip"} {
		tok, err := Open("testdata/" + name)
		if err != nil {
			b.Fatal(err)
		}
		for label, text := range texts {
			b.Run(kind+"/"+label, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					tok.Encode(text)
				}
			})
		}
	}
}
