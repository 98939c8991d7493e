package data

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
)

// Options say how to read a data set. The zero value detects the format and finds no
// pictures but those in the files.
type Options struct {
	Format string // of Formats; "" detects it
	Images string // folder of the pictures
	Cache  string // folder of what formats know by address only; see docs/data.md for the names
	Strict bool   // the first broken row is an error, and is not left out

	Name     string  // the entry of a dataset_info.json; "" for all
	Split    string  // of formats that hold several, such as "train"; "" for all
	Answers  string  // VQAv2: the file of annotations; "" looks beside the questions
	Prompt   string  // what is asked where the format holds no question; {} is the text to be found
	Coords   *Coords // what boxes mean in formats that do not say it; nil for the format's custom
	Mentions *Coords // what [x1, y1, x2, y2] in plain text means; nil leaves it text

	Pictures imageproc.Options

	layout *layout // of ShareGPT's rows; nil for the usual names
}

// format is one way to keep a data set.
type format struct {
	name, about string
	detect      func(p *probe) bool
	open        func(o *opener) (source, error)
}

// formats is the table, what is easy to mistake for something else first.
func formats() []format {
	return slices.Concat(conversationFormats(), captionFormats(), documentFormats(), mixtureFormats())
}

// Format is a row of the table of formats.
type Format struct {
	Name, About string
	Writes      bool // Create writes it
}

// Formats are those that Open reads.
func Formats() (out []Format) {
	for _, f := range formats() {
		_, writes := writers()[f.name]
		out = append(out, Format{f.name, f.about, writes})
	}
	return out
}

func findFormat(name string) (format, error) {
	var known []string
	for _, f := range formats() {
		if f.name == name {
			return f, nil
		}
		known = append(known, f.name)
	}
	return format{}, fmt.Errorf("unknown format %q, want one of %s", name, strings.Join(known, ", "))
}

// source is an open file of some format.
type source interface {
	count() int
	// sample reads sample i; its pictures are not opened.
	sample(i int) (*Sample, error)
	io.Closer
}

// maxProblems is how many problems are kept; more are counted.
const maxProblems = 1 << 16

// Set is a data set in files.
type Set struct {
	name, format string
	source
	fingerprint string
	problems    []*Problem
	broken      int
	typed       func(i int) string // Type, if there are any
}

// Len returns the number of samples, those with a problem in their row apart.
func (s *Set) Len() int { return s.count() }

// At reads sample i. Its error is a [*Problem] if the data is at fault.
func (s *Set) At(i int) (*Sample, error) {
	mustHave(s.name, i, s.Len())
	return s.sample(i)
}

// Type is what a mixture that names data sets calls the kind of those that sample i is of,
// such as image_text or text in LLaMA2-Accessory's; "" where nothing does. It reads no
// file, and panics outside of [0, Len()).
func (s *Set) Type(i int) string {
	mustHave(s.name, i, s.Len())
	if s.typed == nil {
		return ""
	}
	return s.typed(i)
}

// Format is the name of the format in which the set is kept.
func (s *Set) Format() string { return s.format }

// Fingerprint is made of the format, the number of samples, and a hash of the file: of
// all its bytes where reading its index reads them anyway (JSON, text), of the index
// and the sizes of the members where not (tar, Parquet). Pictures in folders are no
// part of it.
func (s *Set) Fingerprint() string { return s.fingerprint }

// Problems are the rows that are left out because something is wrong with them, in
// order; of very many the first.
func (s *Set) Problems() []*Problem { return s.problems }

// Broken is the number of rows that are left out.
func (s *Set) Broken() int { return s.broken }

// Open opens a data set: a file, a folder, or several files as a pattern with * or
// braces, {000..099}.tar. Every row is checked, and those that are broken left out and
// told by Problems. Pictures are opened when they are asked for. Close it in the end.
func Open(path string, o Options) (*Set, error) {
	s, err := openPath(path, o, 0)
	if err != nil {
		return nil, prefixed(err)
	}
	return s, nil
}

// prefixed begins an error with the name of the package, once.
func prefixed(err error) error {
	if strings.HasPrefix(err.Error(), "data: ") {
		return err
	}
	return fmt.Errorf("data: %w", err)
}

// Detect tells the format of what is at a path.
func Detect(path string) (string, error) {
	names, err := expand(path)
	if err != nil {
		return "", prefixed(err)
	}
	f, err := detect(names[0])
	if err != nil {
		return "", prefixed(err)
	}
	return f.name, nil
}

func detect(name string) (format, error) {
	p, err := newProbe(name)
	if err != nil {
		return format{}, err
	}
	for _, f := range formats() {
		if f.detect(p) {
			return f, nil
		}
	}
	return format{}, fmt.Errorf("%s is in no format that is recognised%s; name one by --format", name, p.hint())
}

// maxNesting bounds how deep data sets that name others lie in each other.
const maxNesting = 4

func openPath(path string, o Options, depth int) (*Set, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("%s: data sets that name each other lie more than %d deep", path, maxNesting)
	}
	names, err := expand(path)
	if err != nil {
		return nil, err
	}
	if len(names) == 1 {
		return openFile(names[0], o, depth)
	}
	return together(path, names, o, depth)
}

// openFile opens one file, or a folder that is one data set.
func openFile(name string, o Options, depth int) (set *Set, err error) {
	if info, err := os.Stat(name); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is a device or pipe, and no file", name)
	}
	var f format
	if o.Format == "" {
		f, err = detect(name)
	} else {
		f, err = findFormat(o.Format)
	}
	if err != nil {
		return nil, err
	}
	o.Format = f.name
	op := &opener{Options: o, coords: o.coords(f.name), name: name, depth: depth, set: &Set{name: name, format: f.name}, sum: sha256.New()}
	if op.store, err = openStore(o); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	src, err := f.open(op)
	if err != nil {
		if _, isProblem := errors.AsType[*Problem](err); !isProblem {
			err = fmt.Errorf("%s: %w", name, err)
		}
		return nil, errors.Join(err, op.store.Close())
	}
	op.finished(&stored{src, op.store})
	return op.set, nil
}

// finished gives the set its source, and the fingerprint of what has been read.
func (o *opener) finished(src source) {
	o.set.source = src
	o.set.fingerprint = fmt.Sprintf("%s %d %x", o.set.format, src.count(), o.sum.Sum(nil)[:8])
}

// coords are what boxes mean in a format that does not say it.
func (o *Options) coords(format string) Coords {
	switch {
	case o.Coords != nil:
		return *o.Coords
	case format == "qwen-vl":
		return Coords{Unit: Norm999}
	case format == "refcoco-hf":
		return Coords{Sized: true}
	}
	return Coords{}
}

// stored is a source whose pictures are in a store, closed with it.
type stored struct {
	source
	store *store
}

func (s *stored) Close() error { return errors.Join(s.source.Close(), s.store.Close()) }

// opener is what a format needs to open a file.
type opener struct {
	Options
	name   string
	depth  int
	coords Coords // of boxes where the format does not say it
	set    *Set
	store  *store
	sum    hash.Hash // of what the fingerprint is made of
}

// problem notes that a row is broken. It returns an error if that is not to be borne.
func (o *opener) problem(row int, id string, err error) error {
	p := &Problem{File: o.name, Row: row, ID: id, Err: err}
	if o.Strict {
		return p
	}
	o.set.broken++
	if len(o.set.problems) < maxProblems {
		o.set.problems = append(o.set.problems, p)
	}
	return nil
}

// finish checks a sample that has been read, and makes its pictures tell where they are
// from when they fail.
func (o *opener) finish(s *Sample, row int) error {
	if s.ID == "" {
		s.ID = numbered(row)
	}
	if err := s.checkPlaces(); err != nil {
		return err
	}
	s.file, s.row = o.name, row
	id, name := s.ID, o.name
	for i := range s.Images {
		s.Images[i].wrap = func(err error) error {
			return &Problem{File: name, Row: row, ID: id, Err: fmt.Errorf("picture %d: %w", i+1, err)}
		}
	}
	return nil
}

// prompt is what is asked about something to be found in a picture, or of the picture.
func (o *opener) prompt(custom, what string) string {
	if o.Prompt != "" {
		custom = o.Prompt
	}
	return strings.ReplaceAll(custom, "{}", what)
}

// file opens the file that is read, and counts it in the fingerprint as it is scanned.
func (o *opener) file() (*os.File, io.Reader, error) {
	f, err := unpacked(o.name)
	if err != nil {
		return nil, nil, err
	}
	return f, io.TeeReader(f, o.sum), nil
}
