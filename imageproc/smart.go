package imageproc

import (
	"errors"
	"fmt"
	"math"
)

// maxAspect is how many times longer than wide a picture may be for SmartResize.
const maxAspect = 200

// SmartResize scales to sides that are multiples of Factor, as close to the
// picture's own as an area of Min to Max pixels allows (Qwen2-VL, Wang et al.
// 2024, https://arxiv.org/abs/2409.12191).
type SmartResize struct {
	Factor, Min, Max int
	Filter           Filter

	// Of a video whose frames share the area (Qwen3-VL): how many there are, and how
	// many of them a token spans, which they are counted in multiples of. 0: one.
	Frames, Span int
}

func (s SmartResize) String() string {
	return fmt.Sprintf("resize to multiples of %d, %d to %d pixels, %v", s.Factor, s.Min, s.Max, s.Filter)
}

func (s SmartResize) place(w, h int) placement {
	if max(w, h) > maxAspect*min(w, h) {
		return placement{err: fmt.Errorf("it is more than %d times as long as wide", maxAspect)}
	}
	f, fw, fh := float64(s.Factor), float64(w), float64(h)
	outW, outH := math.RoundToEven(fw/f)*f, math.RoundToEven(fh/f)*f
	span := max(s.Span, 1)
	n, padded := float64(max(s.Frames, 1)), float64((max(s.Frames, 1)+span-1)/span*span)
	if area := padded * outW * outH; area > float64(s.Max) {
		beta := math.Sqrt(n * fw * fh / float64(s.Max))
		outW, outH = max(f, math.Floor(fw/beta/f)*f), max(f, math.Floor(fh/beta/f)*f)
	} else if area < float64(s.Min) {
		beta := math.Sqrt(float64(s.Min) / (n * fw * fh))
		outW, outH = math.Ceil(float64(fw*beta)/f)*f, math.Ceil(float64(fh*beta)/f)*f
	}
	return scaled(int(outW), int(outH), s.Filter)
}

// smart is the resizing of Qwen2-VL's processor.
func (r recipe) smart(c config, f Filter) (Step, error) {
	s := or(c.Size, r.size)
	out := SmartResize{
		Factor: or(c.PatchSize, 14) * or(c.MergeSize, 2), Filter: f,
		Min: or(c.MinPixels, or(zeroAsNil(s.Shortest), 56*56)), Max: or(c.MaxPixels, or(zeroAsNil(s.Longest), 28*28*1280)),
	}
	if or(c.PatchSize, 14) < 1 || or(c.MergeSize, 2) < 1 || out.Factor > maxEdge {
		return nil, fmt.Errorf("patch_size %d, merge_size %d", or(c.PatchSize, 14), or(c.MergeSize, 2))
	}
	if out.Min < 0 || out.Max < out.Min || out.Max < out.Factor*out.Factor || out.Max > maxWindowPixels {
		return nil, fmt.Errorf("pictures of %d to %d pixels, made of squares of %d×%d", out.Min, out.Max, out.Factor, out.Factor)
	}
	if c.DoResize != nil && !*c.DoResize {
		return nil, errors.New("do_resize is false: pictures must be made to fit the patches")
	}
	return out, nil
}

func zeroAsNil(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}
