package tokenizer

import (
	"errors"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/parser"
)

// What a template may use. Left out is whatever reads files, changes a value in place (as in the reference's sandbox),
// or makes long strings from short ones.
var (
	allowedStatements = strings.Fields("for if set macro raw filter with break continue")
	allowedFilters    = strings.Fields(`abs attr capitalize default d dictsort e escape first float groupby int items last
		length count list lower map max min rejectattr reject reverse round safe selectattr select sort string sum title
		trim unique upper urlencode`)
	allowedGlobals = strings.Fields("dict joiner cycler")
	allowedStr     = strings.Fields(`capitalize casefold count endswith find isalnum isalpha isascii isdecimal isdigit
		islower isnumeric isspace istitle isupper lower removeprefix removesuffix rfind rsplit splitlines startswith
		swapcase title upper partition rpartition`)
	allowedDict = strings.Fields("keys values items get copy")
)

func environment() *exec.Environment {
	statements := map[string]parser.ControlStructureParser{"generation": limit(parseGeneration)}
	for _, name := range allowedStatements {
		if parse, ok := builtins.ControlStructures.Get(name); ok {
			statements[name] = limit(parse)
		}
	}
	globals := map[string]any{
		"range": rangeOf, "namespace": namespace,
		"raise_exception": raiseException, "strftime_now": strftimeNow,
	}
	for _, name := range allowedGlobals {
		if f, ok := builtins.GlobalFunctions.Get(name); ok {
			globals[name] = f
		}
	}
	return &exec.Environment{
		Context:           exec.NewContext(globals),
		Filters:           exec.NewFilterSet(filters()),
		Tests:             builtins.Tests,
		ControlStructures: exec.NewControlStructureSet(statements),
		Methods:           methods(),
	}
}

func filters() map[string]exec.FilterFunction {
	all := map[string]exec.FilterFunction{"tojson": toJSON, "join": joinFilter, "replace": replaceFilter}
	for _, name := range allowedFilters {
		f, ok := builtins.Filters.Get(name)
		if !ok {
			continue
		}
		all[name] = func(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
			if err := budgetOf(e.Environment.Context).step(); err != nil {
				return exec.AsValue(err)
			}
			return f(e, in, params)
		}
	}
	return all
}

func methods() exec.Methods {
	return exec.Methods{
		Bool: exec.NewMethodSet(map[string]exec.Method[bool]{}),
		Int:  exec.NewMethodSet(map[string]exec.Method[int]{}), Float: exec.NewMethodSet(map[string]exec.Method[float64]{}),
		Str:  exec.NewMethodSet(strMethods()),
		Dict: exec.NewMethodSet(pick(builtins.Methods.Dict, allowedDict)),
		List: exec.NewMethodSet(map[string]exec.Method[[]any]{}),
	}
}

func pick[T any](from *exec.MethodSet[T], names []string) map[string]exec.Method[T] {
	all := map[string]exec.Method[T]{}
	for _, name := range names {
		if m, ok := from.Get(name); ok {
			all[name] = m
		}
	}
	return all
}

func strMethods() map[string]exec.Method[string] {
	all := pick(builtins.Methods.Str, allowedStr)
	all["strip"], all["lstrip"], all["rstrip"] = stripper(true, true), stripper(true, false), stripper(false, true)
	all["split"] = split
	all["join"] = func(self string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		if len(args.Args) != 1 {
			return nil, errors.New("join: want one list")
		}
		return join(args.Args[0], self)
	}
	all["replace"] = func(self string, _ *exec.Value, args *exec.VarArgs) (any, error) { return replace(self, args) }
	return all
}

func joinFilter(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	sep := ""
	if len(params.Args) > 0 {
		sep = params.Args[0].String()
	}
	return result(join(in, sep))
}

func replaceFilter(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	return result(replace(in.String(), params))
}

func result(s string, err error) *exec.Value {
	if err != nil {
		return exec.AsValue(err)
	}
	return exec.AsValue(s)
}

func join(list *exec.Value, sep string) (string, error) {
	var parts []string
	size := 0
	list.Iterate(func(_, _ int, item, _ *exec.Value) bool {
		parts = append(parts, item.String())
		size += len(parts[len(parts)-1]) + len(sep)
		return size <= maxPrompt
	}, func() {})
	if size > maxPrompt {
		return "", errLarge
	}
	return strings.Join(parts, sep), nil
}

func replace(s string, args *exec.VarArgs) (string, error) {
	if len(args.Args) < 2 {
		return "", errors.New("replace: want the old and the new text")
	}
	from, to, most := args.Args[0].String(), args.Args[1].String(), -1
	if len(args.Args) > 2 {
		most = args.Args[2].Integer()
	}
	if len(s)+strings.Count(s, from)*len(to) > max(maxPrompt, 2*len(s)) {
		return "", errLarge
	}
	return strings.Replace(s, from, to, most), nil
}

func rangeOf(_ *exec.Evaluator, params *exec.VarArgs) ([]int, error) {
	start, stop, step := 0, 0, 1
	to := [][]*int{1: {&stop}, 2: {&start, &stop}, 3: {&start, &stop, &step}}
	if n := len(params.Args); n < 1 || n > 3 {
		return nil, errors.New("range: want one to three integers")
	}
	for i, v := range params.Args {
		if !v.IsInteger() {
			return nil, errors.New("range: want integers")
		}
		*to[len(params.Args)][i] = v.Integer()
	}
	if step == 0 {
		return nil, errors.New("range: step is zero")
	}
	list := []int{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(list) == maxRange {
			return nil, errSteps
		}
		list = append(list, i)
	}
	return list, nil
}

func namespace(e *exec.Evaluator, params *exec.VarArgs) map[string]any {
	ns := map[string]any{}
	for name, v := range params.KwArgs {
		ns[name] = v.Interface()
	}
	b := budgetOf(e.Environment.Context)
	b.namespaces = append(b.namespaces, ns)
	return ns
}

// Exception is the error of a template that called raise_exception.
type Exception struct{ Message string }

func (e *Exception) Error() string { return e.Message }

func raiseException(message string) (string, error) { return "", &Exception{message} }

func strftimeNow(format string) string { return strftime(time.Now(), format) }

// strftime formats t as C does, for the verbs that templates use.
func strftime(t time.Time, format string) string {
	layouts := map[byte]string{
		'd': "02", 'm': "01", 'Y': "2006", 'y': "06", 'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday",
		'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002", 'Z': "MST", 'z': "-0700",
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		if layout, ok := layouts[format[i]]; ok {
			b.WriteString(t.Format(layout))
		} else if format[i] == '%' {
			b.WriteByte('%')
		} else {
			b.WriteString(format[i-1 : i+1])
		}
	}
	return b.String()
}
