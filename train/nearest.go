package train

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// nearest is the candidate that the fewest changed letters make of a word.
func nearest(word string, candidates []string) string {
	best, least := "", -1
	for _, c := range candidates {
		if n := distance(word, c); least < 0 || n < least {
			best, least = c, n
		}
	}
	return best
}

// distance is Levenshtein's: letters put in, taken out or changed.
func distance(a, b string) int {
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
