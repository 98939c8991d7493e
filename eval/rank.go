package eval

import (
	"cmp"
	"slices"
)

// pair is a picture and a text, by their numbers.
type pair struct{ picture, text int }

// reading is what is read again: of each picture the texts that are most like it, and
// of each text the pictures.
type reading struct {
	texts    [][]int // by picture
	pictures [][]int // by text
	scores   map[pair]float32
}

func newReading(likeness []float32, pictures, texts, most int) *reading {
	r := &reading{texts: make([][]int, pictures), pictures: make([][]int, texts), scores: map[pair]float32{}}
	for i := range r.texts {
		r.texts[i] = top(likeness[i*texts:(i+1)*texts], most)
	}
	for j := range r.pictures {
		r.pictures[j] = top(column(likeness, texts, j), most)
	}
	return r
}

// top are the places of the largest scores, the largest first.
func top(scores []float32, most int) []int {
	places := make([]int, len(scores))
	for i := range places {
		places[i] = i
	}
	slices.SortStableFunc(places, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	return places[:min(most, len(places))]
}

func column(matrix []float32, cols, j int) []float32 {
	out := make([]float32, len(matrix)/cols)
	for i := range out {
		out[i] = matrix[i*cols+j]
	}
	return out
}

// of are the texts that picture i is read with, for its sake or for theirs.
func (r *reading) of(i int) []int {
	out := slices.Clone(r.texts[i])
	for j, pictures := range r.pictures {
		if slices.Contains(pictures, i) && !slices.Contains(out, j) {
			out = append(out, j)
		}
	}
	return out
}

// rank is the place, from 1, of the first that is right, where wrong ones of the same
// score go before it.
func rank(scores []float32, right func(int) bool) int {
	best, found := float32(0), false
	for i, s := range scores {
		if right(i) && (!found || s > best) {
			best, found = s, true
		}
	}
	place := 1
	for i, s := range scores {
		if !right(i) && s >= best {
			place++
		}
	}
	return place
}

// rerank is rank where first stand before all others, by scores of their own.
func rerank(scores []float32, first []int, anew []float32, right func(int) bool) int {
	if slices.ContainsFunc(first, right) {
		return rank(anew, func(k int) bool { return right(first[k]) })
	}
	var rest []float32
	var places []int
	for i, s := range scores {
		if !slices.Contains(first, i) {
			rest, places = append(rest, s), append(places, i)
		}
	}
	return len(first) + rank(rest, func(k int) bool { return right(places[k]) })
}
