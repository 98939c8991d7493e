package data

import (
	"fmt"
	"math/bits"
)

// Shuffled returns the index of the sample that stands at place at, of n, in the order
// of an epoch. For fixed seed, epoch and n it is a permutation of [0, n); it takes
// constant time and no memory, and is the same on every platform.
//
// The permutation is a Feistel network over the next power of four, walked until it
// falls below n (Black and Rogaway, 2002, "Ciphers with Arbitrary Finite Domains").
// It panics if at is not in [0, n).
func Shuffled(seed uint64, epoch, n, at int) int {
	if at < 0 || at >= n {
		panic(fmt.Sprintf("data: Shuffled: place %d of %d", at, n))
	}
	half := (bits.Len64(uint64(n-1)) + 1) / 2
	key := mix(mix(seed) + uint64(epoch))
	x := uint64(at)
	for {
		x = feistel(key, x, half)
		if x < uint64(n) {
			return int(x)
		}
	}
}

// feistel permutes the numbers of 2*half bits.
func feistel(key, x uint64, half int) uint64 {
	mask := uint64(1)<<half - 1
	left, right := x>>half, x&mask
	for round := range uint64(6) {
		left, right = right, left^mix(key+round<<56^right)&mask
	}
	return left<<half | right
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
