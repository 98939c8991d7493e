package tokenizer

import (
	"fmt"
	"maps"
	"strings"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// Message is one turn of a conversation. Its content is Parts, or Text where Parts is nil: templates tell the two apart.
type Message struct {
	Role  string
	Text  string
	Parts []Part
	Extra map[string]any // further fields, such as tool_calls
}

// Part is one element of a message's content: Type is "text" (with Text), "image"
// or "video".
type Part struct {
	Type string
	Text string
}

// Template is a chat template in Jinja, with the meaning that transformers gives it: trim_blocks and lstrip_blocks, the
// functions raise_exception and strftime_now, the filter tojson, and no way to change a value, load a file or run long.
type Template struct {
	file    string
	program *exec.Template
	globals map[string]any
}

// ChatTemplate parses the checkpoint's chat template of that name; "" is the default one.
func (t *Tokenizer) ChatTemplate(name string) (*Template, error) {
	if name == "" {
		name = "default"
	}
	source, ok := t.templates[name]
	if !ok {
		return nil, fmt.Errorf("tokenizer: no chat template %q", name)
	}
	globals := map[string]any{}
	for token, content := range t.config.names {
		globals[token] = content
	}
	tpl, err := parseTemplate("chat template "+name, source, globals)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return tpl, nil
}

// ParseTemplate parses a chat template; globals are variables that every rendering sees.
func ParseTemplate(source string, globals map[string]any) (*Template, error) {
	t, err := parseTemplate("chat template", source, globals)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

func parseTemplate(file, source string, globals map[string]any) (t *Template, err error) {
	defer caught(file, &err)
	cfg := config.New()
	cfg.KeepTrailingNewline = true
	source = controlSpace(source)
	if err := checkSource(source, cfg); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	loader, err := loaders.NewMemoryLoader(map[string]string{"/chat": source})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	program, err := exec.NewTemplate("/chat", cfg, loader, environment())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, shorten(err))
	}
	return &Template{file: file, program: program, globals: maps.Clone(globals)}, nil
}

// Render returns the prompt of a conversation. addGenerationPrompt ends it where the assistant's answer begins; extra
// holds further variables, such as tools. A template that raises an exception, takes too long or writes too much gives
// an error.
func (t *Template) Render(messages []Message, addGenerationPrompt bool, extra map[string]any) (string, error) {
	vars := map[string]any{"add_generation_prompt": addGenerationPrompt}
	maps.Copy(vars, t.globals)
	maps.Copy(vars, extra)
	list := make([]any, len(messages))
	for i, m := range messages {
		list[i] = m.fields()
	}
	vars["messages"] = list
	text, err := t.run(vars)
	if err != nil {
		return "", fmt.Errorf("tokenizer: %s: %w", t.file, shorten(err))
	}
	return text, nil
}

func (m *Message) fields() map[string]any {
	f := maps.Clone(m.Extra)
	if f == nil {
		f = map[string]any{}
	}
	f["role"], f["content"] = m.Role, m.Text
	if m.Parts == nil {
		return f
	}
	parts := make([]any, len(m.Parts))
	for i, p := range m.Parts {
		part := map[string]any{"type": p.Type}
		if p.Type == "text" {
			part["text"] = p.Text
		}
		parts[i] = part
	}
	f["content"] = parts
	return f
}

func (t *Template) run(vars map[string]any) (text string, err error) {
	defer caught(t.file, &err)
	b := newBudget()
	vars[budgetName] = b
	var out strings.Builder
	if err := t.program.Execute(&meter{&out, b}, exec.NewContext(vars)); err != nil {
		return "", err
	}
	return out.String(), nil
}

// caught turns a panic of the template engine, whose input is the checkpoint author's, into an error.
func caught(file string, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%s: %v", file, r)
	}
}

// shorten cuts the engine's message, which can quote the whole template at each level.
func shorten(err error) error {
	const most = 400
	text := err.Error()
	if len(text) <= most {
		return err
	}
	return fmt.Errorf("%s … %s", strings.ToValidUTF8(text[:most/2], ""), strings.ToValidUTF8(text[len(text)-most/2:], ""))
}
