package data

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrAbsent is why a picture that is known by its address only cannot be opened: it is
// not in the cache. Nothing here fetches it.
var ErrAbsent = errors.New("the picture is not in the cache folder")

// Problem is what is wrong with one sample, or with a picture of it. Whoever reads a
// data set may skip and count samples whose error is one.
type Problem struct {
	File string
	Row  int    // of the file, from 1; in tar shards the sample's number
	ID   string // "" if it could not be read
	Err  error
}

func (p *Problem) Error() string {
	where := fmt.Sprintf("data: %s: row %d", p.File, p.Row)
	if p.ID != "" {
		where += fmt.Sprintf(" (%.80q)", p.ID)
	}
	return where + ": " + p.Err.Error()
}

func (p *Problem) Unwrap() error { return p.Err }

// problem is what is wrong with a sample that has been read.
func (s *Sample) problem(err error) *Problem {
	return &Problem{File: s.file, Row: s.row, ID: s.ID, Err: err}
}

// MarshalJSON writes {"file", "row", "id", "reason"}.
func (p *Problem) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		File   string `json:"file"`
		Row    int    `json:"row"`
		ID     string `json:"id,omitempty"`
		Reason string `json:"reason"`
	}{p.File, p.Row, p.ID, p.Err.Error()})
}
