package tokenizer

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

func seed(f *testing.F, names ...string) {
	for _, name := range names {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func fuzzFile(t *testing.T, file string, data []byte) {
	tok, err := OpenFS(fstest.MapFS{file: {Data: data}}, ".")
	if err != nil {
		if !strings.Contains(err.Error(), file) {
			t.Errorf("error does not name the file: %v", err)
		}
		return
	}
	checkStream(t, tok, tok.Encode("Hello <s> wörld\n 你好 12"))
}

func FuzzTokenizerJSON(f *testing.F) {
	f.Add([]byte(`{"added_tokens": [{"id": 9, "content": "x"}], ` + bpeModel + `}`))
	f.Add([]byte(`{"pre_tokenizer": {"type": "Metaspace", "replacement": "_"}, "decoder": {"type": "Strip", "content": "a", "start": 1, "stop": 2}, ` + bpeModel + `}`))
	f.Add(bertFile(f))
	seed(f, "blip2_opt/tokenizer.json", "llava15/tokenizer.json")
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFile(t, "tokenizer.json", data) })
}

func FuzzTokenizerModel(f *testing.F) {
	seed(f, "llava15/tokenizer.model", "stories260k/tokenizer.model")
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFile(t, "tokenizer.model", data) })
}

func FuzzChatTemplate(f *testing.F) {
	for _, s := range []string{
		"{% for m in messages %}{{ m.role | upper }}{{ m.content }}{% endfor %}", "{% set x = namespace(a=1) %}{{ x.a + 1 }}",
		"{% macro a(b) %}{{ b }}{% endmacro %}{{ a(1) | tojson }}", "{% raw %}{{{% endraw %}", "{# c #} {%- if x -%} {%+ endif %}",
		"{{ 'a'.split('b')[-1:] }}{{ range(3) }}{{ messages[0]['content'][0].type }}", "{{ strftime_now('%Y') }}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		tpl, err := ParseTemplate(source, nil)
		if err != nil {
			return
		}
		text, err := tpl.Render([]Message{user(image, text("hi")), {Role: "assistant", Text: "ok"}}, true, nil)
		if err == nil && len(text) > maxPrompt {
			t.Errorf("%d bytes", len(text))
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	toks := map[string]*Tokenizer{}
	for _, name := range []string{"llava15", "blip2_opt", "stories260k"} {
		tok, err := Open("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		toks[name] = tok
	}
	for _, text := range []string{"", " ", "Hello  wörld\n", "你好 😀 ½", "<s>x</s>", "▁", "\xff\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := text
		if !utf8.ValidString(want) {
			want = strings.ToValidUTF8(want, "\uFFFD")
		}
		for name, tok := range toks {
			ids := tok.Encode(text, Literal)
			checkStream(t, tok, ids)
			if got := tok.Decode(ids, true); name == "blip2_opt" && got != want {
				t.Errorf("%s: got %q, want %q", name, got, want)
			} else if want := strings.ReplaceAll(want, mark, " "); got != want && name != "blip2_opt" {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
			tok.Decode(tok.Encode(text), false)
		}
	})
}

// FuzzGGUF reads metadata from lines of a key, a letter for the type, and values with tabs between.
func FuzzGGUF(f *testing.F) {
	for _, kv := range []map[string]any{spmMetadata(), byteMetadata(), bertMetadata()} {
		f.Add(metadataText(kv))
	}
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := FromGGUF(parseMetadata(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "tokenizer: tokenizer.") {
				t.Errorf("error does not name the key: %v", err)
			}
			return
		}
		const sample = "Hello <s> ab  wörld\n 你好 12"
		ids := tok.Encode(sample)
		checkStream(t, tok, ids)
		kv, err := tok.GGUF()
		if err != nil {
			return
		}
		back, err := FromGGUF(kv)
		if err != nil {
			t.Fatal(err)
		}
		checkIDs(t, sample, back.Encode(sample), ids)
	})
}

func metadataText(kv map[string]any) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(kv)) {
		v := kv[key]
		letter := map[string]string{"string": "s", "[]string": "S", "[]int32": "I", "[]float32": "F", "bool": "b"}[fmt.Sprintf("%T", v)]
		if letter == "" {
			letter = "u"
		}
		values := fmt.Sprint(v)
		switch v := v.(type) {
		case []string:
			values = strings.Join(v, "\t")
		case []int32, []float32:
			values = strings.ReplaceAll(strings.Trim(values, "[]"), " ", "\t")
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\n", key, letter, values)
	}
	return b.String()
}

func parseMetadata(text string) map[string]any {
	kv := map[string]any{}
	for _, line := range strings.Split(text, "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) < 3 {
			continue
		}
		values := fields[2:]
		var ints []int32
		var floats []float32
		for _, v := range values {
			i, _ := strconv.ParseInt(v, 10, 32)
			f, _ := strconv.ParseFloat(v, 32)
			ints, floats = append(ints, int32(i)), append(floats, float32(f))
		}
		kv[fields[0]] = map[string]any{
			"s": values[0], "S": values, "I": ints, "F": floats, "b": values[0] == "true", "u": uint32(ints[0]),
		}[fields[1]]
	}
	return kv
}
