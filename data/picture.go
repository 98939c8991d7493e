package data

import (
	"errors"
	"path"

	"github.com/fovea-ml/fovea/imageproc"
)

// Picture is one picture of a sample, not opened yet.
type Picture struct {
	Name string // path below the folder of pictures, slashes between, or name in an archive; "" if it has none
	URL  string // where it came from; "" if that is not known

	file bool                           // Name can be found in the folder of pictures
	read func() ([]byte, error)         // the bytes of its file; nil if it is drawn
	draw func() (*imageproc.RGB, error) // what is in no file
	wrap func(error) error
	opts imageproc.Options
}

// Drawn is a picture that a function makes, anew on every call.
func Drawn(draw func() (*imageproc.RGB, error)) Picture { return Picture{draw: draw} }

// Open reads and decodes the picture, anew on every call. If the data is at fault the
// error is a [*Problem]; it is [ErrAbsent] where only an address is known.
func (p *Picture) Open() (*imageproc.RGB, error) {
	if p.read == nil {
		return p.draw()
	}
	data, err := p.read()
	if err != nil {
		return nil, p.failed(err)
	}
	img, err := imageproc.Decode(data, p.name(), p.opts)
	return img, p.failed(err)
}

// Bytes is the picture's file as it is.
func (p *Picture) Bytes() ([]byte, error) {
	if p.read == nil {
		return nil, errors.New("data: the picture is drawn and has no file")
	}
	data, err := p.read()
	return data, p.failed(err)
}

func (p *Picture) failed(err error) error {
	if err == nil || p.wrap == nil {
		return err
	}
	return p.wrap(err)
}

// name is what errors call it.
func (p *Picture) name() string {
	switch {
	case p.Name != "":
		return p.Name
	case p.URL != "":
		return p.URL
	}
	return "picture"
}

// ext is the ending of the picture's name by what its file begins with.
func ext(file []byte) string {
	for _, kind := range []struct{ magic, ext string }{
		{"\x89PNG", ".png"}, {"\xff\xd8", ".jpg"}, {"GIF8", ".gif"}, {"RIFF", ".webp"}, {"BM", ".bmp"}, {"II*\x00", ".tiff"}, {"MM\x00*", ".tiff"},
	} {
		if len(file) >= len(kind.magic) && string(file[:len(kind.magic)]) == kind.magic {
			return kind.ext
		}
	}
	return ".bin"
}

// isPicture reports whether a file's name is one of a picture.
func isPicture(name string) bool {
	switch path.Ext(name) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".PNG", ".JPG", ".JPEG":
		return true
	}
	return false
}
