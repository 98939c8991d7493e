package scenes

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
)

// Write writes the first n scenes of a seed for people and programs to read:
//
//	images/000000.png …  the pictures
//	scenes.json          conversations in LLaVA's format, one per scene and language
//	truth.json           every scene: objects, boxes in pixels, questions and programs
//	index.html           the pictures with their questions, for a browser
//
// dir is made if it is missing; files of these names are replaced.
func Write(dir string, seed uint64, n int, opts Options) error {
	if err := opts.Check(); err != nil {
		return err
	}
	if n < 1 {
		return fmt.Errorf("scenes: number of scenes is %d, want at least 1", n)
	}
	opts = opts.WithDefaults()
	w, err := newWriter(dir)
	if err != nil {
		return fmt.Errorf("scenes: %w", err)
	}
	for i := range n {
		if err = w.scene(Generate(seed, i, opts), fmt.Sprintf("%06d.png", i), opts.Langs); err != nil {
			break
		}
	}
	if err := errors.Join(err, w.close()); err != nil {
		return fmt.Errorf("scenes: %w", err)
	}
	return nil
}

// writer holds the three files that all scenes go to.
type writer struct {
	dir          string
	talks, truth *list
	page         *page
}

// record is a conversation in LLaVA's format.
type record struct {
	ID            string    `json:"id"`
	Image         string    `json:"image"`
	Conversations []message `json:"conversations"`
}

type message struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

func newWriter(dir string) (*writer, error) {
	if err := os.MkdirAll(filepath.Join(dir, "images"), 0o777); err != nil {
		return nil, err
	}
	w := &writer{dir: dir}
	var err error
	if w.talks, err = newList(filepath.Join(dir, "scenes.json")); err != nil {
		return nil, err
	}
	if w.truth, err = newList(filepath.Join(dir, "truth.json")); err != nil {
		return nil, errors.Join(err, w.talks.close())
	}
	if w.page, err = newPage(filepath.Join(dir, "index.html")); err != nil {
		return nil, errors.Join(err, w.talks.close(), w.truth.close())
	}
	return w, nil
}

func (w *writer) close() error {
	return errors.Join(w.talks.close(), w.truth.close(), w.page.close())
}

// scene writes one scene to all files; name is that of its picture.
func (w *writer) scene(s *Scene, name string, langs []Lang) error {
	if err := writePNG(filepath.Join(w.dir, "images", name), s.Image()); err != nil {
		return err
	}
	file := "images/" + name
	for _, l := range langs {
		r := talk(s, l, file)
		if len(r.Conversations) == 0 {
			continue
		}
		if err := w.talks.add(r); err != nil {
			return err
		}
	}
	truth := struct {
		*Scene
		Image string `json:"image"`
	}{s, file}
	if err := w.truth.add(truth); err != nil {
		return err
	}
	return w.page.add(s, file)
}

// talk makes the questions of one language a conversation.
func talk(s *Scene, l Lang, file string) record {
	r := record{ID: s.ID + "-" + string(l), Image: file}
	for _, q := range s.Questions {
		if q.Lang != l {
			continue
		}
		text := q.Text
		if len(r.Conversations) == 0 {
			text = "<image>\n" + text
		}
		r.Conversations = append(r.Conversations, message{"human", text}, message{"gpt", q.Answer})
	}
	return r
}

func writePNG(name string, img image.Image) error {
	return writeFile(name, func(w io.Writer) error { return png.Encode(w, img) })
}

// writeFile makes a file of what write gives it.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// list is a file with a JSON array that grows by one element at a time.
type list struct {
	f *os.File
	w *bufio.Writer
	n int
}

func newList(name string) (*list, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	return &list{f: f, w: bufio.NewWriter(f)}, nil
}

// add appends an element, indented for people and with < as it is.
func (l *list) add(x any) error {
	between := ",\n"
	if l.n == 0 {
		between = "[\n"
	}
	l.n++
	if _, err := l.w.WriteString(between); err != nil {
		return err
	}
	enc := json.NewEncoder(l.w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(x)
}

func (l *list) close() error {
	_, err := l.w.WriteString("]\n")
	return errors.Join(err, l.w.Flush(), l.f.Close())
}
