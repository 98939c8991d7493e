package tokenizer

import (
	"slices"
	"testing"
)

// TestCanonical gives the ids of transformers 5.24's SiglipTokenizer.
func TestCanonical(t *testing.T) {
	tok, err := Open("../testdata/siglip")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]int32{
		"- hello there": {4, 205, 44, 130, 81, 1},
		" two  spaces":  {4, 328, 130, 41, 92, 195, 259, 24, 13, 1},
		"what?!":        {35, 116, 1},
		"ÀÉ ﬁne Ⅳ":      {4, 2, 4, 2, 29, 24, 4, 2, 1},
		"under_score":   {215, 13, 269, 139, 1},
		"":              {1},
		"a\nb":          {9, 4, 498, 1},
	} {
		if got := tok.Encode(text); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
