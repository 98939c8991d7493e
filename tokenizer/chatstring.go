package tokenizer

import (
	"errors"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// Python's string methods that templates rely on and that the engine's own differ from.

type strMethod = func(self string, _ *exec.Value, args *exec.VarArgs) (any, error)

// stripper makes strip, lstrip or rstrip: white space is the default, not only blanks.
func stripper(left, right bool) strMethod {
	return func(self string, _ *exec.Value, args *exec.VarArgs) (any, error) {
		in := isSpace
		if len(args.Args) > 0 && !args.Args[0].IsNil() {
			set := args.Args[0].String()
			in = func(r rune) bool { return strings.ContainsRune(set, r) }
		}
		if left {
			self = strings.TrimLeftFunc(self, in)
		}
		if right {
			self = strings.TrimRightFunc(self, in)
		}
		return self, nil
	}
}

func split(self string, _ *exec.Value, args *exec.VarArgs) (any, error) {
	most := -1
	if len(args.Args) > 1 {
		most = args.Args[1].Integer()
	}
	if len(args.Args) == 0 || args.Args[0].IsNil() {
		return anyList(strings.Fields(self)), nil
	}
	sep := args.Args[0].String()
	if sep == "" {
		return nil, errors.New("split: the separator is empty")
	}
	if most >= 0 {
		return anyList(strings.SplitN(self, sep, most+1)), nil
	}
	return anyList(strings.Split(self, sep)), nil
}

func anyList(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
