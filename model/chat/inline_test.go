package chat_test

import (
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/model"
)

// TestInline: a template that knows text only gets pictures as markers in it.
func TestInline(t *testing.T) {
	p := open(t, "{% for m in messages %}{{ m['role'] }}: {{ m['content'] | trim }}; {% endfor %}")
	p.Inline = true
	img := picture(t, "image0.png")
	for _, c := range []struct {
		conv []model.Turn
		want string
	}{
		{[]model.Turn{user("What?", img)}, "user: <image>\nWhat?; "},
		{[]model.Turn{user("Is <image> like <image>?", img, img), assistant("Yes")}, "user: Is <image>\n like <image>\n?; assistant: Yes; "},
		{[]model.Turn{user("Hello")}, "user: Hello; "},
	} {
		got, err := p.Process(c.conv)
		check(t, err)
		text := strings.NewReplacer("<s> ", "", "<s>", "", "<image> ", "<image>").Replace(oneMarker(p, got))
		if strings.TrimSpace(text) != strings.TrimSpace(c.want) {
			t.Errorf("%q, want %q", text, c.want)
		}
	}
}

// TestParted: a template that knows parts only gets text as one, without pictures too.
func TestParted(t *testing.T) {
	p := textOnly(t, "{% for m in messages %}{% for c in m['content'] | selectattr('type', 'equalto', 'text') %}[{{ c['text'] }}]{% endfor %}{% endfor %}")
	p.Parted = true
	got, err := p.Process([]model.Turn{user("Hello")})
	check(t, err)
	if text := p.Tok.Decode(got.IDs, true); text != "[Hello]" {
		t.Errorf("%q", text)
	}
}
