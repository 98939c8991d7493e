package train

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/nn"
)

// nearest is the candidate that the fewest changed letters make of a word.
func nearest(word string, candidates []string) string {
	best, least := "", -1
	for _, c := range candidates {
		if n := nn.Distance(word, c); least < 0 || n < least {
			best, least = c, n
		}
	}
	return best
}

// withNearestKey adds to the error of an unknown key the known one that is most like it.
func withNearestKey(err error) error {
	_, quoted, ok := strings.Cut(err.Error(), "unknown field ")
	if !ok {
		return err
	}
	return fmt.Errorf("%w; the nearest known is %q", err, nearest(strings.Trim(quoted, `"`), keys(reflect.TypeFor[Recipe](), nil)))
}

// keys lists the JSON keys of a type and of those within it.
func keys(t reflect.Type, known []string) []string {
	switch t.Kind() {
	case reflect.Slice, reflect.Pointer, reflect.Map:
		return keys(t.Elem(), known)
	case reflect.Struct:
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if !slices.Contains(known, key) {
				known = keys(t.Field(i).Type, append(known, key))
			}
		}
	}
	return known
}
