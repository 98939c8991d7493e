package data

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// names are the names under which a file refers to the pictures of a sample: paths
// below the folder of pictures, or addresses. Pictures that are in no folder are saved
// in one, or with embed written into the file.
func (w *Writer) names(s *Sample, embed bool) (out []string, err error) {
	for i := range s.Images {
		p := &s.Images[i]
		var name string
		switch {
		case w.save != nil:
			name, err = w.saved(p, fmt.Sprintf("%09d-%d", w.n, i))
		case p.file:
			name = p.Name
		case p.URL != "":
			name = p.URL
		case embed:
			name, err = dataURL(p)
		default:
			err = fmt.Errorf("picture %d is a part of the data set's file: give --save-images a folder", i+1)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, nil
}

// dataURL is a picture in base64.
func dataURL(p *Picture) (string, error) {
	file, err := p.Bytes()
	if err != nil {
		return "", err
	}
	return "data:" + http.DetectContentType(file) + ";base64," + base64.StdEncoding.EncodeToString(file), nil
}

// saved copies a picture into the folder, under its own name if it has one.
func (w *Writer) saved(p *Picture, otherwise string) (string, error) {
	file, err := p.Bytes()
	if errors.Is(err, ErrAbsent) {
		return p.URL, nil
	}
	if err != nil {
		return "", err
	}
	name := p.Name
	if name == "" || !filepath.IsLocal(filepath.FromSlash(name)) {
		name = otherwise + ext(file)
	}
	local := filepath.FromSlash(name)
	there, err := readRoot(w.save, local)
	switch {
	case err == nil && bytes.Equal(there, file):
		return name, nil
	case err == nil:
		return "", fmt.Errorf("the folder of --save-images has another picture %s", name)
	}
	for dir := range parents(name) {
		if err := w.save.Mkdir(filepath.FromSlash(dir), 0o777); err != nil && !errors.Is(err, os.ErrExist) {
			return "", err
		}
	}
	f, err := w.save.Create(local)
	if err != nil {
		return "", err
	}
	_, err = f.Write(file)
	return name, errors.Join(err, f.Close())
}

// parents yields the folders above a file, from the outside in.
func parents(name string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		dir := path.Dir(name)
		for i, c := range dir + "/" {
			if c == '/' && i > 0 && dir != "." && !yield(dir[:i]) {
				return
			}
		}
	}
}

func readRoot(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// marked are the texts of the turns with a marker for each picture: those that stand
// before the conversation begin the first question.
func (s *Sample) marked(behind string) []string {
	out := make([]string, len(s.Turns))
	total, first := 0, -1
	for i, t := range s.Turns {
		out[i] = t.Text
		total += strings.Count(t.Text, Marker)
		if first < 0 && t.Role == User {
			first = i
		}
	}
	if total == 0 && first >= 0 {
		out[first] = strings.Repeat(Marker+behind, len(s.Images)) + out[first]
	}
	return out
}
