package train

import (
	"slices"
	"strconv"
	"strings"
)

// layer is the number of the layer that a parameter belongs to: the first number
// in its name that stands behind the name of a list, -1 if there is none.
func layer(name string) int {
	for _, piece := range strings.Split(name, ".") {
		if n, err := strconv.Atoi(piece); err == nil {
			return n
		}
	}
	return -1
}

// embedding are pieces of the names of what stands before the first layer.
var embedding = []string{"embed", "cls_token", "pre_layrnorm", "query_tokens", "ln_pre", "conv1"}

// layersBehind is how many layers of a tower of so many come between a parameter
// and what stands behind the last one. What comes before the first layer counts as one
// (BEiT, https://arxiv.org/abs/2106.08254, and LAVIS).
func layersBehind(name string, depth int) int {
	if n := layer(name); n >= 0 {
		return depth - n
	}
	if slices.ContainsFunc(embedding, func(piece string) bool { return strings.Contains(name, piece) }) {
		return depth + 1
	}
	return 0
}
