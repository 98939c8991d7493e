package tokenizer

import (
	"errors"
	"io"
	"time"

	controls "github.com/nikolalohinski/gonja/v2/builtins/control_structures"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// Limits of a template, each far above what published ones need.
const (
	maxTemplate  = 128 << 10 // bytes of source
	maxNesting   = 200       // brackets inside each other
	maxJoins     = 1000      // operators that concatenate
	maxRepeat    = 256       // product of all repetitions of strings
	maxPrompt    = 4 << 20   // bytes of output, and of a string on the way
	maxSteps     = 1 << 18   // statements, macro calls and writes
	maxRange     = 10_000    // numbers of one range()
	maxMacros    = 64        // macro calls inside each other
	maxRendering = 2 * time.Second
)

var (
	errSteps = errors.New("the template runs too long")
	errLarge = errors.New("the template makes too long a text")
	errDeep  = errors.New("the template nests too deeply")
)

// budgetName is the variable that carries a rendering's budget; no template can spell it.
const budgetName = "\x00budget"

// budget is what one rendering may still spend.
type budget struct {
	steps, bytes, depth int
	until               time.Time
	namespaces          []map[string]any
}

func newBudget() *budget {
	return &budget{steps: maxSteps, bytes: maxPrompt, until: time.Now().Add(maxRendering)}
}

func (b *budget) step() error {
	b.steps--
	if b.steps < 0 || b.steps%64 == 0 && time.Now().After(b.until) {
		return errSteps
	}
	return nil
}

func budgetOf(c *exec.Context) *budget {
	v, _ := c.Get(budgetName)
	b, ok := v.(*budget)
	if !ok {
		panic("rendering without a budget")
	}
	return b
}

// meter is the output of a rendering.
type meter struct {
	w io.Writer
	b *budget
}

func (m *meter) Write(p []byte) (int, error) {
	if m.b.bytes -= len(p); m.b.bytes < 0 {
		return 0, errLarge
	}
	if err := m.b.step(); err != nil {
		return 0, err
	}
	return m.w.Write(p)
}

// limited is a statement that pays for each execution.
type limited struct {
	nodes.ControlStructure
	inner  exec.ControlStructure
	target string // of {% set %}
}

func limit(parse parser.ControlStructureParser) parser.ControlStructureParser {
	return func(p, args *parser.Parser) (nodes.ControlStructure, error) {
		target := ""
		if first := args.Current(); first != nil {
			target = first.Val
		}
		cs, err := parse(p, args)
		if err != nil {
			return nil, err
		}
		if loop, ok := cs.(*controls.ForControlStructure); ok && loop.Recursive {
			return nil, errors.New("recursive loops are not supported")
		}
		inner, ok := cs.(exec.ControlStructure)
		if !ok {
			return cs, nil
		}
		return &limited{cs, inner, target}, nil
	}
}

func (l *limited) Execute(r *exec.Renderer, tag *nodes.ControlStructureBlock) error {
	b := budgetOf(r.Environment.Context)
	if err := b.step(); err != nil {
		return err
	}
	if r.Output != nil {
		if _, metered := r.Output.(*meter); !metered { // a macro's or a block's own buffer
			sub := *r
			sub.Output = &meter{r.Output, b}
			r = &sub
		}
	}
	if err := l.inner.Execute(r, tag); err != nil {
		return err
	}
	switch s := l.inner.(type) {
	case *controls.MacroControlStructure:
		guardMacro(r, b, s.Name)
	case *controls.SetControlStructure:
		return b.checkSet(r.Environment.Context, l.target)
	}
	return nil
}

// guardMacro bounds how deeply a macro may call itself: Go's stack overflow cannot be caught.
func guardMacro(r *exec.Renderer, b *budget, name string) {
	v, _ := r.Environment.Context.Get(name)
	macro, ok := v.(exec.Macro)
	if !ok {
		return
	}
	r.Environment.Context.Set(name, exec.Macro(func(params *exec.VarArgs) *exec.Value {
		if b.depth >= maxMacros {
			return exec.AsValue(errDeep)
		}
		if err := b.step(); err != nil {
			return exec.AsValue(err)
		}
		b.depth++
		defer func() { b.depth-- }()
		return macro(params)
	}))
}

// checkSet looks at what {% set %} can change: a variable, and namespaces. Without it a value could double at each
// step, or hold itself.
func (b *budget) checkSet(c *exec.Context, name string) error {
	if v, ok := c.Get(name); ok {
		if err := checkValue(v, 0); err != nil {
			return err
		}
	}
	for _, ns := range b.namespaces {
		if err := checkValue(ns, 0); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(v any, depth int) error {
	if depth > 16 {
		return errDeep
	}
	switch v := v.(type) {
	case string:
		if len(v) > maxPrompt {
			return errLarge
		}
	case *exec.Value:
		return checkValue(v.Interface(), depth+1)
	case map[string]any:
		for _, e := range v {
			if err := checkValue(e, depth+1); err != nil {
				return err
			}
		}
	case exec.ValuesList:
		for _, e := range v {
			if err := checkValue(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
