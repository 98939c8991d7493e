package imageproc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
)

// webpVideo is an animated WebP file (https://developers.google.com/speed/webp/docs/riff_container),
// composed as libwebp composes it, whose canvas is transparent whatever colour the file asks for.
type webpVideo struct {
	frames []webpFrame
	w, h   int
	opts   Options

	key bool // whether the frame that was drawn last is a key frame: nothing shows of those before it
}

// webpFrame is one picture of a WebP file.
type webpFrame struct {
	data    []byte // its chunks
	rect    image.Rectangle
	delay   int // milliseconds
	blend   bool
	dispose bool // to transparent
	alpha   bool
}

// animated reports whether a WebP file is an animation.
func animated(data []byte) bool {
	for id := range riffChunks(data[12:]) {
		if id == "ANIM" {
			return true
		}
	}
	return false
}

func openWebP(data []byte, opts Options) (*Video, error) {
	a, err := scanWebP(data)
	if err != nil {
		return nil, fmt.Errorf("WebP: %w", err)
	}
	a.opts = opts
	delays := make([]int, len(a.frames))
	for i, f := range a.frames {
		delays[i] = f.delay
	}
	return animation(a.w, a.h, delays, opts, a)
}

// scanWebP finds the frames without decoding them.
func scanWebP(data []byte) (*webpVideo, error) {
	a := &webpVideo{}
	end := 12
	for id, b := range riffChunks(data[12:]) {
		end += 8 + len(b) + len(b)&1
		switch {
		case id == "VP8X" && len(b) >= 10:
			a.w, a.h = 1+uint24(b[4:]), 1+uint24(b[7:])
		case id == "ANMF" && len(a.frames) <= maxFrames:
			f, err := newWebPFrame(b)
			if err != nil {
				return nil, fmt.Errorf("frame %d: %w", len(a.frames)+1, err)
			}
			if !f.rect.In(image.Rect(0, 0, a.w, a.h)) {
				return nil, fmt.Errorf("frame %d at %v leaves the canvas of %d×%d pixels", len(a.frames)+1, f.rect, a.w, a.h)
			}
			a.frames = append(a.frames, f)
		}
	}
	if end < len(data) && end < 8+int(binary.LittleEndian.Uint32(data[4:])) {
		return nil, fmt.Errorf("data is truncated behind frame %d", len(a.frames))
	}
	return a, nil
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func newWebPFrame(b []byte) (f webpFrame, err error) {
	const head = 16
	if len(b) < head {
		return f, errors.New("data is truncated")
	}
	at := image.Pt(2*uint24(b), 2*uint24(b[3:]))
	f = webpFrame{
		data: b[head:], rect: image.Rectangle{at, at.Add(image.Pt(1+uint24(b[6:]), 1+uint24(b[9:])))},
		delay: uint24(b[12:]), blend: b[15]&2 == 0, dispose: b[15]&1 != 0,
	}
	if f.delay < shortest {
		f.delay = usual
	}
	for id, c := range riffChunks(f.data) {
		f.alpha = f.alpha || id == "ALPH" || id == "VP8L" && len(c) > 4 && c[4]&0x10 != 0
	}
	return f, nil
}

// decode reads a frame as a WebP file of its own.
func (f webpFrame) decode() (raster, error) {
	size := f.rect.Size()
	extended := []byte{'V', 'P', '8', 'X', 10, 0, 0, 0, 0, 0, 0, 0, byte(size.X - 1), byte((size.X - 1) >> 8), byte((size.X - 1) >> 16), byte(size.Y - 1), byte((size.Y - 1) >> 8), byte((size.Y - 1) >> 16)}
	const hasAlpha = 0x10
	for id := range riffChunks(f.data) {
		if id == "ALPH" {
			extended[8] = hasAlpha
		}
	}
	if extended[8] == 0 {
		extended = nil // a bitstream alone
	}
	head := []byte("RIFF\x00\x00\x00\x00WEBP")
	binary.LittleEndian.PutUint32(head[4:], uint32(4+len(extended)+len(f.data)))
	r := &tracked{Reader: io.MultiReader(bytes.NewReader(head), bytes.NewReader(extended), bytes.NewReader(f.data))}
	// The size of what it holds must be known before it is decoded.
	for id, c := range riffChunks(f.data) {
		if w, h, ok := webpSize(id, c); ok && (w != size.X || h != size.Y) {
			return raster{}, fmt.Errorf("%d×%d pixels are announced, and it has %d×%d", size.X, size.Y, w, h)
		}
	}
	pic, err := stillWebP(r)
	if err != nil {
		return raster{}, r.explain(codec{name: "WebP"}, err)
	}
	if pic.w != size.X || pic.h != size.Y {
		return raster{}, fmt.Errorf("%d×%d pixels are announced, and it has %d×%d", size.X, size.Y, pic.w, pic.h)
	}
	return pic, nil
}

// webpSize is what the bitstream of a chunk says of its size.
func webpSize(id string, b []byte) (w, h int, ok bool) {
	switch {
	case id == "VP8L" && len(b) >= 5:
		bits := binary.LittleEndian.Uint32(b[1:])
		return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1, true
	case id == "VP8 " && len(b) >= 10:
		return int(binary.LittleEndian.Uint16(b[6:]) & 0x3fff), int(binary.LittleEndian.Uint16(b[8:]) & 0x3fff), true
	}
	return 0, 0, false
}

func (a *webpVideo) each(wanted []int) iter.Seq2[*RGB, error] {
	return func(yield func(*RGB, error) bool) {
		run := *a // the one who asks may ask again
		c := newCanvas(a.w, a.h)
		next := 0
		for _, i := range wanted {
			for ; next <= i; next++ {
				if err := run.draw(c, next); err != nil {
					yield(nil, fmt.Errorf("frame %d: %w", next+1, err))
					return
				}
			}
			if !yield(c.raster().rgb(a.opts.Background), nil) {
				return
			}
		}
	}
}

// draw puts frame i on the canvas that has those before it.
func (a *webpVideo) draw(c *canvas, i int) error {
	f := a.frames[i]
	pic, err := f.decode()
	if err != nil {
		return err
	}
	full := image.Rect(0, 0, a.w, a.h)
	var gone image.Rectangle // what the frame before has left transparent
	key := i == 0 || (!f.alpha || !f.blend) && f.rect == full
	if i > 0 && a.frames[i-1].dispose {
		gone = a.frames[i-1].rect
		key = key || gone == full || a.key
		c.fill(gone, [4]uint8{})
	}
	if key {
		c.fill(full, [4]uint8{})
	}
	a.key = key
	line := make([]uint8, 4*pic.w)
	for y := range pic.h {
		pic.line(y, line)
		row := c.row(f.rect.Min.Y+y, f.rect.Min.X, f.rect.Max.X)
		for x := 0; x < len(line); x += 4 {
			p, q := line[x:x+4:x+4], row[x:x+4:x+4]
			if f.blend && !key && p[3] != 255 && !image.Pt(f.rect.Min.X+x/4, f.rect.Min.Y+y).In(gone) {
				over(q, p)
			} else {
				copy(q, p)
			}
		}
	}
	return nil
}

// over blends the pixel p over q with libwebp's integers.
func over(q, p []uint8) {
	if p[3] == 0 {
		return
	}
	alpha := uint32(p[3])
	under := uint32(q[3]) * (256 - alpha) >> 8
	scale := uint32(1<<24) / (alpha + under)
	for c := range 3 {
		q[c] = uint8((uint32(p[c])*alpha + uint32(q[c])*under) * scale >> 24)
	}
	q[3] = uint8(alpha + under)
}
