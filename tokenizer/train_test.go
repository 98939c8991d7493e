package tokenizer

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var corpus = []string{
	"What colour is the large circle? The large circle is red.",
	"How many squares are there? There are two squares.",
	"Is there a blue triangle left of the green square? Yes, there is.",
	"大圆是什么颜色？大圆是红色的。",
	"有几个正方形？有两个正方形。绿色正方形的左边有蓝色三角形吗？有。",
}

func train(t testing.TB, size int) (*Vocabulary, *Tokenizer) {
	t.Helper()
	v, err := Train(slices.Values(corpus), size, Special{BOS: "<s>", EOS: "</s>", Pad: "<pad>", More: []string{"<image>"}})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := OpenFS(fstest.MapFS{
		"tokenizer.json": {Data: v.TokenizerJSON}, "tokenizer_config.json": {Data: v.TokenizerConfigJSON},
	}, ".")
	if err != nil {
		t.Fatal(err)
	}
	return v, tok
}

func TestTrain(t *testing.T) {
	v, tok := train(t, 300)
	again, _ := train(t, 300)
	if !bytes.Equal(v.TokenizerJSON, again.TokenizerJSON) || !bytes.Equal(v.TokenizerConfigJSON, again.TokenizerConfigJSON) {
		t.Error("two runs differ")
	}
	if tok.Size() != 300 {
		t.Errorf("size %d", tok.Size())
	}
	bos, _ := tok.BOS()
	if image, _ := tok.ID("<image>"); bos != 1 || image != 3 {
		t.Errorf("bos %d image %d", bos, image)
	}
	for _, text := range append(slices.Clone(corpus), "unseen ½ 😀\x00\n\n  end ", "") {
		ids := tok.Encode(text)
		checkText(t, tok.Decode(ids, true), text)
		if len(text) > 60 && len(ids) > len(text)*3/4 {
			t.Errorf("%q: %d tokens", text, len(ids))
		}
	}
	checkIDs(t, "image", tok.Encode("<image>\n", Bare), []int32{3, tok.Encode("\n", Bare)[0]})
	if ids := tok.Encode("<image>", Bare, Literal); slices.Contains(ids, 3) {
		t.Errorf("literal text made the special token: %v", ids)
	}
}

// By hand: "ab" occurs five times, " ab" four; "cd" and "ce" tie, so the one that sorts first wins.
func TestTrainOrder(t *testing.T) {
	v, err := Train(slices.Values([]string{"ab ab ab ab ab", "ce", "ce", "cd", "cd"}), 256+4, Special{})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := OpenFS(fstest.MapFS{"tokenizer.json": {Data: v.TokenizerJSON}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"ab", "Ġab", "cd", "ce"} {
		if got := tok.Token(int32(256 + i)); got != want {
			t.Errorf("merge %d makes %q, want %q", i, got, want)
		}
	}
}

func TestTrainErrors(t *testing.T) {
	for name, err := range map[string]error{
		"small": second(Train(slices.Values(corpus), 255, Special{})),
		"large": second(Train(slices.Values(corpus), maxIDs+1, Special{})),
		"byte":  second(Train(slices.Values(corpus), 300, Special{BOS: "a"})),
	} {
		if err == nil || !strings.Contains(err.Error(), "train") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }
