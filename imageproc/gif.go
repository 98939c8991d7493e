package imageproc

import (
	"errors"
	"image"
	"image/gif"
	"io"
)

// decodeGIF decodes the first frame of a GIF file on its canvas.
//
// The standard decoder forgets the colour of the transparent index, which shows
// when alpha is dropped, so the colour table is read here too. Outside the frame
// the canvas has the transparent index, or index 0, as in Pillow.
func decodeGIF(r io.Reader, data []byte) (raster, error) {
	img, err := gif.Decode(r)
	if err != nil {
		return raster{}, err
	}
	frame, ok := img.(*image.Paletted)
	if !ok {
		return raster{}, errors.New("gif: the frame has no palette")
	}
	table, outside := gifColors(data)
	pic := raster{w: int(data[6]) | int(data[7])<<8, h: int(data[8]) | int(data[9])<<8}
	row := make([]uint8, pic.w)
	pic.line = func(y int, rgba []uint8) {
		for x := range row {
			row[x] = outside
		}
		if b := frame.Rect; y >= b.Min.Y && y < b.Max.Y {
			copy(row[b.Min.X:b.Max.X], frame.Pix[(y-b.Min.Y)*frame.Stride:])
		}
		paletteLine(rgba, row, table)
	}
	return pic, nil
}

// gifColors returns the colours of the first frame of a well-formed GIF file, and
// the index that fills the canvas around it. What is malformed reads as black.
func gifColors(data []byte) (table *palette, outside uint8) {
	transparent := -1
	colors, b := gifTable(data[10], data[gifHead:])
	for len(b) > 1 && b[0] == gifExtension {
		// Introducer, label, then the control block: size 4, flags, delay (2), index.
		if b[1] == gifControl && len(b) > 6 {
			transparent = -1
			if b[3]&1 != 0 {
				transparent = int(b[6])
			}
		}
		b = skipBlocks(b[2:])
	}
	if len(b) >= 10 && b[0] == gifDescriptor && b[9]&0x80 != 0 {
		colors, _ = gifTable(b[9], b[10:])
	}
	table = new(palette)
	table.set(colors)
	if transparent >= 0 {
		table[transparent][3] = 0
		outside = uint8(transparent)
	}
	return table, outside
}

// gifTable splits the colour table that flags announce from what follows it.
func gifTable(flags uint8, b []byte) (colors, rest []byte) {
	if flags&0x80 == 0 {
		return nil, b
	}
	n := min(6<<(flags&7), len(b))
	return b[:n], b[n:]
}

// skipBlocks skips GIF data sub-blocks up to and including the empty one.
func skipBlocks(b []byte) []byte {
	for len(b) > 0 && b[0] != 0 {
		b = b[min(1+int(b[0]), len(b)):]
	}
	return b[min(1, len(b)):]
}
