package data

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// tarSink writes a shard of WebDataset: pictures, and ms-swift's row as .json.
type tarSink struct {
	w   *Writer
	tar *tar.Writer
}

func openTarSink(w *Writer) (sink, error) {
	return &tarSink{w, tar.NewWriter(w.out)}, nil
}

func (t *tarSink) write(s *Sample) error {
	key := fmt.Sprintf("%09d", t.w.n)
	var names []string
	var files [][]byte
	for i := range s.Images {
		file, err := s.Images[i].Bytes()
		if err != nil {
			return err
		}
		names, files = append(names, strconv.Itoa(i)+ext(file)), append(files, file)
	}
	row, err := swiftRow(s, names)
	if err != nil {
		return err
	}
	text, err := asJSON(row)
	if err != nil {
		return err
	}
	for i, name := range append(names, "json") {
		file := text
		if i < len(files) {
			file = files[i]
		}
		err := t.tar.WriteHeader(&tar.Header{Name: key + "." + name, Mode: 0o644, Size: int64(len(file)), Format: tar.FormatUSTAR})
		if err == nil {
			_, err = t.tar.Write(file)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tarSink) close() error { return t.tar.Close() }

// cocoSink writes captions; the table of pictures follows them.
type cocoSink struct {
	w      *Writer
	images []cocoImage
	ids    map[string]int64
	rows   *rowSink
}

func openCOCOSink(w *Writer) (sink, error) {
	c := &cocoSink{w: w, ids: map[string]int64{}}
	c.rows = &rowSink{w, c.row, true}
	_, err := w.out.WriteString(`{"annotations": [`)
	return c, err
}

func (c *cocoSink) write(s *Sample) error { return c.rows.write(s) }

func (c *cocoSink) row(w *Writer, s *Sample) (any, error) {
	names, err := w.names(s, false)
	if err != nil {
		return nil, err
	}
	row := cocoCaption{ID: int64(w.n), Caption: s.Turns[len(s.Turns)-1].Text}
	if id := s.named(); id != nil {
		if row.ID, err = strconv.ParseInt(s.ID, 10, 64); err != nil && !w.opts.Lossy {
			return nil, errors.New("coco would lose the sample's name, which is no number; allow it by --lossy")
		}
	}
	id, known := c.ids[names[0]]
	if !known {
		img, err := s.Images[0].Open()
		if err != nil {
			return nil, err
		}
		id = int64(len(c.images))
		c.ids[names[0]] = id
		c.images = append(c.images, cocoImage{id, names[0], img.W, img.H})
	}
	row.ImageID = id
	return row, nil
}

func (c *cocoSink) close() error {
	raw, err := json.Marshal(c.images)
	if err != nil {
		return err
	}
	_, err = c.w.out.WriteString("\n],\n\"images\": " + strings.TrimSpace(string(raw)) + "}\n")
	return err
}

// openTextSink writes documents: lines into .txt, else rows with a text.
func openTextSink(w *Writer) (sink, error) {
	if filepath.Ext(w.path) == ".txt" {
		return &lineSink{w}, nil
	}
	return rowsOf(writeText)(w)
}

func writeText(w *Writer, s *Sample) (any, error) {
	if err := s.clean(); err != nil {
		return nil, err
	}
	names, err := w.names(s, false)
	return struct {
		ID     any      `json:"id,omitempty"`
		Text   string   `json:"text"`
		Images []string `json:"images,omitempty"`
	}{s.named(), s.Turns[0].Text, names}, err
}

type lineSink struct{ w *Writer }

func (l *lineSink) write(s *Sample) error {
	text := s.Turns[0].Text
	switch {
	case len(s.Images) > 0:
		return errors.New("lines of text cannot hold pictures: write to a name with .jsonl")
	case (strings.ContainsAny(text, "\r\n") || s.named() != nil) && !l.w.opts.Lossy:
		return errors.New("lines of text would lose the ends of the document's lines, or its name: write to a name with .jsonl, or allow it by --lossy")
	}
	_, err := l.w.out.WriteString(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(text) + "\n")
	return err
}

func (l *lineSink) close() error { return nil }
