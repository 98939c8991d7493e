package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// maxPassages bounds a file of passages, which is kept in memory, in bytes.
const maxPassages = 256 << 20

// Passages is a data set of text without pictures: a file of UTF-8 text, in which blank
// lines stand between documents. Each is learned whole.
type Passages struct {
	name  string
	texts []string
}

// OpenPassages reads the file name.
func OpenPassages(name string) (*Passages, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxPassages+1))
	switch {
	case err != nil:
	case len(raw) > maxPassages:
		err = fmt.Errorf("larger than %d MiB: split it", maxPassages>>20)
	case !utf8.Valid(raw):
		err = errors.New("not UTF-8 text")
	}
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	d := &Passages{name: name}
	for text := range strings.SplitSeq(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n\n") {
		if text = strings.TrimSpace(text); text != "" {
			d.texts = append(d.texts, text)
		}
	}
	for i, text := range d.texts {
		if strings.Contains(text, Marker) {
			return nil, fmt.Errorf("data: %s: document %d has an %s, and no pictures are given", name, i+1, Marker)
		}
	}
	return d, nil
}

// Len returns the number of documents.
func (d *Passages) Len() int { return len(d.texts) }

// At returns document i. Its error is always nil.
func (d *Passages) At(i int) (*Sample, error) {
	mustHave("Passages", i, len(d.texts))
	return document(fmt.Sprintf("%s-%d", d.name, i+1), d.texts[i], nil), nil
}

func document(id, text string, images []Picture) *Sample {
	return &Sample{ID: id, Document: true, Turns: []Turn{{Text: text}}, Images: images}
}

// Interleaved is a data set of documents with a picture in the middle of each: a
// sample with a picture, said what it shows, between two halves of a passage.
type Interleaved struct {
	text     *Passages
	pictures Dataset
}

// NewInterleaved puts a picture of pictures, whose samples have one, and the first
// answer about it, into a document for each of them.
func NewInterleaved(text *Passages, pictures Dataset) (*Interleaved, error) {
	if text.Len() == 0 {
		return nil, fmt.Errorf("data: %s has no documents", text.name)
	}
	return &Interleaved{text, pictures}, nil
}

// Len returns the number of documents, one for each picture.
func (d *Interleaved) Len() int { return d.pictures.Len() }

// At makes document i.
func (d *Interleaved) At(i int) (*Sample, error) {
	s, err := d.pictures.At(i)
	if err != nil {
		return nil, err
	}
	if len(s.Images) != 1 || len(s.Turns) < 2 {
		return nil, fmt.Errorf("data: sample %s has %d pictures, want one and what it shows", s.ID, len(s.Images))
	}
	before, after := halves(d.text.texts[Shuffled(0, i/d.text.Len(), d.text.Len(), i%d.text.Len())])
	return document(s.ID, before+"\n"+Marker+s.Turns[1].Text+"\n"+after, s.Images), nil
}

// halves cuts a text behind the sentence that reaches its middle.
func halves(text string) (before, after string) {
	mid := len(text) / 2
	if at := strings.Index(text[mid:], ". "); at >= 0 {
		return text[:mid+at+1], text[mid+at+2:]
	}
	return text, ""
}
