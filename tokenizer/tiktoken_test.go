package tokenizer

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// TestTiktoken wants what tiktoken 0.12.0 makes with Qwen-VL's tokenization_qwen.py.
func TestTiktoken(t *testing.T) {
	var want struct {
		Texts   []string
		IDs     [][]int32
		Decoded []string
	}
	data, err := os.ReadFile("testdata/qwen_vl/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	tok, err := Open("testdata/qwen_vl")
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range want.Texts {
		checkIDs(t, text, tok.Encode(text), want.IDs[i])
		checkText(t, tok.Decode(want.IDs[i], false), want.Decoded[i])
		for cut := range want.IDs[i] {
			checkStream(t, tok, want.IDs[i][cut:])
		}
	}
	if eos, ok := tok.EOS(); !ok || tok.Token(eos) != "<|endoftext|>" {
		t.Errorf("end token %d", eos)
	}
	const said = "<ref>a</ref><box>(1,2),(3,4)</box>"
	if got := tok.Decode(tok.Encode(said+"<|im_end|>"), true); got != said {
		t.Errorf("%q, want %q", got, said)
	}
	ids := tok.Encode("<|im_end|><box>", Literal)
	if len(ids) < 3 || tok.Token(ids[len(ids)-1]) != "<box>" {
		t.Errorf("literal ids %v", ids)
	}
}

// ranks writes a file of all bytes and further tokens.
func ranks(more ...string) string {
	var b strings.Builder
	line := func(token string, rank int) {
		b.WriteString(base64.StdEncoding.EncodeToString([]byte(token)) + " " + strconv.Itoa(rank) + "\n")
	}
	for i := range 256 {
		line(string([]byte{byte(i)}), i)
	}
	for i, token := range more {
		line(token, 256+i)
	}
	return b.String()
}

// TestTiktokenMergesAnyPair: a pair may merge though another cut of the same token has a lower rank.
func TestTiktokenMergesAnyPair(t *testing.T) {
	tok, err := OpenFS(fstest.MapFS{"qwen.tiktoken": {Data: []byte(ranks("bc", "ab", "abc"))}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	checkIDs(t, "abcx", tok.Encode("abcx"), []int32{258, 'x'})
	checkIDs(t, "abx", tok.Encode("abx"), []int32{257, 'x'})
}

func TestTiktokenRefuses(t *testing.T) {
	for name, test := range map[string]struct{ file, want string }{
		"no base64":  {ranks() + "!! 256\n", "line 257: \"!!\" is no token in base64"},
		"no rank":    {ranks() + "YWI=\n", "line 257: want a token in base64 and its rank"},
		"twice":      {ranks() + "YWI= 7\n", "line 257: rank \"7\""},
		"same token": {ranks("ab", "ab"), "tokens 256 and 257 are the same"},
		"gap":        {ranks() + "YWI= 300\n", "ranks must be without gaps"},
		"huge":       {ranks() + "YWI= 99999999\n", "rank \"99999999\""},
		"no bytes":   {"YWI= 0\n", "no token for byte 0"},
		"empty":      {"", "no token for byte 0"},
	} {
		_, err := OpenFS(fstest.MapFS{"qwen.tiktoken": {Data: []byte(test.file)}}, ".")
		if err == nil || !strings.Contains(err.Error(), "qwen.tiktoken: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func FuzzTiktoken(f *testing.F) {
	f.Add([]byte(ranks("ab", "abc")))
	seed(f, "qwen_vl/qwen.tiktoken")
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFile(t, "qwen.tiktoken", data) })
}
