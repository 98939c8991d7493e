package imageproc

import (
	"errors"
	"fmt"
	"math"
)

// Sampling is how many frames of a video are to be seen; at most one of the two
// is set. With neither, a model's reference says so.
type Sampling struct {
	Frames int     // this many, evenly spaced
	FPS    float64 // this many a second
}

func (o VideoOptions) check() error {
	switch s := o.Sampling; {
	case s.Frames < 0 || s.Frames > maxFrames:
		return fmt.Errorf("%d frames are asked for, want 1 to %d", s.Frames, maxFrames)
	case s.FPS != 0 && !(s.FPS > 0 && s.FPS <= maxRate):
		return fmt.Errorf("%g frames a second are asked for, want more than 0 and at most %d", s.FPS, maxRate)
	case s.Frames > 0 && s.FPS > 0:
		return errors.New("a number of frames and a number of frames a second are asked for: give one of them")
	case o.Rate != 0 && !(o.Rate > 0 && o.Rate <= maxRate):
		return fmt.Errorf("a rate of %g frames a second, want more than 0 and at most %d", o.Rate, maxRate)
	}
	return nil
}

// SamplingRule is how a model's reference chooses frames.
type SamplingRule struct {
	FPS         float64 // frames a second; 0: Most, evenly spaced
	Least, Most int     // frames
	Multiple    int     // what their number is a multiple of; 0: any
	Single      bool    // numbers of frames are counted in float32, as torch's linspace does, not in float64, as NumPy's
	Truncate    bool    // they are cut to integers, not rounded

	// Assumed is the rate of a folder that tells none.
	Assumed float64
}

// Choose returns the numbers of the frames that are seen of a video, and how many of
// them there are a second. All frames of a folder of unknown rate are seen, as if
// somebody had chosen them already, if they are not too many.
func (r SamplingRule) Choose(v *Video) (indices []int, fps float64, err error) {
	total, rate := v.Len(), v.Rate
	n := min(total, r.Most)
	switch {
	case v.Frames > 0:
		n = min(r.multiple(float64(v.Frames), math.RoundToEven), total)
	case v.FPS > 0 && rate == 0 && total > 1:
		return nil, 0, fmt.Errorf("imageproc: %s: %g frames a second are asked for, and how many the pictures have is not known: give their rate", v.Name, v.FPS)
	case rate > 0 && v.FPS > 0:
		n = r.at(total, rate, v.FPS)
	case rate > 0 && r.FPS > 0:
		n = r.at(total, rate, r.FPS)
	}
	if rate == 0 {
		rate = r.Assumed
	}
	n = max(n, 1)
	return r.spread(total, n), float64(n) / float64(total) * rate, nil
}

// at is the number of frames for so many a second.
func (r SamplingRule) at(total int, rate, fps float64) int {
	most := min(r.multiple(float64(min(r.Most, total)), math.Floor), total)
	least := r.multiple(float64(r.Least), math.Ceil)
	n := min(max(float64(total)/rate*fps, float64(least)), float64(most))
	return r.multiple(n, math.Floor)
}

func (r SamplingRule) multiple(n float64, round func(float64) float64) int {
	k := float64(max(r.Multiple, 1))
	return int(round(n/k)) * int(k)
}

// spread are n numbers from the first to the last of total.
func (r SamplingRule) spread(total, n int) []int {
	out := make([]int, n)
	for i := range out {
		at := r.place(total-1, n-1, i)
		if r.Truncate {
			at = math.Floor(at)
		}
		out[i] = int(math.RoundToEven(at))
	}
	return out
}

// place is point i of those that divide the way to last into so many steps.
func (r SamplingRule) place(last, steps, i int) float64 {
	switch {
	case steps == 0:
		return 0
	case r.Single && i < (steps+1)/2:
		return float64(float32(last) / float32(steps) * float32(i))
	case r.Single: // torch counts the second half from the end
		return float64(float32(last) - float32(float32(last)/float32(steps)*float32(steps-i)))
	case i == steps:
		return float64(last)
	}
	return float64(last) / float64(steps) * float64(i)
}
