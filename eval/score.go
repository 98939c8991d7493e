package eval

import "math"

// normal95 is how many standard errors from the mean a 95 % interval ends.
const normal95 = 1.959963984540054

// Score is a share of right answers with its 95 % confidence interval.
type Score struct {
	Right    int     `json:"right"`
	Count    int     `json:"count"`
	Accuracy float64 `json:"accuracy"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

func (s *Score) add(right bool) {
	s.Count++
	if right {
		s.Right++
	}
	s.Accuracy = float64(s.Right) / float64(s.Count)
	s.Low, s.High = wilson(s.Right, s.Count)
}

// wilson is the 95 % score interval of a binomial proportion (Wilson 1927,
// https://doi.org/10.1080/01621459.1927.10502953), which stays inside [0, 1]
// and is right near its ends.
func wilson(right, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = normal95
	count := float64(n)
	p := float64(right) / count
	centre := p + z*z/(2*count)
	half := z * math.Sqrt(p*(1-p)/count+z*z/(4*count*count))
	scale := 1 + z*z/count
	// At 0 and 1 the interval begins and ends exactly there, whatever rounding says.
	return min(p, max(0, (centre-half)/scale)), max(p, min(1, (centre+half)/scale))
}
