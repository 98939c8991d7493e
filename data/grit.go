package data

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// chunk is a phrase of a caption, by its characters, and its box in shares of the
// picture: [start, end, x1, y1, x2, y2, score].
type chunk []float64

func (c chunk) span() (from, to int) { return int(c[0]), int(c[1]) }

// gritRow is a row of GRIT (https://huggingface.co/datasets/zzliang/GRIT).
type gritRow struct {
	ID         json.RawMessage `json:"id"`
	Key        json.RawMessage `json:"key"`
	URL        string          `json:"url"`
	Caption    string          `json:"caption"`
	NounChunks []chunk         `json:"noun_chunks"`
	RefExps    []chunk         `json:"ref_exps"`
}

// parseGRIT reads a row: a caption whose referring expressions, or without any its noun
// chunks, have boxes. Of expressions that overlap the first is taken, of those that
// begin together the longest.
func parseGRIT(o *opener, raw []byte, s *Sample) error {
	var row gritRow
	if err := decode(raw, &row); err != nil {
		return err
	}
	if s.ID = readID(row.ID); s.ID == "" {
		s.ID = readID(row.Key)
	}
	if row.URL == "" {
		return errors.New("no url")
	}
	s.Images = []Picture{o.store.remote(row.URL, "")}
	return o.chunks(s, &row)
}

// chunks makes the caption the answer.
func (o *opener) chunks(s *Sample, row *gritRow) error {
	if strings.TrimSpace(row.Caption) == "" {
		return errors.New("caption is empty")
	}
	if strings.Contains(row.Caption, RefTag) || strings.Contains(row.Caption, BoxTag) || strings.Contains(row.Caption, Marker) {
		return errTags
	}
	s.ask(o.prompt(describe, ""), row.Caption)
	all := row.RefExps
	if len(all) == 0 {
		all = row.NounChunks
	}
	text := []rune(row.Caption)
	for _, c := range all {
		if len(c) < 6 {
			return fmt.Errorf("an expression of %d numbers, want [start, end, x1, y1, x2, y2, score]", len(c))
		}
		if !(c[0] >= 0 && c[0] < c[1] && c[1] <= float64(len(text))) {
			return fmt.Errorf("an expression from character %v to %v of %d", c[0], c[1], len(text))
		}
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b chunk) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(b[1], a[1])) })
	if len(all) > 0 {
		s.Turns[1].Text, s.Turns[1].Places = marked(text, all)
	}
	return nil
}

// marked puts tags in the place of the expressions of a caption.
func marked(text []rune, all []chunk) (string, *Places) {
	var out strings.Builder
	p := &Places{}
	at, last := 0, -1
	for _, c := range all {
		from, to := c.span()
		box := Box{At: slices.Clone(c[2:6]), Coords: Coords{Unit: Norm01}}
		switch {
		case from == last && to == at: // one more box of the same words
		case from < at:
			continue
		default:
			out.WriteString(string(text[at:from]) + RefTag)
			p.Refs = append(p.Refs, string(text[from:to]))
			last, at = from, to
		}
		out.WriteString(BoxTag)
		p.Boxes = append(p.Boxes, box)
	}
	out.WriteString(string(text[at:]))
	return out.String(), p
}
