package llava

import (
	"image"
	"math"
	"strconv"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Tokens is the number of placeholders that a picture or a video takes.
func (m *Model) Tokens(t *model.Tiles) int {
	if t.Clip != nil {
		return len(t.Views.Sizes)*m.halved().Len() + 1 // a newline ends the video
	}
	if m.Newline == nil {
		return m.Vision.Rows() * len(t.Views.Sizes)
	}
	return m.arrange(t).tokens()
}

// TokensPerImage is the most placeholders that a picture can take.
func (m *Model) TokensPerImage() int {
	most := m.Vision.Rows()
	if m.cfg.Tiles == nil {
		return most
	}
	side := m.cfg.Vision.ImageSize
	for _, p := range m.cfg.Tiles.Pinpoints {
		t := &model.Tiles{Cols: p[1] / side, Rows: p[0] / side, Original: image.Pt(p[1], p[0])} // fits without a border
		most = max(most, m.arrange(t).tokens())
	}
	return most
}

// arrangement is how the features of a picture's tiles follow those of the
// whole: line by line, a newline behind each.
type arrangement struct {
	base   int             // features of the whole picture
	side   int             // features on a side of a tile
	cols   int             // tiles across; 0: the picture is not cut
	seen   image.Rectangle // of the features of all tiles together, those that show the picture and not the border around it
	pooled ops.Grid        // what seen is reduced to; zero: it is not
}

func (m *Model) arrange(t *model.Tiles) arrangement {
	a := arrangement{base: m.Vision.Rows(), side: m.cfg.Vision.Grid(), cols: t.Cols}
	if a.cols == 0 {
		return a
	}
	a.seen = unpad(a.side*t.Cols, a.side*t.Rows, t.Original)
	if m.cfg.Tiles.Most > 0 {
		a.pooled = pool(a.seen.Size(), m.cfg.Tiles.Most*a.side*a.side)
	}
	return a
}

// lines is the grid of the tiles' features as they enter the language model.
func (a arrangement) lines() ops.Grid {
	if a.pooled.Len() > 0 {
		return a.pooled
	}
	return ops.Grid{H: a.seen.Dy(), W: a.seen.Dx()}
}

func (a arrangement) tokens() int {
	if a.cols == 0 {
		return a.base + 1 // a newline ends the picture
	}
	g := a.lines()
	return a.base + g.H*(g.W+1)
}

// unpad is the part of a map of w by h features that shows a picture which was
// scaled to fit and centred. It rounds as the reference does.
func unpad(w, h int, original image.Point) image.Rectangle {
	ow, oh := float64(original.X), float64(original.Y)
	if ow/oh > float64(w)/float64(h) {
		border := (h - round7(oh*(float64(w)/ow))) / 2
		return image.Rect(0, border, w, h-border)
	}
	border := (w - round7(ow*(float64(h)/oh))) / 2
	return image.Rect(border, 0, w-border, h)
}

// round7 is Python's int(round(x, 7)).
func round7(x float64) int {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'f', 7, 64), 64) // just formatted
	return int(r)
}

// pool is the grid that a map is reduced to if it has many more than most features, else zero.
func pool(size image.Point, most int) ops.Grid {
	ratio := math.Sqrt(float64(size.X*size.Y) / float64(most))
	if ratio <= 1.1 {
		return ops.Grid{}
	}
	return ops.Grid{H: max(1, floorDiv(size.Y, ratio)), W: max(1, floorDiv(size.X, ratio))}
}

// floorDiv is Python's int(n // x), which differs from int(n/x) where the quotient rounds up to an integer.
func floorDiv(n int, x float64) int {
	return int(math.Round((float64(n) - math.Mod(float64(n), x)) / x))
}

// join puts the projected features x of all views in the order in which they
// enter the language model.
func (m *Model) join(c *tensor.Ctx, x *tensor.Tensor, images []*model.Tiles) *tensor.Tensor {
	src := []*tensor.Tensor{x, c.View(m.Newline, 1, m.Newline.Len())}
	newline, next := int32(x.Rows()), int32(x.Rows()+1) // next is the first row of the next source
	var rows []int32
	first := int32(0) // feature of the picture
	for _, t := range images {
		if t.Clip != nil {
			frames := m.frames(c, x, int(first), len(t.Views.Sizes))
			src = append(src, frames...)
			for range len(frames) * m.halved().Len() {
				rows = append(rows, next)
				next++
			}
			rows = append(rows, newline)
			first += int32(m.Vision.Rows() * len(frames))
			continue
		}
		a := m.arrange(t)
		for i := range a.base {
			rows = append(rows, first+int32(i))
		}
		places := a.places(first)
		if a.pooled.Len() > 0 {
			from := ops.Grid{H: a.seen.Dy(), W: a.seen.Dx()}
			src = append(src, ops.Interpolate(c, ops.Gather(c, places, x), from, a.pooled, ops.Linear2D))
			places = make([]int32, a.pooled.Len()) // the op keeps the others
			for i := range places {
				places[i] = next
				next++
			}
		}
		rows = a.append(rows, places, newline)
		first += int32(a.base * len(t.Views.Sizes))
	}
	return ops.Gather(c, rows, src...)
}

// places are the rows of the features of the tiles that show the picture, line
// by line; first is that of the picture's first feature.
func (a arrangement) places(first int32) []int32 {
	var out []int32
	for y := a.seen.Min.Y; y < a.seen.Max.Y; y++ {
		for x := a.seen.Min.X; x < a.seen.Max.X; x++ {
			tile := 1 + y/a.side*a.cols + x/a.side
			out = append(out, first+int32(tile*a.base+y%a.side*a.side+x%a.side))
		}
	}
	return out
}

// append adds the lines of places to rows, a newline behind each.
func (a arrangement) append(rows, places []int32, newline int32) []int32 {
	g := a.lines()
	for y := range g.H {
		rows = append(append(rows, places[y*g.W:(y+1)*g.W]...), newline)
	}
	if a.cols == 0 {
		rows = append(rows, newline)
	}
	return rows
}
