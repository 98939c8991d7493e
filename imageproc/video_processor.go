package imageproc

import (
	"fmt"
	"math"
)

// maxSeenPixels bounds what is made of a video: 3 GiB of floats.
const maxSeenPixels = 1 << 28

// VideoProcessor is how a model's encoder sees videos: which of their frames, and of
// which size. It is safe for use by several goroutines.
type VideoProcessor struct {
	Rule SamplingRule
	Span int // frames that a view has, one after another in time

	frames *Processor // what is done to each frame
	budget budget
}

// budget is how the area of all frames bounds that of one.
type budget struct {
	total  int  // pixels of all frames together, less which a frame has none of its own bound; 0: no bound
	shared bool // bounds of the resizing are those of all frames together
}

// Footage is a video as an encoder sees it.
type Footage struct {
	Pixels  []float32 // of every view, each [Span, 3, H, W]
	W, H    int
	Views   int
	Indices []int     // frames of the video, the last repeated where it fills a view up
	Times   []float64 // of the same, in seconds
	FPS     float64   // frames a second among those seen
	Geometry
}

// Footage decodes and prepares the frames that are seen of v, one at a time.
func (p *VideoProcessor) Footage(v *Video) (*Footage, error) {
	f, frames, err := p.plan(v)
	if err != nil {
		return nil, err
	}
	n := 3 * f.W * f.H
	f.Pixels = make([]float32, 0, n*len(f.Indices))
	for img, err := range v.Each(f.Indices) {
		if err != nil {
			return nil, err
		}
		at := len(f.Pixels)
		f.Pixels = f.Pixels[:at+n]
		seen, err := frames.Process(img, f.Pixels[at:at:at+n])
		if err != nil {
			return nil, err
		}
		f.Geometry = seen.Geometry
	}
	return f, nil
}

// Plan is Footage without pixels: what would be seen of v.
func (p *VideoProcessor) Plan(v *Video) (*Footage, error) {
	f, _, err := p.plan(v)
	return f, err
}

func (p *VideoProcessor) plan(v *Video) (*Footage, *Processor, error) {
	indices, fps, err := p.Rule.Choose(v)
	if err != nil {
		return nil, nil, err
	}
	frames := p.fitted(len(indices))
	if err := frames.Fits(v.W, v.H); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", v.Name, err)
	}
	for len(indices)%p.Span > 0 {
		indices = append(indices, indices[len(indices)-1])
	}
	f := &Footage{Views: len(indices) / p.Span, Indices: indices, FPS: fps}
	f.W, f.H = frames.OutputSize(v.W, v.H)
	if n := int64(f.W) * int64(f.H); int64(len(indices)) > maxSeenPixels/n {
		return nil, nil, fmt.Errorf("imageproc: %s: %d frames would be seen at %d×%d pixels, more than the limit of %d together: ask for fewer frames", v.Name, len(indices), f.W, f.H, maxSeenPixels)
	}
	for _, i := range indices {
		f.Times = append(f.Times, v.Time(i, p.Rule.Assumed))
	}
	return f, frames, nil
}

// fitted is the pipeline for one of n frames.
func (p *VideoProcessor) fitted(n int) *Processor {
	r, ok := p.frames.Smart()
	switch {
	case !ok:
		return p.frames
	case p.budget.shared:
		r.Frames, r.Span = n, p.Span
	case p.budget.total > 0:
		least := int(math.Floor(float64(r.Min) * 1.05))
		r.Max = max(min(r.Max, p.budget.total*p.Span/n), least, r.Factor*r.Factor)
	}
	return NewPipeline(p.frames.norm, r)
}

// Factor is what the sides of frames are multiples of, and whether there is such a number.
func (p *VideoProcessor) Factor() (int, bool) {
	r, ok := p.frames.Smart()
	return r.Factor, ok
}

// FrameSize is the size that one frame of w by h pixels is seen in.
func (p *VideoProcessor) FrameSize(w, h int) (outW, outH int) { return p.fitted(1).OutputSize(w, h) }

// String describes it on one line.
func (p *VideoProcessor) String() string {
	s := fmt.Sprintf("up to %d frames | %v", p.Rule.Most, p.frames)
	if p.Rule.FPS > 0 {
		s = fmt.Sprintf("%g frames a second, %d to %d, %d at once | %v", p.Rule.FPS, p.Rule.Least, p.Rule.Most, p.Span, p.frames)
	}
	if p.budget.shared {
		s += " | pixels of all frames together"
	}
	return s
}
