package train

import "math"

// rate is the learning rate of a step, counted from 0: a linear warm-up to the
// peak, then half a cosine down to the minimum (Loshchilov and Hutter 2016,
// https://arxiv.org/abs/1608.03983).
func (s *Stage) rate(step, steps int) float64 {
	warm := int(math.Ceil(s.Warmup * float64(steps)))
	if step < warm {
		return s.LR * float64(step+1) / float64(warm)
	}
	done := float64(step-warm) / float64(max(1, steps-warm))
	return s.MinLR + float64((s.LR-s.MinLR)*(1+math.Cos(math.Pi*done))/2)
}

// scaleOf is the factor of a part's rate.
func (s *Stage) scaleOf(part string) float64 {
	if f, ok := s.LRScale[part]; ok {
		return f
	}
	return 1
}
