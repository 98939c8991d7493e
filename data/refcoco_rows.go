package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// object is a row of RefCOCO as lmms-eval has it: an object in a picture, everything
// that it was called, and its box: x, y, width and height in pixels
// (https://huggingface.co/datasets/lmms-lab/RefCOCO). The column question, which asks for a
// caption of a circled area, is not read: here it is asked where something is.
type object struct {
	ID     json.RawMessage `json:"question_id"`
	Image  json.RawMessage `json:"image"`
	Answer json.RawMessage `json:"answer"`
	BBox   []float64       `json:"bbox"`
}

// maxNames is how often an object may be named: its row is read again for each name.
// RefCOCO has some three.
const maxNames = 1 << 10

// names are what the object was called.
func (b *object) names() (names []string, err error) {
	if name, err := unquote(b.Answer); err == nil {
		return []string{name}, nil
	}
	if json.Unmarshal(b.Answer, &names) != nil || len(names) == 0 {
		return nil, errors.New("answer is neither a text nor a list of texts")
	}
	if len(names) > maxNames {
		return nil, fmt.Errorf("%d answers, at most %d are read", len(names), maxNames)
	}
	return names, nil
}

// objectParts is the number of samples of a row, one for each name.
func objectParts(raw []byte) (int, error) {
	var row object
	if err := decode(raw, &row); err != nil {
		return 0, err
	}
	if len(row.BBox) != 4 {
		return 0, fmt.Errorf("bbox has %d numbers, want x, y, width and height", len(row.BBox))
	}
	names, err := row.names()
	return len(names), err
}

// parseObject makes a sample of one of an object's names.
func parseObject(o *opener, raw []byte, part int, s *Sample) error {
	var row object
	if err := decode(raw, &row); err != nil {
		return err
	}
	names, err := row.names()
	if err != nil {
		return err
	}
	if s.ID = readID(row.ID); s.ID != "" && len(names) > 1 {
		s.ID += "_" + strconv.Itoa(part+1)
	}
	pictures, err := readNames(row.Image)
	if err != nil {
		return err
	}
	if len(pictures) != 1 || pictures[0] == "" {
		return errors.New("no image")
	}
	if err := s.see(o.store, pictures); err != nil {
		return err
	}
	return o.locate(s, names[part], Box{At: row.BBox, Coords: o.coords})
}
