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
	return matchPieces(strings.Split(pattern, "."), strings.Split(name, "."))
}

func matchPieces(pattern, name []string) bool {
	switch {
	case len(pattern) == 0:
		return true
	case pattern[0] == "**":
		for skip := range len(name) + 1 {
			if matchPieces(pattern[1:], name[skip:]) {
				return true
			}
		}
		return false
	case len(name) == 0:
		return false
	}
	ok, err := path.Match(pattern[0], name[0])
	return ok && err == nil && matchPieces(pattern[1:], name[1:])
}

// CheckPattern returns an error for a pattern that Match cannot read.
func CheckPattern(pattern string) error {
	_, err := path.Match(pattern, "")
	return err
}
