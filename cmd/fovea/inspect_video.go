package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// videoSummary is what a model sees of one video.
type videoSummary struct {
	Path   string      `json:"path"`
	Width  int         `json:"width"`
	Height int         `json:"height"`
	Frames int         `json:"frames"`
	Rate   float64     `json:"frames_per_s,omitempty"` // 0: not known
	Tokens int         `json:"tokens"`
	Seen   []frameLine `json:"seen"`
	SeenW  int         `json:"seen_width"`
	SeenH  int         `json:"seen_height"`
	Span   int         `json:"frames_per_view"`
}

// frameLine is one frame that is seen: its number, from 1, and when it is.
type frameLine struct {
	Frame   int     `json:"frame"`
	Seconds float64 `json:"seconds"`
}

// watch tells how m sees a video.
func watch(m *zoo.Model, v *imageproc.Video) (*videoSummary, error) {
	f, err := m.Processor.VideoProcessor().Plan(v)
	if err != nil {
		return nil, err
	}
	s := &videoSummary{Path: v.Name, Width: v.W, Height: v.H, Frames: v.Len(), Rate: v.Rate, SeenW: f.W, SeenH: f.H, Span: len(f.Indices) / f.Views}
	for i, frame := range f.Indices {
		s.Seen = append(s.Seen, frameLine{frame + 1, f.Times[i]})
	}
	p, err := m.Processor.Process([]model.Turn{{Role: "user", Videos: []*imageproc.Video{v}}})
	if err != nil {
		return nil, err
	}
	for _, at := range p.At {
		for ; at < len(p.IDs) && p.IDs[at] == p.IDs[p.At[0]]; at++ {
			s.Tokens++
		}
	}
	return s, nil
}

// write prints the summary for people.
func (s *videoSummary) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	rate := "of unknown rate"
	if s.Rate > 0 {
		rate = fmt.Sprintf("%.4g a second", s.Rate)
	}
	fmt.Fprintf(t, "\nvideo\t%s, %d frames of %d×%d pixels, %s\n", s.Path, s.Frames, s.Width, s.Height, rate)
	fmt.Fprintf(t, "seen\t%d frames of %d×%d pixels, %d at once\n", len(s.Seen), s.SeenW, s.SeenH, s.Span)
	fmt.Fprintf(t, "tokens\t%d\n", s.Tokens)
	for _, f := range s.Seen {
		fmt.Fprintf(t, "  frame %d\tat %.2f s\n", f.Frame, f.Seconds)
	}
	return t.Flush()
}
