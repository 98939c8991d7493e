package tokenizer

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func user(parts ...Part) Message { return Message{Role: "user", Parts: parts} }

var (
	image = Part{Type: "image"}
	empty = []Message{}
)

func text(s string) Part { return Part{Type: "text", Text: s} }

// The prompts are those of the reference's processors for these checkpoints.
func TestChatPrompts(t *testing.T) {
	system := "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
	for _, c := range []struct {
		model, want string
		parts       []Part
	}{
		{"llava15", "USER: <image>\nWhat is in the picture? ASSISTANT:", []Part{image, text("What is in the picture?")}},
		{"llava15", "USER: <image>\nDescribe the red car's color, 你好. ASSISTANT:", []Part{image, text("Describe the red car's color, 你好.")}},
		{"llava15", "USER: <image>\n<image>\nCompare these. ASSISTANT:", []Part{image, image, text("Compare these.")}},
		{"llava15", "USER: Hello! ASSISTANT:", []Part{text("Hello!")}},
		{"qwen2_vl", system + "<|vision_start|><|image_pad|><|vision_end|>What is in the picture?<|im_end|>\n<|im_start|>assistant\n",
			[]Part{image, text("What is in the picture?")}},
		{"qwen2_vl", system + "Hello!<|im_end|>\n<|im_start|>assistant\n", []Part{text("Hello!")}},
	} {
		tok, err := Open("testdata/" + c.model)
		if err != nil {
			t.Fatal(err)
		}
		tpl, err := tok.ChatTemplate("")
		if err != nil {
			t.Fatal(err)
		}
		got, err := tpl.Render([]Message{user(c.parts...)}, true, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkText(t, got, c.want)
	}
}

// Expected texts were made by transformers' apply_chat_template (jinja2 3.1.6).
func TestTemplateSemantics(t *testing.T) {
	conversation := []Message{
		{Role: "system", Text: "Be brief."},
		user(image, text("Hi")),
		{Role: "assistant", Text: " Hello "},
	}
	for _, c := range []struct{ source, want string }{
		{"{% for m in messages %}\n    {%- if m.role == 'system' %}\nS\n    {% else %}\nE\n    {% endif %}\n{% endfor %}\n", "S\nE\nE\n"},
		{"{{ bos_token }}{% for m in messages %}{{ loop.index0 }}{{ m['role'] | upper }},{% endfor %}", "<s>0SYSTEM,1USER,2ASSISTANT,"},
		{"{{ messages[-1].content.strip() }}|{{ messages[-1]['content'] | trim }}|", "Hello|Hello|"},
		{"{{ messages[1:] | length }}{{ messages[0]['content'] is string }}{{ messages[1]['content'] is string }}", "2TrueFalse"},
		{"{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "3"},
		{"{% macro f(a, b='x') %}[{{ a }}{{ b }}]{% endmacro %}{{ f(1) }}{{ f('y', b=2) }}", "[1x][y2]"},
		{"{{ {'a': [1, 2.5, 'é\"'], 'b': none, 'c': true} | tojson }}", `{"a": [1, 2.5, "é\""], "b": null, "c": true}`},
		{"{{ [{'a': 1}] | tojson(indent=2) }}", "[\n  {\n    \"a\": 1\n  }\n]"},
		{"{% if tools is defined %}T{% else %}N{% endif %}{% if not nothing %}U{% endif %}", "NU"},
		{"{% if add_generation_prompt %}{{ '<|a|>\\n' }}{% endif %}", "<|a|>\n"},
		{"{% for m in messages if m.role != 'user' %}{{ m.role }};{% endfor %}", "system;assistant;"},
		{"{% for m in messages %}{% if loop.last %}{% continue %}{% endif %}{{ loop.first }}{% endfor %}", "TrueFalse"},
		{"{% generation %}{{ 'x' ~ 1 }}{% endgeneration %}", "x1"},
		{"{{ 'a,b'.split(',') | join('-') }}{{ 'ab'.replace('a', 'c') }}{{ 'x'.startswith('x') }}", "a-bcbTrue"},
		{"{% for m in messages %}{{ m.role }} {% if loop.first %}+{% endif %}{% endfor %}.", "system +user assistant ."},
		{"a\n  {% if true %}\n  b {# x #} c\n  {%+ endif %}\nd\n\n", "a\n  b  c\n  d\n"},
		{"{%- if true -%}\n  x  \n{%- endif %} y {{ 1 }}\n{{ 2 }}  {% raw %}\n {{ x }}{% endraw %}\nz", "x y 1\n2  \n {{ x }}z"},
		{"{{ '\\n a b '.strip() }}{{ '%}' }}{{ ' a  b '.split() | join('.') }}", "a b%}a.b"},
		{"{{ '-' * 3 }}{{ range(3) | list | length }}", "---3"},
		{"{{ 'image' in messages[1].content[0].type }}{{ 'text' in messages[1].content[0] }}", "TrueFalse"},
	} {
		tpl, err := ParseTemplate(c.source, map[string]any{"bos_token": "<s>"})
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		got, err := tpl.Render(conversation, true, nil)
		if err != nil || got != c.want {
			t.Errorf("%s\n got %q (%v)\nwant %q", c.source, got, err, c.want)
		}
	}
}

func TestRaiseException(t *testing.T) {
	tpl, err := ParseTemplate("{{ raise_exception('roles must alternate') }}", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tpl.Render(nil, false, nil)
	var raised *Exception
	if !errors.As(err, &raised) && (err == nil || !strings.Contains(err.Error(), "roles must alternate")) {
		t.Errorf("got %v", err)
	}
}

func TestHostileTemplates(t *testing.T) {
	double := strings.Repeat("{% set x = x ~ x %}", 60)
	for name, source := range map[string]string{
		"range":      "{% for i in range(1000000000) %}{% endfor %}",
		"loops":      strings.Repeat("{% for i in range(9999) %}", 4) + "{% set x = 1 %}" + strings.Repeat("{% endfor %}", 4),
		"output":     strings.Repeat("{% for i in range(9999) %}", 2) + strings.Repeat("x", 999) + strings.Repeat("{% endfor %}", 2),
		"macro":      "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
		"recursive":  "{% for x in messages recursive %}{{ loop(messages) }}{% endfor %}",
		"doubling":   "{% set x = 'abcdefgh' %}" + double + "{{ x }}",
		"repeat":     "{{ 'a' * 1000000000 }}",
		"power":      "{{ 'a' * 10 ** 9 }}",
		"repeats":    "{{ 'a'" + strings.Repeat(" * 200", 9) + " }}",
		"include":    "{% include '/etc/passwd' %}",
		"import":     "{% import '/etc/passwd' as x %}",
		"from":       "{% from '/etc/passwd' import x %}",
		"extends":    "{% extends '/etc/passwd' %}",
		"self":       "{% block a %}{{ self.a() }}{% endblock %}",
		"parens":     "{{ " + strings.Repeat("(", 60000) + "1" + strings.Repeat(")", 60000) + " }}",
		"brackets":   "{{ " + strings.Repeat("[", 60000),
		"cycle":      "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns }}",
		"replace":    "{% set x = 'a' %}" + strings.Repeat("{% set x = x.replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') %}", 9),
		"join":       "{% set x = 'aaaaaaaaaaaaaaaaaaaaaaaaa' %}" + strings.Repeat("{% set x = x.join(x) %}", 9),
		"zero":       "{{ 1 % 0 }}",
		"unfinished": "{% for x in",
		"large":      strings.Repeat("x", maxTemplate+1),
	} {
		start := time.Now()
		tpl, err := ParseTemplate(source, nil)
		if err == nil {
			_, err = tpl.Render([]Message{{Role: "user", Text: "hi"}}, true, nil)
		}
		if err == nil || len(err.Error()) > 1000 {
			t.Errorf("%s: got error %v", name, err)
		}
		if d := time.Since(start); d > maxRendering+time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}

func TestDeepOperators(t *testing.T) {
	for _, op := range []string{"not ", "-", "+"} {
		tpl, err := ParseTemplate("{{ "+strings.Repeat(op, 100000/len(op))+"1 }}", nil)
		if err == nil {
			_, _ = tpl.Render(empty, false, nil)
		}
	}
}

func TestStrftime(t *testing.T) {
	at := time.Date(2024, 7, 26, 15, 4, 5, 0, time.UTC)
	checkText(t, strftime(at, "%d %b %Y, %H:%M:%S 100%% %q"), "26 Jul 2024, 15:04:05 100% %q")
}
