package data

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/pickle"
)

// refsOf makes a folder of refs, of one ref that is about the first object of testdata.
func refsOf(t *testing.T, sentences string) string {
	t.Helper()
	dir := t.TempDir()
	instances, err := os.ReadFile("testdata/refcoco/instances.json")
	if err != nil {
		t.Fatal(err)
	}
	ref := "(l(dS'ann_id'\nI1719310\nsS'image_id'\nI581857\nsS'split'\nS'val'\nsS'sentences'\n(l" + sentences + "sa."
	for name, text := range map[string]string{"refs(x).p": ref, "instances.json": string(instances)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRefs: a sentence that says nothing is told, and an object that goes by too many.
func TestRefs(t *testing.T) {
	sentence := func(text string) string { return "(dS'sent_id'\nI7\nsS'sent'\nS'" + text + "'\nsa" }
	for _, c := range []struct{ sentences, want string }{
		{sentence("the square") + sentence(" "), `row 1 ("7"): the text that names something is empty`},
		{sentence("the square") + sentence(""), "is empty"},
		{strings.Repeat(sentence("a square"), maxNames+1), "1025 sentences for an object, at most 1024"},
	} {
		d := opened(t, refsOf(t, c.sentences), Options{Images: "testdata/images"})
		if d.Broken() != 1 || !strings.Contains(d.Problems()[0].Error(), c.want) {
			t.Errorf("%d samples, %v, want %q", d.Len(), d.Problems(), c.want)
		}
	}
}

// TestPlainLimits: values and texts of a pickle count each time that they are meant, of
// a ref and of all.
func TestPlainLimits(t *testing.T) {
	text := strings.Repeat("x", 10)
	list := &pickle.List{Items: []any{text, text, int64(1)}} // 24 with itself
	for _, c := range []struct {
		p    plainer
		want string
	}{
		{plainer{one: 24, all: 24}, ""},
		{plainer{one: 23, all: 24}, "more than 1048576 values and bytes of text"},
		{plainer{one: 24, all: 23}, "more than 268435456 values and bytes of text up to here"},
	} {
		_, err := c.p.plain(list, 0)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%+v: error %v, want %q", c.p, err, c.want)
		}
	}
}
