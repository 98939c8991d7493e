package data

import (
	"archive/tar"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// maxMembers is how many files a sample of a tar shard may be made of.
const maxMembers = 256

// maxSample is how long the files of a sample may be together.
const maxSample = 1 << 30

// tarShard is an open shard: the members of a sample lie behind each other.
type tarShard struct {
	o    *opener
	file *os.File
}

// openTar reads a shard of WebDataset (https://github.com/webdataset/webdataset): files
// that have a name up to the first dot in common are a sample.
func openTar(o *opener) (source, error) {
	file, err := os.Open(o.name)
	if err != nil {
		return nil, err
	}
	d := &tarShard{o: o, file: file}
	t := &table{o: o, build: d.build, files: []io.Closer{file}}
	return t.ready(d.scan(t))
}

// counting tells how far a file has been read; it seeks, so that members are skipped.
type counting struct {
	io.ReadSeeker
	at int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadSeeker.Read(p)
	c.at += int64(n)
	return n, err
}

func (c *counting) Seek(offset int64, whence int) (int64, error) {
	at, err := c.ReadSeeker.Seek(offset, whence)
	if err == nil {
		c.at = at
	}
	return at, err
}

// blocks is the length of a member with what fills its last block.
func blocks(size int64) int64 { return (size + 511) &^ 511 }

// scan finds the samples.
func (d *tarShard) scan(to *table) error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	in := &counting{ReadSeeker: d.file}
	t := tar.NewReader(in)
	g := grouping{to: to}
	for at := int64(0); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return g.end()
		}
		if err == nil && (h.Size < 0 || h.Size > info.Size()-in.at) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			if at == 0 {
				return err
			}
			return errors.Join(g.end(), d.o.problem(int(g.row)+1, "", fmt.Errorf("the rest of the file cannot be read: %w", noEOF(err))))
		}
		fmt.Fprintf(d.o.sum, "%s %d\n", h.Name, h.Size)
		end := in.at + blocks(h.Size)
		if h.Typeflag == tar.TypeReg {
			key, _ := tarKey(h.Name)
			if err := g.member(key, at, end); err != nil {
				return err
			}
		}
		at = end
	}
}

// grouping puts members that have a key in common together.
type grouping struct {
	to      *table
	row     int32
	key     string
	at, far int64 // where the sample begins and ends
}

func (g *grouping) member(key string, at, end int64) error {
	if g.row == 0 || key != g.key {
		if err := g.end(); err != nil {
			return err
		}
		g.row, g.key, g.at = g.row+1, key, at
	}
	g.far = end
	return nil
}

// end notes the sample, if there is one.
func (g *grouping) end() error {
	switch {
	case g.row == 0:
		return nil
	case g.far-g.at > maxSample:
		return g.to.o.problem(int(g.row), g.key, fmt.Errorf("its files have more than %d bytes", maxSample))
	}
	g.to.places = append(g.to.places, place{at: g.at, size: int32(g.far - g.at), row: g.row})
	return nil
}

// tarKey takes a name apart at the first dot of its last part.
func tarKey(name string) (key, ext string) {
	dir, base := path.Split(name)
	base, ext, _ = strings.Cut(base, ".")
	return dir + base, strings.ToLower(ext)
}

// member is a file of a sample.
type member struct {
	ext      string
	name     string
	at, size int64
}

// members lists the files of a sample.
func (d *tarShard) members(p place) (key string, out []member, err error) {
	in := &counting{ReadSeeker: io.NewSectionReader(d.file, p.at, int64(p.size))}
	t := tar.NewReader(in)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return key, out, nil
		}
		if err != nil {
			return key, out, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if len(out) == maxMembers {
			return key, out, fmt.Errorf("more than %d files", maxMembers)
		}
		k, ext := tarKey(h.Name)
		key = k
		out = append(out, member{ext, h.Name, p.at + in.at, h.Size})
	}
}

// read returns a member that is a text.
func (d *tarShard) read(m member) ([]byte, error) {
	if m.size > maxRow {
		return nil, fmt.Errorf("%s: %w", m.name, errLongRow)
	}
	return readAt(d.file, m.at, int32(m.size))
}

// picture is a member that is one.
func (d *tarShard) picture(m member) Picture {
	return Picture{Name: m.name, opts: d.o.store.opts, read: func() ([]byte, error) {
		return d.o.store.readAll(io.NewSectionReader(d.file, m.at, m.size), m.name)
	}}
}

func (d *tarShard) build(p place, s *Sample) error {
	key, members, err := d.members(p)
	s.ID = key
	if err != nil {
		return err
	}
	g := tarGroup{d: d, members: members}
	if err := g.fill(s); err != nil {
		return err
	}
	if s.ID == "" {
		s.ID = key
	}
	return nil
}

// tarGroup is a sample as its files.
type tarGroup struct {
	d       *tarShard
	members []member
}

// texts are the endings of files that hold a caption.
func texts() []string { return []string{"txt", "caption", "text"} }

// fill makes a sample of the files.
func (g *tarGroup) fill(s *Sample) error {
	var pictures []member
	caption := ""
	var row []byte
	for _, m := range g.members {
		var err error
		switch {
		case isPicture("." + m.ext[strings.LastIndexByte(m.ext, '.')+1:]):
			pictures = append(pictures, m)
		case m.ext == "json":
			row, err = g.d.read(m)
		case slices.Contains(texts(), m.ext):
			var raw []byte
			raw, err = g.d.read(m)
			caption = string(raw)
		}
		if err != nil {
			return err
		}
	}
	slices.SortStableFunc(pictures, func(a, b member) int {
		return cmp.Or(cmp.Compare(len(a.ext), len(b.ext)), strings.Compare(a.ext, b.ext))
	})
	if parse := tarRow(row); parse != nil {
		return g.converse(s, row, parse, pictures)
	}
	return g.caption(s, row, caption, pictures)
}

// tarRow is how to read a JSON file, nil if it only says something about the picture.
func tarRow(row []byte) rowParser {
	var fields map[string]json.RawMessage
	if row == nil || json.Unmarshal(row, &fields) != nil {
		return nil
	}
	switch {
	case fields["messages"] != nil:
		return parseMessages
	case fields["conversations"] != nil && (fields["images"] != nil || fields["system"] != nil):
		return parseShareGPT
	case fields["conversations"] != nil:
		return parseLLaVA
	case fields["text"] != nil && fields["caption"] == nil:
		return parseText
	}
	return nil
}

// converse reads a conversation, whose pictures are files of the sample in their order,
// whatever it calls them.
func (g *tarGroup) converse(s *Sample, row []byte, parse rowParser, pictures []member) error {
	o := *g.d.o
	o.store = &store{opts: o.store.opts, inside: true}
	for _, m := range pictures {
		o.store.pictures = append(o.store.pictures, g.d.picture(m))
	}
	return parse(&o, row, s)
}

// caption makes a sample of a picture with its caption, which may stand in the JSON file,
// as img2dataset leaves it, with boxes beside if the set has them.
func (g *tarGroup) caption(s *Sample, row []byte, caption string, pictures []member) error {
	var meta gritRow
	if row != nil {
		if err := decode(row, &meta); err != nil {
			return err
		}
	}
	if caption == "" || len(meta.RefExps)+len(meta.NounChunks) > 0 && meta.Caption != "" {
		caption = meta.Caption
	}
	switch {
	case strings.TrimSpace(caption) == "":
		return errors.New("no caption: want a .txt, .caption or .json file beside the picture")
	case len(pictures) == 0:
		return s.document(caption)
	case len(pictures) > 1:
		return fmt.Errorf("a caption of %d pictures", len(pictures))
	}
	s.Images = []Picture{g.d.picture(pictures[0])}
	meta.Caption = caption
	return g.d.o.chunks(s, &meta)
}
