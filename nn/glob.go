package nn

import (
	"path"
	"strings"
)

// Match reports whether a pattern fits a parameter's name, or the pieces that it
// begins with: "model.layers.3" fits all parameters of that layer. Between dots
// * fits any letters, ? one, [0-3] one of several, and the piece ** any number of
// pieces: "**.q_proj" fits the weight and the bias of every query projection.
func Match(pattern, name string) bool {
	return matchPieces(strings.Split(pattern, "."), strings.Split(name, "."), false)
}

// MatchEnd reports whether a pattern fits a name, or the pieces that it ends with, as
// PEFT's names of modules do: "q_proj" fits every query projection.
func MatchEnd(pattern, name string) bool {
	return matchPieces(append([]string{"**"}, strings.Split(pattern, ".")...), strings.Split(name, "."), true)
}

// matchPieces wants all of the name to be fitted if whole, and a beginning otherwise.
func matchPieces(pattern, name []string, whole bool) bool {
	switch {
	case len(pattern) == 0:
		return !whole || len(name) == 0
	case pattern[0] == "**":
		for skip := range len(name) + 1 {
			if matchPieces(pattern[1:], name[skip:], whole) {
				return true
			}
		}
		return false
	case len(name) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && matchPieces(pattern[1:], name[1:], whole)
}

// CheckPattern returns an error for a pattern that Match cannot read.
func CheckPattern(pattern string) error {
	_, err := path.Match(pattern, "")
	return err
}

// Distance is Levenshtein's: how many letters have to be put in, taken out or changed to
// make one word of another.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := before
			if a[i] != b[j] {
				changed++
			}
			before = row[j+1]
			row[j+1] = min(changed, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}
