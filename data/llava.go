package data

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fovea-ml/fovea/imageproc"
)

// LLaVA is a data set of conversations in LLaVA's JSON format
// (github.com/haotian-liu/LLaVA, docs/Finetune_Custom_Data.md): an array, or one object
// a line, of
//
//	{"id": "7", "image": "a/b.jpg", "conversations": [
//		{"from": "human", "value": "<image>\nWhat is this?"},
//		{"from": "gpt", "value": "A fovea."}]}
//
// "image" may be absent, a path or a list of paths below the folder of pictures.
// Samples stay in the file: memory holds 16 bytes for each.
type LLaVA struct {
	name    string
	file    *os.File
	folder  *os.Root // nil without a folder
	rows    []row
	options imageproc.Options
}

// OpenLLaVA opens the JSON file name, whose pictures lie in folder; "" stands for no
// pictures. Every sample is checked; pictures are opened when asked for, and neither
// their names nor symbolic links lead out of the folder. Close it in the end.
func OpenLLaVA(name, folder string, opts imageproc.Options) (*LLaVA, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	d := &LLaVA{name: name, file: file, options: opts}
	if err := d.open(folder); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	return d, nil
}

func (d *LLaVA) open(folder string) (err error) {
	if folder != "" {
		if d.folder, err = os.OpenRoot(folder); err != nil {
			return err
		}
	}
	return scanRows(d.file, func(at int64, raw json.RawMessage) error {
		if _, err := d.parse(raw, len(d.rows)); err != nil {
			return err
		}
		d.rows = append(d.rows, row{at: at, size: int32(len(raw))})
		return nil
	})
}

// Close closes the file and the folder. Samples cannot be read afterwards.
func (d *LLaVA) Close() error {
	err := d.file.Close()
	if d.folder != nil {
		if e := d.folder.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Len returns the number of samples.
func (d *LLaVA) Len() int { return len(d.rows) }

// At reads sample i.
func (d *LLaVA) At(i int) (*Sample, error) {
	mustHave("LLaVA", i, len(d.rows))
	raw := make([]byte, d.rows[i].size)
	if _, err := d.file.ReadAt(raw, d.rows[i].at); err != nil && err != io.EOF {
		return nil, fmt.Errorf("data: %s: sample %d: %w", d.name, i+1, err)
	}
	s, err := d.parse(raw, i)
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", d.name, err)
	}
	return s, nil
}

func (d *LLaVA) parse(raw []byte, i int) (*Sample, error) {
	c, err := parseConversation(raw, i)
	if err != nil {
		return nil, err
	}
	s := &Sample{ID: c.id, Turns: c.turns}
	for _, name := range c.images {
		if d.folder == nil {
			return nil, fmt.Errorf("%.80q: image %.80q, but no folder of pictures is given", c.id, name)
		}
		s.Images = append(s.Images, func() (*imageproc.RGB, error) {
			img, err := d.picture(name)
			if err != nil {
				return nil, fmt.Errorf("data: %s: %.80q: %w", d.name, c.id, err)
			}
			return img, nil
		})
	}
	return s, nil
}

func (d *LLaVA) picture(name string) (*imageproc.RGB, error) {
	f, err := d.folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return imageproc.Read(f, name, d.options)
}
