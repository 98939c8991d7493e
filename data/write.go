package data

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// WriteOptions say how a data set is written.
type WriteOptions struct {
	Save  string // folder that gets a copy of every picture; "" leaves them where they are
	Lossy bool   // what the format cannot hold is left out, and is no error
}

// Writer writes samples in a format. The file gets its name when Close succeeds.
type Writer struct {
	path, format string
	opts         WriteOptions
	save         *os.Root // nil without a folder
	file         *os.File
	out          *bufio.Writer
	target       target
	sink         sink
	n            int // samples so far
}

// target is a format that can be written.
type target struct {
	holds keeps
	open  func(w *Writer) (sink, error)
}

// sink takes the samples of a file.
type sink interface {
	write(s *Sample) error
	close() error
}

// writers are the formats that can be written, by name.
func writers() map[string]target {
	return map[string]target{
		"llava":      {keepsTalk, rowsOf(writeLLaVA)},
		"sharegpt":   {keepsTalk | keepsPreference, rowsOf(writeShareGPT)},
		"openai":     {keepsTalk | keepsMutes, rowsOf(writeOpenAI)},
		"swift":      {keepsAll, rowsOf(writeSwift)},
		"qwen-vl":    {keepsTalk&^keepsSystem | keepsPlaces, rowsOf(writeQwenVL)},
		"webdataset": {keepsAll, openTarSink},
		"coco":       {keepsPictures | keepsAnswers | keepsNames, openCOCOSink},
		"text":       {keepsDocuments | keepsPictures | keepsMany | keepsNoPicture | keepsNames, openTextSink},
	}
}

// Create begins a file in a format, one of those of Formats that Writes. Of the formats
// in JSON, a name with .jsonl has a line for each sample, others an array.
func Create(path, format string, o WriteOptions) (*Writer, error) {
	t, ok := writers()[format]
	if !ok {
		var known []string
		for _, f := range Formats() {
			if f.Writes {
				known = append(known, f.Name)
			}
		}
		return nil, fmt.Errorf("data: format %q is not written, but %s are", format, strings.Join(known, ", "))
	}
	w := &Writer{path: path, format: format, opts: o, target: t}
	if err := w.open(); err != nil {
		return nil, errors.Join(prefixed(err), w.Abort())
	}
	return w, nil
}

func (w *Writer) open() (err error) {
	if w.opts.Save != "" {
		if err := os.MkdirAll(w.opts.Save, 0o777); err != nil {
			return err
		}
		if w.save, err = os.OpenRoot(w.opts.Save); err != nil {
			return err
		}
	}
	if w.file, err = os.CreateTemp(filepath.Dir(w.path), ".fovea-*"); err != nil {
		return err
	}
	w.out = bufio.NewWriter(w.file)
	w.sink, err = w.target.open(w)
	return err
}

// Write writes a sample. An error leaves the file as it was before, and names the
// sample and what the format cannot hold of it.
func (w *Writer) Write(s *Sample) error {
	s, err := w.held(s)
	if err == nil {
		err = w.sink.write(s)
	}
	if err != nil {
		return fmt.Errorf("data: %s: sample %.80q: %w", w.path, s.ID, err)
	}
	w.n++
	return nil
}

// held is what is left of a sample in the format.
func (w *Writer) held(s *Sample) (*Sample, error) {
	lost, never := w.target.holds.lost(s)
	switch {
	case never != "":
		return s, fmt.Errorf("%s cannot hold %s", w.format, never)
	case len(lost) == 0:
		return s, nil
	case !w.opts.Lossy:
		return s, fmt.Errorf("%s would lose %s; allow it by --lossy", w.format, strings.Join(lost, ", "))
	}
	return w.target.holds.reduced(s)
}

// Close ends the file and gives it its name.
func (w *Writer) Close() error {
	err := w.sink.close()
	if err == nil {
		err = w.out.Flush()
	}
	if err == nil {
		err = w.file.Chmod(0o644)
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		return errors.Join(prefixed(err), w.Abort())
	}
	name := w.file.Name()
	if err := w.file.Close(); err != nil {
		return prefixed(err)
	}
	w.file = nil
	if err := os.Rename(name, w.path); err != nil {
		return prefixed(errors.Join(err, os.Remove(name)))
	}
	return w.Abort()
}

// Abort leaves nothing behind of a file that is not closed.
func (w *Writer) Abort() (err error) {
	if w.file != nil {
		err = errors.Join(w.file.Close(), os.Remove(w.file.Name()))
		w.file = nil
	}
	if w.save != nil {
		err = errors.Join(err, w.save.Close())
		w.save = nil
	}
	return err
}
