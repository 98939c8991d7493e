package imageproc

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
)

// folder is a video whose frames are files.
type folder struct {
	fsys  fs.FS
	names []string
	opts  Options
	w, h  int
}

func openFolder(fsys fs.FS, name, shown string, opts VideoOptions) (*Video, error) {
	list, err := fs.ReadDir(fsys, name)
	if err != nil {
		return nil, cause(err)
	}
	f := &folder{fsys: fsys, opts: opts.Options}
	for _, e := range list {
		if !e.IsDir() && isPicture(e.Name()) {
			f.names = append(f.names, path.Join(name, e.Name()))
		}
	}
	switch n := len(f.names); {
	case n == 0:
		return nil, errors.New("the folder has no pictures: a video is a folder of PNG, JPEG, WebP, GIF, BMP or TIFF files, or an animated GIF or WebP file")
	case n > maxFrames:
		return nil, fmt.Errorf("%d pictures, more than the limit of %d", n, maxFrames)
	}
	slices.SortFunc(f.names, natural)
	first, err := f.read(0)
	if err != nil {
		return nil, err
	}
	f.w, f.h = first.W, first.H
	return &Video{W: f.w, H: f.h, Rate: opts.Rate, count: len(f.names), source: f}, nil
}

// isPicture goes by the name; what is hidden is not one.
func isPicture(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff":
		return !strings.HasPrefix(name, ".")
	}
	return false
}

// read decodes frame i.
func (f *folder) read(i int) (*RGB, error) {
	name := f.names[i]
	file, err := f.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("frame %d, %s: %w", i+1, path.Base(name), cause(err))
	}
	defer file.Close()
	img, err := Read(file, path.Base(name), f.opts)
	if err != nil {
		return nil, fmt.Errorf("frame %d: %w", i+1, err)
	}
	return img, nil
}

func (f *folder) each(wanted []int) iter.Seq2[*RGB, error] {
	return func(yield func(*RGB, error) bool) {
		last := -1
		var img *RGB
		for _, i := range wanted {
			var err error
			if i != last {
				img, err = f.read(i)
			}
			if err == nil && (img.W != f.w || img.H != f.h) {
				err = fmt.Errorf("frame %d, %s, has %d×%d pixels, and the first %d×%d: frames must be of one size", i+1, path.Base(f.names[i]), img.W, img.H, f.w, f.h)
			}
			if last = i; !yield(img, err) || err != nil {
				return
			}
		}
	}
}

// natural compares names as people do: numbers in them by their value.
func natural(a, b string) int {
	whole := cmp.Compare(a, b)
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		a, b = a[len(x):], b[len(y):]
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)); c != 0 {
			return c
		}
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), whole)
}

// digits are those that s begins with.
func digits(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))] }
