package train

import "math"

// rate is the learning rate of a step, counted from 0: a linear warm-up to the
// peak, then down to the minimum by half a cosine (Loshchilov and Hutter 2016,
// https://arxiv.org/abs/1608.03983) or a straight line, or constant.
func (s *Stage) rate(step, steps, warm int) float64 {
	if step < warm {
		return s.LR * float64(step+1) / float64(warm)
	}
	done := float64(step-warm) / float64(max(1, steps-warm))
	switch s.Schedule {
	case "constant":
		return s.LR
	case "linear":
		return s.MinLR + float64((s.LR-s.MinLR)*(1-done))
	}
	return s.MinLR + float64((s.LR-s.MinLR)*(1+math.Cos(math.Pi*done))/2)
}

// warm is the number of steps of the warm-up.
func (s *Stage) warm(steps int, stepsOfEpoch float64) int {
	switch {
	case s.WarmupSteps > 0:
		return s.WarmupSteps
	case s.WarmupEpochs > 0:
		return int(math.Ceil(s.WarmupEpochs * stepsOfEpoch))
	}
	return int(math.Ceil(s.Warmup * float64(steps)))
}
