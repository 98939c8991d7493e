package imageproc

import (
	"bytes"
	"encoding/binary"
)

// orientation returns the EXIF orientation, 1 to 8, stated in the first image
// file directory of a TIFF structure; 1, upright, when there is none.
func orientation(b []byte) int {
	b = bytes.TrimPrefix(b, []byte("Exif\x00\x00"))
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(b) < 8:
		return 1
	case string(b[:4]) == "MM\x00*":
		order = binary.BigEndian
	case string(b[:4]) != "II*\x00":
		return 1
	}
	at := order.Uint32(b[4:])
	if uint64(at)+2 > uint64(len(b)) {
		return 1
	}
	b = b[at:]
	entries := int(order.Uint16(b))
	for b = b[2:]; entries > 0 && len(b) >= 12; entries, b = entries-1, b[12:] {
		const tagOrientation, typeShort = 0x0112, 3
		if order.Uint16(b) == tagOrientation && order.Uint16(b[2:]) == typeShort {
			if o := int(order.Uint16(b[8:])); o >= 1 && o <= 8 {
				return o
			}
			return 1
		}
	}
	return 1
}

// jpegExif returns the EXIF data of a JPEG file, from its APP1 segment.
func jpegExif(b []byte) []byte {
	const app1, startOfScan = 0xe1, 0xda
	for b = b[2:]; len(b) >= 4 && b[0] == 0xff; {
		marker := b[1]
		if marker == 0xff { // fill byte
			b = b[1:]
			continue
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if marker == startOfScan || n < 2 || len(b) < 2+n {
			return nil
		}
		if body := b[4 : 2+n]; marker == app1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			return body
		}
		b = b[2+n:]
	}
	return nil
}

// pngExif returns the eXIf chunk of a PNG file.
func pngExif(b []byte) []byte {
	for b = b[8:]; len(b) >= 12; {
		n := uint64(binary.BigEndian.Uint32(b))
		if n+12 > uint64(len(b)) {
			return nil
		}
		if string(b[4:8]) == "eXIf" {
			return b[8 : 8+n]
		}
		b = b[12+n:]
	}
	return nil
}

// webpExif returns the EXIF chunk of a WebP file.
func webpExif(b []byte) []byte {
	for id, body := range riffChunks(b[12:]) {
		if id == "EXIF" {
			return body
		}
	}
	return nil
}

// upright undoes an EXIF orientation.
func upright(m *RGB, orientation int) *RGB {
	if orientation <= 1 || orientation > 8 {
		return m
	}
	w, h := m.W, m.H
	if orientation >= 5 {
		w, h = h, w
	}
	out := NewRGB(w, h)
	for y := range h {
		row := out.row(y)
		for x := range w {
			sx, sy := source(orientation, x, y, m.W, m.H)
			at := 3 * (sy*m.W + sx)
			copy(row[3*x:3*x+3], m.Pix[at:at+3])
		}
	}
	return out
}

// source returns where the upright pixel (x, y) lies in a stored picture of w by
// h pixels.
func source(orientation, x, y, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}
