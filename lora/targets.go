package lora

import (
	"regexp"
	"slices"
	"strings"
)

// targetModules are the last parts of the names if all layers with those are meant; else
// a regular expression of the parts of the model and of what names end with there, if it
// says the same; else the whole names. The first two hold in the dialects of all versions
// of transformers.
func targetModules(names, all []string) any {
	chosen := slices.Sorted(slices.Values(names))
	same := func(means func(name string) bool) bool {
		meant := slices.DeleteFunc(slices.Sorted(slices.Values(all)), func(name string) bool { return !means(name) })
		return slices.Equal(meant, chosen)
	}
	last := ends(names)
	if same(func(name string) bool { return slices.Contains(last, end(name)) }) {
		return last
	}
	for depth := range 2 {
		pattern := byPart(names, depth)
		if re, err := regexp.Compile(`^(?:` + pattern + `)$`); err == nil && same(re.MatchString) {
			return pattern
		}
	}
	return names
}

// byPart is an expression that has, for each part of the model, which is what stands at a
// depth of the names, what names end with there.
func byPart(names []string, depth int) string {
	var parts []string
	within := map[string][]string{}
	for _, name := range names {
		part := strings.Split(name+"..", ".")[depth]
		if within[part] == nil {
			parts = append(parts, part)
		}
		within[part] = append(within[part], name)
	}
	for i, part := range parts {
		parts[i] = `(.*\.)?` + regexp.QuoteMeta(part) + `\.(.*\.)?(` + strings.Join(ends(within[part]), "|") + `)`
	}
	return strings.Join(parts, "|")
}

// ends are the different last parts of names.
func ends(names []string) (out []string) {
	for _, name := range names {
		out = append(out, end(name))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func end(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
