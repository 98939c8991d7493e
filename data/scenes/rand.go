package scenes

import (
	"math/bits"
	"math/rand/v2"
)

// Each part of a scene has a random stream of its own, so that a new template changes
// no picture and a new background changes no question.
const (
	streamLayout = iota
	streamGround
	streamQuestions // plus the number of the language

	streamWrong = 1 << 8
)

// key names one scene among all splits and seeds.
type key struct{ hi, lo uint64 }

func newKey(seed uint64, split string, index int) key {
	h := uint64(14695981039346656037) // FNV-1a
	for i := 0; i < len(split); i++ {
		h = (h ^ uint64(split[i])) * 1099511628211
	}
	return key{hi: mix(mix(h) + seed), lo: mix(uint64(index) + 1)}
}

// source starts a stream of the scene.
func (k key) source(stream, attempt uint64) *source {
	return &source{rand.NewPCG(mix(k.hi+stream), mix(k.lo+attempt))}
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// source draws integers from PCG. It does not use rand.Rand, whose way from 64 random
// bits to a small number may change with the Go version.
type source struct{ pcg *rand.PCG }

// below returns a number in [0, n).
func (s *source) below(n int) int {
	hi, _ := bits.Mul64(s.pcg.Uint64(), uint64(n))
	return int(hi)
}

// between returns a number in [lo, hi].
func (s *source) between(lo, hi int) int { return lo + s.below(hi-lo+1) }

// percent is true p times in a hundred.
func (s *source) percent(p int) bool { return s.below(100) < p }

// weighted returns an index with probability proportional to its weight.
func (s *source) weighted(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	x := s.below(sum)
	for i, w := range weights {
		if x < w {
			return i
		}
		x -= w
	}
	panic("scenes: weights do not sum up")
}

func pick[T any](s *source, all []T) T { return all[s.below(len(all))] }

func shuffle[T any](s *source, all []T) {
	for i := len(all) - 1; i > 0; i-- {
		j := s.below(i + 1)
		all[i], all[j] = all[j], all[i]
	}
}
