package imageproc

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/png"
	"io"
	"os"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"github.com/fovea-ml/fovea/imageproc/jpeg"
)

// Default limits of [Options]. The pixels are Pillow's Image.MAX_IMAGE_PIXELS: a
// quarter of a gigabyte of RGB.
const (
	DefaultMaxBytes  = 64 << 20
	DefaultMaxPixels = 89_478_485
)

// Options says what to accept and how to treat transparency. The zero value is
// the reference's behaviour under the default limits.
type Options struct {
	MaxBytes  int64 // longest file; 0 means DefaultMaxBytes
	MaxPixels int64 // largest width × height; 0 means DefaultMaxPixels

	// Background is composited under transparent pixels. Without it alpha is
	// dropped, as Pillow's convert("RGB") does: what shows is the colour that the
	// file stores beneath the transparency.
	Background *Color
}

func (o Options) maxBytes() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return DefaultMaxBytes
}

func (o Options) maxPixels() int64 {
	if o.MaxPixels > 0 {
		return o.MaxPixels
	}
	return DefaultMaxPixels
}

// codec reads one file format.
type codec struct {
	name   string
	config func(r io.Reader, data []byte) (image.Config, error)
	decode func(r io.Reader, data []byte) (raster, error) // r reads data
	exif   func(data []byte) []byte                       // the TIFF structure that holds the orientation
}

// stdConfig adapts what reads a header in the standard library's shape.
func stdConfig(f func(io.Reader) (image.Config, error)) func(io.Reader, []byte) (image.Config, error) {
	return func(r io.Reader, _ []byte) (image.Config, error) { return f(r) }
}

// std adapts a decoder of the standard library's shape.
func std(f func(io.Reader) (image.Image, error)) func(io.Reader, []byte) (raster, error) {
	return func(r io.Reader, _ []byte) (raster, error) {
		img, err := f(r)
		if err != nil {
			return raster{}, err
		}
		return rasterOf(img), nil
	}
}

// decodePNG decodes a PNG file. Grey of 16 bits with one transparent value, which
// the standard decoder turns into colour, is still clipped as grey.
func decodePNG(r io.Reader, data []byte) (raster, error) {
	img, err := png.Decode(r)
	if err != nil {
		return raster{}, err
	}
	const colorType, gray = 25, 0
	if m, ok := img.(*image.NRGBA64); ok && data[colorType] == gray {
		return clippedGray(m), nil
	}
	return rasterOf(img), nil
}

func noExif([]byte) []byte { return nil }

// OpenFile decodes the picture at path.
func OpenFile(path string, opts Options) (*RGB, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("imageproc: %w", err)
	}
	defer f.Close()
	return Read(f, path, opts)
}

// Read decodes the picture that r holds; name stands for it in errors.
func Read(r io.Reader, name string, opts Options) (*RGB, error) {
	data, err := io.ReadAll(io.LimitReader(r, opts.maxBytes()+1))
	if err != nil {
		return nil, fmt.Errorf("imageproc: %s: %w", name, err)
	}
	return Decode(data, name, opts)
}

// Decode decodes a PNG, JPEG, GIF (its first frame), WebP, BMP or TIFF picture,
// recognised by its content, and turns it upright by its EXIF orientation. name
// stands for the picture in errors. The size that the header states is checked
// before any pixel is decoded.
//
// Pixels become 8-bit RGB as in Pillow's convert("RGB"): 16-bit colour keeps its
// high byte, but 16-bit grey is clipped at 255, and alpha is dropped unless
// opts.Background is set.
func Decode(data []byte, name string, opts Options) (*RGB, error) {
	img, err := decode(data, opts)
	if err != nil {
		return nil, fmt.Errorf("imageproc: %s: %w", name, err)
	}
	return img, nil
}

func decode(data []byte, opts Options) (*RGB, error) {
	if int64(len(data)) > opts.maxBytes() {
		return nil, fmt.Errorf("file is larger than the limit of %d bytes", opts.maxBytes())
	}
	c, ok := recognise(data)
	if !ok {
		return nil, fmt.Errorf("not a PNG, JPEG, GIF, WebP, BMP or TIFF picture: %s", describe(data))
	}
	r := &tracked{Reader: bytes.NewReader(data)}
	cfg, err := c.config(r, data)
	if err != nil {
		return nil, r.explain(c, err)
	}
	if cfg.Width < 1 || cfg.Height < 1 {
		return nil, fmt.Errorf("%s image is %d×%d pixels", c.name, cfg.Width, cfg.Height)
	}
	if int64(cfg.Width) > opts.maxPixels()/int64(cfg.Height) {
		return nil, fmt.Errorf("image is %d×%d pixels, more than the limit of %d", cfg.Width, cfg.Height, opts.maxPixels())
	}
	r = &tracked{Reader: bytes.NewReader(data)}
	pic, err := c.decode(r, data)
	if err != nil {
		return nil, r.explain(c, err)
	}
	return upright(pic.rgb(opts.Background), orientation(c.exif(data))), nil
}

// tracked notes whether its end was reached: a decoder that fails after asking
// for more has a truncated file, whatever its error says.
type tracked struct {
	io.Reader
	ended bool
}

func (t *tracked) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.ended = t.ended || err == io.EOF
	return n, err
}

func (t *tracked) explain(c codec, err error) error {
	if t.ended || errors.Is(err, jpeg.ErrTruncated) {
		return fmt.Errorf("%s data is truncated: %w", c.name, err)
	}
	return fmt.Errorf("%s: %w", c.name, err)
}

// recognise finds the codec for data by its first bytes.
func recognise(data []byte) (codec, bool) {
	has := func(at int, s string) bool {
		return len(data) >= at+len(s) && string(data[at:at+len(s)]) == s
	}
	switch {
	case has(0, "\x89PNG\r\n\x1a\n"):
		return codec{"PNG", stdConfig(png.DecodeConfig), decodePNG, pngExif}, true
	case has(0, "\xff\xd8\xff"):
		return codec{"JPEG", jpegConfig, decodeJPEG, jpegExif}, true
	case has(0, "GIF87a"), has(0, "GIF89a"):
		return codec{"GIF", stdConfig(gif.DecodeConfig), decodeGIF, noExif}, true
	case has(0, "RIFF") && has(8, "WEBP"):
		return codec{"WebP", stdConfig(webp.DecodeConfig), decodeWebP, webpExif}, true
	case has(0, "BM"):
		return codec{"BMP", stdConfig(bmp.DecodeConfig), std(bmp.Decode), noExif}, true
	case has(0, "II*\x00"), has(0, "MM\x00*"):
		return codec{"TIFF", stdConfig(tiff.DecodeConfig), std(tiff.Decode), func(d []byte) []byte { return d }}, true
	}
	return codec{}, false
}
