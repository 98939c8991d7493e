package t5

import "math"

// buckets are those of the distances -cfg.MaxDistance to cfg.MaxDistance of a key
// behind its query: one for each small distance, then ever more distances to one.
// Where both ways count, half of them are for keys behind. Behind the largest
// distance nothing changes.
func (cfg *Config) buckets(bothWays bool) []int32 {
	out := make([]int32, 0, 2*cfg.MaxDistance+1)
	for d := -cfg.MaxDistance; d <= cfg.MaxDistance; d++ {
		n, first := cfg.Buckets, 0
		switch {
		case bothWays:
			n /= 2
			if d > 0 {
				first = n
			}
			out = append(out, int32(first+bucket(max(d, -d), n, cfg.MaxDistance)))
		default:
			out = append(out, int32(bucket(max(-d, 0), n, cfg.MaxDistance)))
		}
	}
	return out
}

// bucket is that of a distance among n; the reference's steps are in float32.
func bucket(distance, n, most int) int {
	exact := n / 2
	if distance < exact {
		return distance
	}
	log := float32(math.Log(float64(float32(distance) / float32(exact))))
	log /= float32(math.Log(float64(most) / float64(exact)))
	return min(exact+int(log*float32(n-exact)), n-1)
}
