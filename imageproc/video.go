package imageproc

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
)

// Limits on videos.
const (
	DefaultMaxVideoBytes = 256 << 20 // of a GIF or WebP file

	maxFrames      = 1 << 16
	maxVideoPixels = 1 << 35 // of all frames together
	maxRate        = 1000    // frames a second
)

// VideoOptions say what of a video to accept, and what of it is to be seen.
type VideoOptions struct {
	Options // of every picture; MaxBytes is the length of a GIF or WebP file too, 0 there means DefaultMaxVideoBytes

	// Rate is how many frames a folder has a second; 0: not known. Files of one
	// animation tell it themselves.
	Rate float64

	Sampling
}

// Video is a sequence of frames of one size, which are decoded when they are asked
// for: the pictures of a folder, an animated GIF or WebP file, or one still picture.
type Video struct {
	Name string
	W, H int     // of a frame, in pixels
	Rate float64 // frames a second, on average; 0 where it is not known

	Sampling // what is asked of it

	count  int
	starts []int // of each frame, in milliseconds; nil: by Rate
	source frames
}

// frames decodes a video's frames. Those wanted are numbers in ascending order.
type frames interface {
	each(wanted []int) iter.Seq2[*RGB, error]
}

// OpenVideoFile opens the video at path: a folder of pictures, whose order is that
// of their names with the numbers in them counted, an animated GIF or WebP file,
// or a picture, which is a video of one frame.
func OpenVideoFile(path string, opts VideoOptions) (*Video, error) {
	path = filepath.Clean(path)
	return openVideo(os.DirFS(filepath.Dir(path)), filepath.Base(path), path, opts)
}

// OpenVideo is OpenVideoFile for the name of a folder or file in fsys, which must
// stay open as long as the video is used.
func OpenVideo(fsys fs.FS, name string, opts VideoOptions) (*Video, error) {
	return openVideo(fsys, name, name, opts)
}

func openVideo(fsys fs.FS, name, shown string, opts VideoOptions) (*Video, error) {
	if name == ".." || name == string(filepath.Separator) {
		fsys, name = os.DirFS(shown), "."
	}
	v, err := readVideo(fsys, name, shown, opts)
	if err != nil {
		return nil, fmt.Errorf("imageproc: %s: %w", shown, err)
	}
	v.Name, v.Sampling = shown, opts.Sampling
	return v, nil
}

func readVideo(fsys fs.FS, name, shown string, opts VideoOptions) (*Video, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	st, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, cause(err)
	}
	if st.IsDir() {
		return openFolder(fsys, name, shown, opts)
	}
	if opts.Rate > 0 {
		return nil, errors.New("a rate is given, and only a folder of pictures takes one: a file tells its own")
	}
	f, err := fsys.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	most := cmp.Or(opts.MaxBytes, DefaultMaxVideoBytes)
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("file is larger than the limit of %d bytes", most)
	}
	return decodeVideo(data, opts.Options)
}

// cause is err without the operation and the path, which are told already.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// decodeVideo reads what a file holds.
func decodeVideo(data []byte, opts Options) (*Video, error) {
	switch c, ok := recognise(data); {
	case !ok:
		return nil, fmt.Errorf("a video is a folder of pictures, or an animated GIF or WebP file: %s; of what a video codec has written, write the frames into a folder first", describe(data))
	case c.name == "GIF":
		return openGIF(data, opts)
	case c.name == "WebP" && animated(data):
		return openWebP(data, opts)
	}
	img, err := decode(data, opts)
	if err != nil {
		return nil, err
	}
	return &Video{W: img.W, H: img.H, count: 1, starts: []int{0}, source: still{img}}, nil
}

// still is a picture as a video.
type still struct{ img *RGB }

func (s still) each(wanted []int) iter.Seq2[*RGB, error] {
	return func(yield func(*RGB, error) bool) {
		if len(wanted) > 0 {
			yield(s.img, nil)
		}
	}
}

// animation is a video of so many frames on a canvas, each shown for some milliseconds.
func animation(w, h int, delays []int, opts Options, source frames) (*Video, error) {
	switch n := len(delays); {
	case n == 0:
		return nil, errors.New("the file has no frames")
	case n > maxFrames:
		return nil, fmt.Errorf("more than %d frames", maxFrames)
	case w < 1 || h < 1:
		return nil, fmt.Errorf("frames of %d×%d pixels", w, h)
	case int64(w) > opts.maxPixels()/int64(h):
		return nil, fmt.Errorf("frames of %d×%d pixels, more than the limit of %d", w, h, opts.maxPixels())
	case int64(n) > maxVideoPixels/(int64(w)*int64(h)):
		return nil, fmt.Errorf("%d frames of %d×%d pixels, more than the limit of %d together", n, w, h, int64(maxVideoPixels))
	}
	v := &Video{W: w, H: h, count: len(delays), starts: make([]int, len(delays)), source: source}
	end := 0
	for i, d := range delays {
		v.starts[i] = end
		end += d
	}
	v.Rate = float64(1000*v.count) / float64(end)
	return v, nil
}

// Len is the number of frames.
func (v *Video) Len() int { return v.count }

// Time is when frame i begins, in seconds, at the video's rate or, where that is
// not known, at the one given.
func (v *Video) Time(i int, rate float64) float64 {
	if v.starts != nil {
		return float64(v.starts[i]) / 1000
	}
	if v.Rate > 0 {
		rate = v.Rate
	}
	return float64(i) / rate
}

// Each decodes the frames with the given numbers, which must ascend. A number may
// repeat. It ends at the first error, which names the frame.
func (v *Video) Each(wanted []int) iter.Seq2[*RGB, error] {
	return func(yield func(*RGB, error) bool) {
		for img, err := range v.source.each(wanted) {
			if err != nil {
				yield(nil, fmt.Errorf("imageproc: %s: %w", v.Name, err))
				return
			}
			if !yield(img, nil) {
				return
			}
		}
	}
}
