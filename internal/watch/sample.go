package watch

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
)

const (
	mostPictures = 4   // of a sample, on the page
	mostSide     = 320 // pixels of a picture on the page
	pngSide      = 128 // larger ones are JPEG
	mostSaid     = 32  // answers of a sample that are kept
)

// sample is one on the page.
type sample struct {
	question, answer string
	pictures         []picture
	said             []Said
}

// sampleState is a sample as the page reads it.
type sampleState struct {
	Pictures []string `json:"pictures"` // URLs
	Question string   `json:"question"`
	Answer   string   `json:"answer"`
	Said     []Said   `json:"said"`
}

func newSample(s Sample) (*sample, error) {
	out := &sample{question: s.Question, answer: s.Answer, said: []Said{}}
	for _, img := range s.Pictures[:min(len(s.Pictures), mostPictures)] {
		p, err := newPicture(img)
		if err != nil {
			return nil, err
		}
		out.pictures = append(out.pictures, p)
	}
	return out, nil
}

// add keeps an answer; of many, every other one goes.
func (s *sample) add(said Said) {
	s.said = append(s.said, said)
	if len(s.said) <= mostSaid {
		return
	}
	var kept []Said
	for i := len(s.said)%2 ^ 1; i < len(s.said); i += 2 {
		kept = append(kept, s.said[i])
	}
	s.said = kept
}

// picture is a file for a browser.
type picture struct {
	kind string // its media type
	data []byte
}

func (p picture) uri() string {
	return "data:" + p.kind + ";base64," + base64.StdEncoding.EncodeToString(p.data)
}

// newPicture encodes a picture, smaller where it is large.
func newPicture(img image.Image) (picture, error) {
	var out bytes.Buffer
	size := img.Bounds().Size()
	if max(size.X, size.Y) <= pngSide {
		err := png.Encode(&out, img)
		return picture{"image/png", out.Bytes()}, wrap(err)
	}
	err := jpeg.Encode(&out, shrink(img, mostSide), &jpeg.Options{Quality: 85})
	return picture{"image/jpeg", out.Bytes()}, wrap(err)
}

func wrap(err error) error {
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return nil
}

// shrink makes the longer side of a picture most pixels long, if it is longer. A pixel
// is the mean of those that it covers.
func shrink(img image.Image, most int) image.Image {
	from := img.Bounds()
	longer := max(from.Dx(), from.Dy())
	if longer <= most {
		return img
	}
	w, h := max(1, from.Dx()*most/longer), max(1, from.Dy()*most/longer)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			out.Set(x, y, mean(img, image.Rect(
				from.Min.X+x*from.Dx()/w, from.Min.Y+y*from.Dy()/h,
				from.Min.X+(x+1)*from.Dx()/w, from.Min.Y+(y+1)*from.Dy()/h)))
		}
	}
	return out
}

// mean is the colour of a part of a picture.
func mean(img image.Image, part image.Rectangle) color.Color {
	var sum [4]uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, a := img.At(x, y).RGBA()
			sum[0], sum[1], sum[2], sum[3] = sum[0]+uint64(r), sum[1]+uint64(g), sum[2]+uint64(b), sum[3]+uint64(a)
		}
	}
	n := uint64(part.Dx() * part.Dy())
	return color.RGBA64{uint16(sum[0] / n), uint16(sum[1] / n), uint16(sum[2] / n), uint16(sum[3] / n)}
}
