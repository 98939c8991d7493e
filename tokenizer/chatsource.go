package tokenizer

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// checkSource refuses what could exhaust the stack or memory inside one expression, where no budget is asked.
func checkSource(source string, cfg *config.Config) error {
	if len(source) > maxTemplate {
		return fmt.Errorf("%d bytes, at most %d", len(source), maxTemplate)
	}
	var all []*tokens.Token
	for s := tokens.LexAll(source, cfg); !s.End(); s.Next() {
		all = append(all, s.Current())
	}
	depth, joins, repeat := 0, 0, 1
	for i, t := range all {
		switch t.Type {
		case tokens.LeftParenthesis, tokens.LeftBracket, tokens.LeftBrace:
			depth++
		case tokens.RightParenthesis, tokens.RightBracket, tokens.RightBrace:
			depth--
		case tokens.BlockEnd, tokens.VariableEnd:
			depth = 0
		case tokens.Addition, tokens.Tilde:
			joins++
		case tokens.Multiply, tokens.Power:
			n, err := repetition(all, i)
			if err != nil {
				return fmt.Errorf("line %d: %w", t.Line, err)
			}
			repeat *= n
		}
		if depth > maxNesting || joins > maxJoins {
			return fmt.Errorf("line %d: %w", t.Line, errDeep)
		}
		if repeat > maxRepeat {
			return fmt.Errorf("line %d: %w", t.Line, errLarge)
		}
	}
	return nil
}

// repetition returns how often the operator all[i] can repeat a string: it must be followed by a small number, or
// declare a macro's *args.
func repetition(all []*tokens.Token, i int) (int, error) {
	if i > 0 && i+1 < len(all) && all[i+1].Type == tokens.Name {
		switch all[i-1].Type {
		case tokens.LeftParenthesis, tokens.Comma:
			return 1, nil
		}
	}
	if all[i].Type == tokens.Multiply && i+1 < len(all) && all[i+1].Type == tokens.Integer {
		if n, err := strconv.Atoi(all[i+1].Val); err == nil && n >= 0 && n <= maxRepeat {
			return max(n, 1), nil
		}
	}
	return 0, errors.New("a product must be by a small number")
}
