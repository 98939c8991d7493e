package data

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fovea-ml/fovea/imageproc"
)

// Report is what Check found out about a data set.
type Report struct {
	Path        string `json:"path"`
	Format      string `json:"format"`
	Fingerprint string `json:"fingerprint"`

	Samples   int `json:"samples"`   // that can be read
	Documents int `json:"documents"` // of them
	Pictures  int `json:"pictures"`
	Boxes     int `json:"boxes"`

	Types map[string]int `json:"types,omitempty"` // samples of each type that a mixture names

	BrokenRows     int `json:"broken_rows"`     // left out of Samples
	BrokenPictures int `json:"broken_pictures"` // missing ones too
	AbsentPictures int `json:"absent_pictures"` // only their addresses are known; no problem
	BoxesOutside   int `json:"boxes_outside"`   // of their pictures

	Turns  Spread `json:"turns"` // of a sample
	Images Spread `json:"images"`
	Width  Spread `json:"width"` // of a picture, in pixels
	Height Spread `json:"height"`
	Tokens Spread `json:"tokens"` // of a sample's text

	Problems []*Problem `json:"problems"` // of very many the first
}

// Spread is how a number is distributed.
type Spread struct {
	Min    int     `json:"min"`
	Median int     `json:"median"`
	P95    int     `json:"p95"` // 19 of 20 are no larger
	Max    int     `json:"max"`
	Mean   float64 `json:"mean"`
}

// spread sorts the numbers.
func spread(all []int32) (s Spread) {
	n := len(all)
	if n == 0 {
		return s
	}
	slices.Sort(all)
	sum := 0
	for _, v := range all {
		sum += int(v)
	}
	return Spread{int(all[0]), int(all[n/2]), int(all[(n*19-1)/20]), int(all[n-1]), float64(sum) / float64(n)}
}

// Count is the number of problems, whether Problems has them or not.
func (r *Report) Count() int { return r.BrokenRows + r.BrokenPictures + r.BoxesOutside }

// CheckOptions say how a set is checked. The zero value will do.
type CheckOptions struct {
	Tokens  func(text string) int // counts them, in several goroutines at once
	Done    func(samples int)     // is called after each sample
	Workers int                   // how many samples are read at once; 0 is 1
}

// Check reads every sample of a set and every picture.
func Check(d *Set, o CheckOptions) (*Report, error) {
	var next atomic.Int64
	var mu sync.Mutex
	done := 0
	one := func(c *checker) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= d.Len() {
				return nil
			}
			s, err := d.At(i)
			if err == nil { // its row was whole when the set was opened
				err = c.sample(s)
			}
			if err != nil {
				next.Store(int64(d.Len()))
				return err
			}
			mu.Lock()
			if done++; o.Done != nil {
				o.Done(done)
			}
			mu.Unlock()
		}
	}
	all := make([]checker, max(1, o.Workers))
	errs := make([]error, len(all))
	var wait sync.WaitGroup
	for i := range all {
		all[i].o = o
		wait.Go(func() { errs[i] = one(&all[i]) })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return report(d, all), nil
}

// report puts together what has been found.
func report(d *Set, all []checker) *Report {
	c := &all[0]
	for i := range all[1:] {
		c.add(&all[i+1])
	}
	r := &c.r
	r.Path, r.Format, r.Fingerprint, r.Samples, r.BrokenRows = d.name, d.format, d.Fingerprint(), d.Len(), d.Broken()
	r.Problems = append(append([]*Problem{}, d.Problems()...), r.Problems...) // a list in JSON, if an empty one
	r.Types = d.types()
	slices.SortStableFunc(r.Problems, func(a, b *Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Row, b.Row))
	})
	r.Turns, r.Images, r.Width, r.Height, r.Tokens = spread(c.turns), spread(c.images), spread(c.width), spread(c.height), spread(c.tokens)
	return r
}

// types counts the samples of each type, nil if there are none.
func (s *Set) types() (count map[string]int) {
	for i := range s.Len() {
		if t := s.Type(i); t != "" {
			if count == nil {
				count = map[string]int{}
			}
			count[t]++
		}
	}
	return count
}

// checker collects.
type checker struct {
	o                                    CheckOptions
	r                                    Report
	turns, images, width, height, tokens []int32
}

// add takes what another has collected.
func (c *checker) add(b *checker) {
	c.r.Documents += b.r.Documents
	c.r.Pictures += b.r.Pictures
	c.r.Boxes += b.r.Boxes
	c.r.BrokenPictures += b.r.BrokenPictures
	c.r.AbsentPictures += b.r.AbsentPictures
	c.r.BoxesOutside += b.r.BoxesOutside
	c.r.Problems = append(c.r.Problems, b.r.Problems...)
	c.turns, c.images = append(c.turns, b.turns...), append(c.images, b.images...)
	c.width, c.height = append(c.width, b.width...), append(c.height, b.height...)
	c.tokens = append(c.tokens, b.tokens...)
}

func (c *checker) sample(s *Sample) error {
	c.turns, c.images = append(c.turns, int32(len(s.Turns))), append(c.images, int32(len(s.Images)))
	if s.Document {
		c.r.Documents++
	}
	if c.o.Tokens != nil {
		n := 0
		for i := range s.Turns {
			n += c.o.Tokens(s.Turns[i].Words())
		}
		c.tokens = append(c.tokens, int32(n))
	}
	sizes := make([][2]int, len(s.Images))
	for i := range s.Images {
		img, err := s.Images[i].Open()
		switch {
		case err == nil:
			sizes[i] = [2]int{img.W, img.H}
			c.width, c.height = append(c.width, int32(img.W)), append(c.height, int32(img.H))
		case errors.Is(err, ErrAbsent):
			c.r.AbsentPictures++
		case !isProblem(err):
			return err
		default:
			c.r.BrokenPictures++
			c.tell(err)
		}
	}
	c.r.Pictures += len(s.Images)
	c.boxes(s, sizes)
	return nil
}

func isProblem(err error) bool {
	_, ok := errors.AsType[*Problem](err)
	return ok
}

// boxes looks for those that are outside of their pictures.
func (c *checker) boxes(s *Sample, sizes [][2]int) {
	for i, t := range s.Turns {
		if t.Places == nil {
			continue
		}
		for _, b := range t.Places.Boxes {
			c.r.Boxes++
			size := sizes[b.Image]
			if size[0] == 0 {
				continue // the picture could not be opened
			}
			if err := b.Inside(size[0], size[1]); err != nil {
				c.r.BoxesOutside++
				c.tell(s.problem(fmt.Errorf("turn %d: %w", i+1, err)))
			}
		}
	}
}

func (c *checker) tell(err error) {
	if p, ok := errors.AsType[*Problem](err); ok && len(c.r.Problems) < maxProblems {
		c.r.Problems = append(c.r.Problems, p)
	}
}

// Words is the text of a turn without markers and tags, but with the labels.
func (t *Turn) Words() string {
	var out strings.Builder
	for _, p := range t.phrases() {
		out.WriteString(strings.ReplaceAll(p.text, Marker, "") + p.label)
	}
	return out.String()
}

// Outlines are the boxes of a picture of the sample, to be drawn on it.
func (s *Sample) Outlines(image, w, h int) (out []imageproc.Shape) {
	for i := range s.Turns {
		for _, p := range s.Turns[i].phrases() {
			for _, b := range p.boxes {
				if b.Image != image {
					continue
				}
				shape := imageproc.Shape{Label: p.label}
				for _, at := range b.Mark(p.label, w, h).Points {
					shape.Points = append(shape.Points, [2]float64{at.X, at.Y})
				}
				out = append(out, shape)
			}
		}
	}
	return out
}
