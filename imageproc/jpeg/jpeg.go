// Package jpeg decodes JPEG files to the samples that libjpeg-turbo gives, which
// Pillow, and so every reference implementation, reads pictures with, by the same
// integer inverse DCT. With the standard library's, and colours scaled up its way,
// pictures differ by 3 levels, and where colours are stored more coarsely by 50.
// Files whose data are damaged are refused, where libjpeg guesses.
//
// It reads baseline, extended and progressive files of 8 bits with Huffman coding
// (ITU-T T.81), of 1, 3 or 4 components. The arithmetic follows jidctint.c of
// libjpeg. Samples are not scaled up and colours not converted here.
package jpeg

import (
	"errors"
	"fmt"
)

// Image is a decoded file.
type Image struct {
	W, H   int
	Planes []Plane
	Space  Space
}

// Plane is one component, without the padding of its blocks.
type Plane struct {
	Pix    []uint8
	Stride int
	W, H   int // samples: the picture's size by the ratios below, rounded up
	X, Y   int // columns and rows of pixels for each sample, in units of the largest sampling factors
}

// Space is what the components are.
type Space uint8

// The colour spaces. Files of four components are stored inverted, as Adobe does it.
const (
	Gray Space = iota
	YCbCr
	RGB
	CMYK
	YCCK // CMYK, of which CMY is stored as YCbCr
)

// ErrTruncated is returned for data that ends before the picture does.
var ErrTruncated = errors.New("jpeg: the data ends before the picture is whole")

// component is one component while it is decoded.
type component struct {
	id, h, v, table int // sampling factors, and quantisation table

	cols, rows int     // blocks stored, whole MCUs
	wide, high int     // blocks that hold samples, which scans of their own have
	blocks     []block // all coefficients, if they come in several scans
	pix        []uint8 // the samples of all blocks
	seen       bool    // a scan had it
}

// block is 8 by 8 coefficients, row by row.
type block [64]int16

// decoder reads one file.
type decoder struct {
	data []byte
	at   int

	w, h        int
	progressive bool
	comps       []component
	maxH, maxV  int
	quant       [4]*[64]int32 // in natural order
	dc, ac      [4]*huffman
	interval    int // MCUs between restarts; 0: none
	scanned     int // scans read

	jfif  bool
	adobe int // transform of an Adobe segment, -1 without one

	bits   uint64 // read and not used, the newest lowest
	held   int    // how many
	ended  bool   // a marker or the end of the data is next
	eobRun int
	pred   [4]int32
}

// Config returns the size and the number of components without decoding.
func Config(data []byte) (w, h, components int, err error) {
	d := &decoder{data: data, adobe: -1}
	if err := d.header(); err != nil {
		return 0, 0, 0, err
	}
	return d.w, d.h, len(d.comps), nil
}

// Decode decodes a file. The caller checks its size, by Config, first.
func Decode(data []byte) (*Image, error) {
	d := &decoder{data: data, adobe: -1}
	if err := d.header(); err != nil {
		return nil, err
	}
	d.allocate()
	if err := d.scans(); err != nil {
		return nil, err
	}
	return d.image(), nil
}

// Markers.
const (
	soi, eoi      = 0xd8, 0xd9
	sof0, sof2    = 0xc0, 0xc2
	dht, dqt, dri = 0xc4, 0xdb, 0xdd
	sos, dnl      = 0xda, 0xdc
	app0, app14   = 0xe0, 0xee
	rst0, rst7    = 0xd0, 0xd7
	tem           = 0x01
)

// header reads up to the frame header.
func (d *decoder) header() error {
	if len(d.data) < 2 || d.data[0] != 0xff || d.data[1] != soi {
		return errors.New("jpeg: not a JPEG file")
	}
	d.at = 2
	for d.comps == nil {
		m, segment, err := d.segment()
		if err != nil {
			return err
		}
		if m == eoi || m == sos {
			return errors.New("jpeg: the file has no frame header")
		}
		if err := d.read(m, segment); err != nil {
			return err
		}
	}
	return nil
}

// scans reads everything behind the frame header.
func (d *decoder) scans() error {
	seen := false
	for {
		m, segment, err := d.segment()
		switch {
		case errors.Is(err, ErrTruncated) && seen && d.complete():
			return nil // an end marker that is missing takes nothing away
		case err != nil:
			return err
		case m == eoi && !d.complete():
			return errors.New("jpeg: the file has no data for a component")
		case m == eoi:
			return nil
		case m == sos:
			if err := d.scan(segment); err != nil {
				return err
			}
			seen = true
		default:
			if err := d.read(m, segment); err != nil {
				return err
			}
		}
	}
}

// segment returns the next marker and, if it has one, its segment.
func (d *decoder) segment() (marker byte, segment []byte, err error) {
	for { // what lies between segments is skipped
		for d.at < len(d.data) && d.data[d.at] != 0xff {
			d.at++
		}
		for d.at < len(d.data) && d.data[d.at] == 0xff {
			d.at++
		}
		if d.at >= len(d.data) {
			return 0, nil, ErrTruncated
		}
		marker = d.data[d.at]
		d.at++
		if marker != 0 && marker != tem && (marker < rst0 || marker > rst7) {
			break
		}
	}
	if marker == eoi || marker == soi {
		return marker, nil, nil
	}
	if d.at+2 > len(d.data) {
		return 0, nil, ErrTruncated
	}
	n := int(d.data[d.at])<<8 | int(d.data[d.at+1])
	if n < 2 {
		return 0, nil, fmt.Errorf("jpeg: segment %#x is %d bytes long", marker, n)
	}
	if n > len(d.data)-d.at {
		return 0, nil, ErrTruncated
	}
	segment = d.data[d.at+2 : d.at+n]
	d.at += n
	return marker, segment, nil
}

// read takes in a segment that is not a scan.
func (d *decoder) read(m byte, s []byte) error {
	switch {
	case m == sof0 || m == sof0+1 || m == sof2:
		return d.frame(m, s)
	case m == dht:
		return d.huffmanTables(s)
	case m == dqt:
		return d.quantTables(s)
	case m == dri:
		if len(s) != 2 {
			return errors.New("jpeg: bad restart interval")
		}
		d.interval = int(s[0])<<8 | int(s[1])
	case m == dnl:
		return errors.New("jpeg: the height stands behind the picture (DNL), which is not supported")
	case m == app0 && len(s) >= 5 && string(s[:5]) == "JFIF\x00":
		d.jfif = true
	case m == app14 && len(s) >= 12 && string(s[:5]) == "Adobe":
		d.adobe = int(s[11])
	case m >= 0xc0 && m <= 0xcf && m != 0xc8 && m != 0xcc:
		return fmt.Errorf("jpeg: coding process %d is not supported: baseline, extended and progressive Huffman are", m-0xc0)
	case m == soi:
		return errors.New("jpeg: a second picture begins inside the first")
	}
	return nil
}

// frame reads the frame header.
func (d *decoder) frame(m byte, s []byte) error {
	switch {
	case d.comps != nil:
		return errors.New("jpeg: two frame headers")
	case len(s) < 6 || len(s) != 6+3*int(s[5]):
		return errors.New("jpeg: bad frame header")
	case s[0] != 8:
		return fmt.Errorf("jpeg: samples of %d bits, 8 are supported", s[0])
	}
	d.progressive = m == sof2
	d.h, d.w = int(s[1])<<8|int(s[2]), int(s[3])<<8|int(s[4])
	n := int(s[5])
	if d.w == 0 || d.h == 0 {
		return fmt.Errorf("jpeg: picture of %d×%d pixels", d.w, d.h)
	}
	if n != 1 && n != 3 && n != 4 {
		return fmt.Errorf("jpeg: %d components, want 1, 3 or 4", n)
	}
	for i := range n {
		c := component{id: int(s[6+3*i]), h: int(s[7+3*i] >> 4), v: int(s[7+3*i] & 15), table: int(s[8+3*i])}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.table > 3 {
			return fmt.Errorf("jpeg: component %d has sampling factors %d and %d and table %d", i, c.h, c.v, c.table)
		}
		for _, other := range d.comps {
			if other.id == c.id {
				return fmt.Errorf("jpeg: two components have number %d", c.id)
			}
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
		d.comps = append(d.comps, c)
	}
	for i, c := range d.comps {
		if d.maxH%c.h != 0 || d.maxV%c.v != 0 {
			return fmt.Errorf("jpeg: component %d is sampled %d×%d of %d×%d, which is no whole ratio", i, c.h, c.v, d.maxH, d.maxV)
		}
	}
	if n == 1 { // nothing is relative to anything
		d.comps[0].h, d.comps[0].v, d.maxH, d.maxV = 1, 1, 1, 1
	}
	return nil
}

// allocate makes room for all coefficients.
func (d *decoder) allocate() {
	mcuW, mcuH := (d.w+8*d.maxH-1)/(8*d.maxH), (d.h+8*d.maxV-1)/(8*d.maxV)
	for i := range d.comps {
		c := &d.comps[i]
		c.cols, c.rows = mcuW*c.h, mcuH*c.v
		c.wide, c.high = (c.samples(d.w, d.maxH/c.h)+7)/8, (c.samples(d.h, d.maxV/c.v)+7)/8
		c.pix = make([]uint8, 64*c.cols*c.rows)
		if d.progressive {
			c.blocks = make([]block, c.cols*c.rows)
		}
	}
}

// samples is the number of samples of so many pixels.
func (c *component) samples(pixels, ratio int) int { return (pixels + ratio - 1) / ratio }

// complete reports whether every component has been read.
func (d *decoder) complete() bool {
	for _, c := range d.comps {
		if !c.seen || d.quant[c.table] == nil {
			return false
		}
	}
	return true
}

// quantTables reads quantisation tables.
func (d *decoder) quantTables(s []byte) error {
	for len(s) > 0 {
		wide, id := int(s[0]>>4), s[0]&15
		size := 64 * (wide + 1)
		if wide > 1 || id > 3 || len(s) < 1+size {
			return errors.New("jpeg: bad quantisation table")
		}
		t := new([64]int32)
		for k := range 64 {
			if wide == 1 {
				t[natural[k]] = int32(s[1+2*k])<<8 | int32(s[2+2*k])
			} else {
				t[natural[k]] = int32(s[1+k])
			}
		}
		d.quant[id] = t
		s = s[1+size:]
	}
	return nil
}

// natural is the place in a block of the coefficient that comes number k.
var natural = [64]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// image gathers the components. Those that came in several scans get samples now.
func (d *decoder) image() *Image {
	m := &Image{W: d.w, H: d.h, Space: d.space()}
	for i := range d.comps {
		c := &d.comps[i]
		x, y := d.maxH/c.h, d.maxV/c.v
		p := Plane{Pix: c.pix, Stride: 8 * c.cols, W: c.samples(d.w, x), H: c.samples(d.h, y), X: x, Y: y}
		for k := range c.blocks {
			idct(p.Pix[8*(k/c.cols*p.Stride+k%c.cols):], p.Stride, &c.blocks[k], d.quant[c.table])
		}
		m.Planes = append(m.Planes, p)
	}
	return m
}

// space is what libjpeg takes the components for.
func (d *decoder) space() Space {
	switch n := len(d.comps); {
	case n == 1:
		return Gray
	case n == 4 && d.adobe >= 0 && d.adobe != 0:
		return YCCK
	case n == 4:
		return CMYK
	case d.jfif:
		return YCbCr
	case d.adobe == 0:
		return RGB
	case d.adobe > 0:
		return YCbCr
	case d.comps[0].id == 'R' && d.comps[1].id == 'G' && d.comps[2].id == 'B':
		return RGB
	}
	return YCbCr
}
