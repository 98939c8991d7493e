package tokenizer

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// toJSON is the filter tojson as transformers defines it: Python's json.dumps with ensure_ascii=False. The keys of Go
// maps come sorted, those of a template's own dictionaries in order.
func toJSON(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	w := jsonWriter{indent: -1}
	indent, ok := params.KwArgs["indent"]
	if !ok && len(params.Args) > 0 {
		indent, ok = params.Args[0], true
	}
	if ok && indent.IsInteger() {
		w.indent = min(max(indent.Integer(), 0), 16)
	}
	if err := w.value(in, 0); err != nil {
		return exec.AsValue(err)
	}
	return exec.AsSafeValue(w.b.String())
}

type jsonWriter struct {
	b      strings.Builder
	indent int // spaces a level; -1: one line
}

func (w *jsonWriter) value(v *exec.Value, depth int) error {
	switch {
	case depth > maxMacros:
		return errDeep
	case w.b.Len() > maxPrompt:
		return errLarge
	case v.IsError():
		return fmt.Errorf("tojson: %s", v.Error())
	case v.IsNil():
		w.b.WriteString("null")
	case v.IsBool():
		w.b.WriteString(strconv.FormatBool(v.Bool()))
	case v.IsInteger():
		w.b.WriteString(strconv.Itoa(v.Integer()))
	case v.IsFloat():
		w.b.WriteString(pythonFloat(v.Float()))
	case v.IsString():
		w.text(v.String())
	case v.IsDict():
		return w.dict(v, depth)
	case v.IsList():
		return w.list(v, depth)
	default:
		return fmt.Errorf("tojson: cannot write %s", v)
	}
	return nil
}

func pythonFloat(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}

func (w *jsonWriter) dict(v *exec.Value, depth int) error {
	keys := v.Keys()
	w.b.WriteByte('{')
	for i, key := range keys {
		w.separate(i, depth+1)
		w.text(key.String())
		w.b.WriteString(": ")
		item, _ := v.GetItem(key.Interface())
		if err := w.value(item, depth+1); err != nil {
			return err
		}
	}
	w.end(len(keys), depth, '}')
	return nil
}

func (w *jsonWriter) list(v *exec.Value, depth int) error {
	n := v.Len()
	w.b.WriteByte('[')
	for i := range n {
		w.separate(i, depth+1)
		if err := w.value(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	w.end(n, depth, ']')
	return nil
}

func (w *jsonWriter) separate(i, depth int) {
	if i > 0 {
		w.b.WriteByte(',')
		if w.indent < 0 {
			w.b.WriteByte(' ')
		}
	}
	w.line(depth)
}

func (w *jsonWriter) end(n, depth int, bracket byte) {
	if n > 0 {
		w.line(depth)
	}
	w.b.WriteByte(bracket)
}

func (w *jsonWriter) line(depth int) {
	if w.indent >= 0 {
		w.b.WriteByte('\n')
		w.b.WriteString(strings.Repeat(" ", w.indent*depth))
	}
}

func (w *jsonWriter) text(s string) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}
	w.b.WriteByte('"')
	for _, r := range s {
		switch esc, ok := short[r]; {
		case ok:
			w.b.WriteString(esc)
		case r < ' ':
			fmt.Fprintf(&w.b, `\u%04x`, r)
		default:
			w.b.Write(utf8.AppendRune(nil, r))
		}
	}
	w.b.WriteByte('"')
}

// generation is transformers' {% generation %}, which marks the assistant's text for training and renders it as it is.
type generation struct {
	at   *tokens.Token
	body *nodes.Wrapper
}

func parseGeneration(p, args *parser.Parser) (nodes.ControlStructure, error) {
	g := &generation{at: p.Current()}
	if !args.End() {
		return nil, args.Error("generation takes no arguments", nil)
	}
	body, _, err := p.WrapUntil("endgeneration")
	g.body = body
	return g, err
}

func (g *generation) Position() *tokens.Token { return g.at }
func (g *generation) String() string          { return "generation" }

func (g *generation) Execute(r *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	return r.ExecuteWrapper(g.body)
}
