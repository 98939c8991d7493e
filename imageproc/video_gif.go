package imageproc

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"io"
	"iter"
	"slices"
)

// gifVideo is an animated GIF file, composed as Pillow composes it.
type gifVideo struct {
	head   []byte // what stands before the first block
	frames []gifFrame
	w, h   int
	opts   Options
}

// gifFrame is one picture of a GIF file.
type gifFrame struct {
	data        []byte // from its descriptor to its last block
	rect        image.Rectangle
	disposal    uint8
	transparent int // index; below 0: none
	delay       int // milliseconds
}

// Blocks of a GIF file.
const (
	gifHead       = 13
	gifExtension  = 0x21
	gifControl    = 0xf9
	gifDescriptor = 0x2c
	gifTrailer    = 0x3b
)

// Times of frames that are shown for less than 20 ms are an old way to say as
// fast as possible; FFmpeg shows them for 100.
const shortest, usual = 20, 100

func openGIF(data []byte, opts Options) (*Video, error) {
	g, err := scanGIF(data)
	if err != nil {
		return nil, fmt.Errorf("GIF: %w", err)
	}
	g.opts = opts
	delays := make([]int, len(g.frames))
	for i, f := range g.frames {
		delays[i] = f.delay
	}
	return animation(g.w, g.h, delays, opts, g)
}

// scanGIF finds the frames without decoding them.
func scanGIF(data []byte) (*gifVideo, error) {
	if len(data) < gifHead {
		return nil, errors.New("data is truncated")
	}
	_, rest := gifTable(data[10], data[gifHead:])
	g := &gifVideo{head: data[:len(data)-len(rest)], w: int(data[6]) | int(data[7])<<8, h: int(data[8]) | int(data[9])<<8}
	next := gifFrame{transparent: -1, delay: usual}
	for len(rest) > 0 && rest[0] != gifTrailer && len(g.frames) <= maxFrames {
		switch {
		case rest[0] == gifExtension && len(rest) > 1:
			if rest[1] == gifControl && len(rest) > 6 {
				next.control(rest[3:7])
			}
			rest = skipBlocks(rest[2:])
		case rest[0] == gifDescriptor && len(rest) > 10:
			rest = next.describe(rest)
			g.frames = append(g.frames, next)
			next = gifFrame{transparent: -1, delay: usual, disposal: next.disposal} // which holds until another is named, as in Pillow
		default:
			return nil, fmt.Errorf("frame %d: data is truncated or damaged", len(g.frames)+1)
		}
	}
	return g, nil
}

// control reads a graphic control block: flags, time in hundredths, index.
func (f *gifFrame) control(b []byte) {
	if d := b[0] >> 2 & 7; d != 0 {
		f.disposal = d
	}
	if f.delay = 10 * (int(b[1]) | int(b[2])<<8); f.delay < shortest {
		f.delay = usual
	}
	if b[0]&1 != 0 {
		f.transparent = int(b[3])
	}
}

// describe reads where a frame stands, and returns what follows its data.
func (f *gifFrame) describe(b []byte) (rest []byte) {
	x, y := int(b[1])|int(b[2])<<8, int(b[3])|int(b[4])<<8
	w, h := int(b[5])|int(b[6])<<8, int(b[7])|int(b[8])<<8
	f.rect = image.Rect(x, y, x+w, y+h)
	_, rest = gifTable(b[9], b[10:])
	rest = skipBlocks(rest[min(1, len(rest)):])
	f.data = b[:len(b)-len(rest)]
	return rest
}

// colors is the frame's own table, or that of the file.
func (g *gifVideo) colors(f gifFrame) []byte {
	if own, _ := gifTable(f.data[9], f.data[10:]); own != nil {
		return own
	}
	all, _ := gifTable(g.head[10], g.head[gifHead:])
	return all
}

// decode returns the frame's indices and colours. It is read as a GIF file of its own.
func (g *gifVideo) decode(i int) (*image.Paletted, *palette, error) {
	f := g.frames[i]
	_, pixels := gifTable(f.data[9], f.data[10:])
	table := new(palette)
	table.set(g.colors(f))
	if f.transparent >= 0 {
		table[f.transparent][3] = 0
	}
	// Indices may be larger than the table, which is not the decoder's then.
	head, descriptor := bytes.Clone(g.head[:gifHead]), bytes.Clone(f.data[:10])
	head[10], descriptor[9] = 0, descriptor[9]&0x40|0x87 // interlaced as it is, with a table of 256 colours
	r := &tracked{Reader: io.MultiReader(bytes.NewReader(slices.Concat(head, descriptor, make([]byte, 3*256))), bytes.NewReader(pixels), bytes.NewReader([]byte{gifTrailer}))}
	img, err := gif.Decode(r)
	if err != nil {
		return nil, nil, r.explain(codec{name: "GIF"}, err)
	}
	m, ok := img.(*image.Paletted)
	if !ok {
		return nil, nil, errors.New("GIF: no palette")
	}
	return m, table, nil
}

// set gives the first indices their colours, and the others black.
func (t *palette) set(colors []byte) {
	for i := range t {
		if 3*i+3 <= len(colors) {
			copy(t[i][:], colors[3*i:3*i+3])
		}
		t[i][3] = 255
	}
}

func (g *gifVideo) each(wanted []int) iter.Seq2[*RGB, error] {
	return func(yield func(*RGB, error) bool) {
		c := newCanvas(g.w, g.h)
		var undo func()
		next := 0
		for _, i := range wanted {
			for ; next <= i; next++ {
				if undo != nil {
					undo()
				}
				var err error
				if undo, err = g.draw(c, next); err != nil {
					yield(nil, fmt.Errorf("frame %d: %w", next+1, err))
					return
				}
			}
			if !yield(c.raster().rgb(g.opts.Background), nil) {
				return
			}
		}
	}
}

// draw puts a frame on the canvas, and returns what disposes of it.
func (g *gifVideo) draw(c *canvas, i int) (undo func(), err error) {
	f := g.frames[i]
	m, table, err := g.decode(i)
	if err != nil {
		return nil, err
	}
	background := g.head[11]
	if i > 0 && 3*int(background)+3 > len(g.colors(f)) {
		background = 0
	}
	clear := table[background]
	if f.transparent >= 0 {
		clear = table[f.transparent]
	}
	if i == 0 { // around it is the transparent index, or index 0
		c.fill(image.Rect(0, 0, c.w, c.h), table[max(f.transparent, 0)])
	}
	switch {
	case f.disposal == 2 || f.disposal > 2 && i == 0 && f.transparent >= 0:
		undo = func() { c.fill(f.rect, clear) }
	case f.disposal > 2 && i > 0:
		before := c.copy(f.rect)
		undo = func() { c.paste(f.rect, before) }
	}
	for y := f.rect.Min.Y; y < f.rect.Max.Y; y++ {
		row := c.row(y, f.rect.Min.X, f.rect.Max.X)
		for x, index := range m.Pix[(y-f.rect.Min.Y)*m.Stride:][:f.rect.Dx()] {
			if p := table[index]; p[3] != 0 || i == 0 {
				copy(row[4*x:4*x+4], p[:])
			}
		}
	}
	return undo, nil
}
