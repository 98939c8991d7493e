package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
)

// rowSink writes JSON, a row for each sample.
type rowSink struct {
	w     *Writer
	row   func(w *Writer, s *Sample) (any, error)
	array bool
}

func rowsOf(row func(w *Writer, s *Sample) (any, error)) func(w *Writer) (sink, error) {
	return func(w *Writer) (sink, error) {
		r := &rowSink{w, row, filepath.Ext(w.path) != ".jsonl"}
		if !r.array {
			return r, nil
		}
		_, err := w.out.WriteString("[")
		return r, err
	}
}

func (r *rowSink) write(s *Sample) error {
	v, err := r.row(r.w, s)
	if err != nil {
		return err
	}
	raw, err := asJSON(v)
	if err != nil {
		return err
	}
	if r.array {
		between := ",\n"
		if r.w.n == 0 {
			between = "\n"
		}
		raw = append([]byte(between), bytes.TrimSuffix(raw, []byte("\n"))...)
	}
	_, err = r.w.out.Write(raw)
	return err
}

// asJSON writes a value as people read it: < stays <.
func asJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	if out.Len() > maxRow {
		return nil, errLongRow
	}
	return out.Bytes(), nil
}

func (r *rowSink) close() error {
	if !r.array {
		return nil
	}
	_, err := r.w.out.WriteString("\n]\n")
	return err
}

// named is the name of a sample, nil if it was only numbered.
func (s *Sample) named() any {
	if strings.HasPrefix(s.ID, "#") {
		return nil
	}
	return s.ID
}

// clean refuses texts that the reader would take for labels and boxes.
func (s *Sample) clean() error {
	for i := range s.Turns {
		if err := s.Turns[i].untagged(); err != nil {
			return fmt.Errorf("turn %d: %w", i+1, err)
		}
	}
	return nil
}

// llavaRow is a row of LLaVA's, ShareGPT's or Qwen-VL's format.
type llavaRow struct {
	ID            any      `json:"id,omitempty"`
	Image         any      `json:"image,omitempty"`
	System        string   `json:"system,omitempty"`
	Conversations []spoken `json:"conversations"`
	Images        []string `json:"images,omitempty"`
	Chosen        *spoken  `json:"chosen,omitempty"`
	Rejected      *spoken  `json:"rejected,omitempty"`
	Verdict       *bool    `json:"kto_tag,omitempty"`
}

// spoken are the turns as messages of human and gpt.
func (s *Sample) spoken() (out []spoken) {
	from := map[string]string{User: "human", Assistant: "gpt", System: "system"}
	for i, text := range s.marked("\n") {
		out = append(out, spoken{from[s.Turns[i].Role], text})
	}
	return out
}

func writeLLaVA(w *Writer, s *Sample) (any, error) {
	names, err := w.names(s, false)
	if err != nil {
		return nil, err
	}
	row := llavaRow{ID: s.named(), Conversations: s.spoken()}
	switch len(names) {
	case 0:
	case 1:
		row.Image = names[0]
	default:
		row.Image = names
	}
	return row, nil
}

func writeShareGPT(w *Writer, s *Sample) (any, error) {
	names, err := w.names(s, false)
	if err != nil {
		return nil, err
	}
	row := llavaRow{ID: s.named(), Conversations: s.spoken(), Images: names, Verdict: s.verdict()}
	if c := row.Conversations; c[0].From == System {
		row.System, row.Conversations = c[0].Value, c[1:]
	}
	if s.Rejected != "" {
		n := len(row.Conversations) - 1
		row.Chosen, row.Rejected = &row.Conversations[n], &spoken{"gpt", s.Rejected}
		row.Conversations = row.Conversations[:n]
	}
	return row, nil
}

// verdict is the verdict as formats write it, nil if there is none.
func (s *Sample) verdict() *bool {
	if s.Verdict == NoVerdict {
		return nil
	}
	good := s.Verdict == Good
	return &good
}

// writeOpenAI writes texts and pictures as parts.
func writeOpenAI(w *Writer, s *Sample) (any, error) {
	names, err := w.names(s, true)
	if err != nil {
		return nil, err
	}
	type address struct {
		URL string `json:"url"`
	}
	type part struct {
		Type  string   `json:"type"`
		Text  string   `json:"text,omitempty"`
		Image *address `json:"image_url,omitempty"`
	}
	type turn struct {
		Role    string `json:"role"`
		Content any    `json:"content"`
		Weight  *int   `json:"weight,omitempty"`
	}
	row := struct {
		ID       any    `json:"id,omitempty"`
		Messages []turn `json:"messages"`
	}{ID: s.named()}
	for i, text := range s.marked("") {
		t := turn{Role: s.Turns[i].Role, Content: text}
		if s.Turns[i].Mute && t.Role == Assistant {
			t.Weight = new(int)
		}
		pieces := strings.Split(text, Marker)
		var parts []part
		for k, piece := range pieces {
			if k > 0 {
				parts = append(parts, part{Type: "image_url", Image: &address{names[0]}})
				names = names[1:]
			}
			if piece != "" {
				parts = append(parts, part{Type: "text", Text: piece})
			}
		}
		if len(pieces) > 1 {
			t.Content = parts
		}
		row.Messages = append(row.Messages, t)
	}
	return row, nil
}

func writeSwift(w *Writer, s *Sample) (any, error) {
	names, err := w.names(s, false)
	if err != nil {
		return nil, err
	}
	return swiftRow(s, names)
}

// swiftRow is a sample in ms-swift's format, with its name and meta beside.
func swiftRow(s *Sample, names []string) (any, error) {
	if err := s.clean(); err != nil {
		return nil, err
	}
	var row openaiRow
	for _, f := range []struct {
		into *json.RawMessage
		v    any
		is   bool
	}{{&row.ID, s.ID, s.named() != nil}, {&row.Images, names, len(names) > 0}, {&row.Rejected, s.Rejected, s.Rejected != ""}, {&row.Label, s.verdict(), s.Verdict != NoVerdict}} {
		if !f.is {
			continue
		}
		raw, err := asJSON(f.v)
		if err != nil {
			return nil, err
		}
		*f.into = bytes.TrimSpace(raw)
	}
	row.Meta = s.Meta
	for i, text := range s.marked("") {
		raw, err := asJSON(text)
		if err != nil {
			return nil, err
		}
		t := &s.Turns[i]
		m := openaiMessage{Role: t.Role, Content: bytes.TrimSpace(raw)}
		if s.Document {
			m.Role = Assistant
		}
		if t.Mute {
			m.Loss = new(bool)
		}
		if t.Weight != 0 {
			m.Scale = &t.Weight
		}
		row.Messages = append(row.Messages, m)
	}
	var err error
	row.Objects, err = s.objects()
	return row, err
}

// objects are the labels and boxes of all turns: in pixels if all of them are, else in
// shares of the picture.
func (s *Sample) objects() (*swiftObjects, error) {
	out := &swiftObjects{BBoxType: "real"}
	var boxes []Box
	shared := false
	for _, t := range s.Turns {
		if t.Places == nil {
			continue
		}
		out.Ref = append(out.Ref, t.Places.Refs...)
		boxes = append(boxes, t.Places.Boxes...)
		for _, b := range t.Places.Boxes {
			shared = shared || b.Coords.Unit != Pixels
		}
	}
	if len(out.Ref)+len(boxes) == 0 {
		return nil, nil
	}
	c := Coords{}
	if shared {
		c.Unit, out.BBoxType = Norm01, "norm1"
	}
	for _, b := range boxes {
		b, err := s.boxIn(b, c)
		if err != nil {
			return nil, err
		}
		out.BBox = append(out.BBox, b.At)
		if len(s.Images) > 1 {
			out.ImageID = append(out.ImageID, b.Image)
		}
	}
	return out, nil
}

// writeQwenVL writes pictures, labels and boxes into the texts.
func writeQwenVL(w *Writer, s *Sample) (any, error) {
	names, err := w.names(s, false)
	if err != nil {
		return nil, err
	}
	row := llavaRow{ID: s.named()}
	if row.ID == nil {
		row.ID = fmt.Sprintf("identity_%d", w.n)
	}
	q := qwenWriter{s: s, names: names, lossy: w.opts.Lossy}
	for i, text := range s.marked("") {
		text, err := q.text(&s.Turns[i], text)
		if err != nil {
			return nil, fmt.Errorf("turn %d: %w", i+1, err)
		}
		row.Conversations = append(row.Conversations, spoken{s.Turns[i].Role, text})
	}
	return row, nil
}

// qwenWriter writes the texts of a sample one after the other.
type qwenWriter struct {
	s     *Sample
	names []string
	seen  int // pictures so far
	lossy bool
}

func (q *qwenWriter) text(t *Turn, text string) (string, error) {
	if qwenSign.MatchString(text) {
		return "", errors.New("the text has a sign of Qwen-VL's that is none")
	}
	marked := *t
	marked.Text = text
	if err := marked.untagged(); err != nil {
		return "", err
	}
	var out strings.Builder
	for _, p := range marked.phrases() {
		for i, piece := range strings.Split(p.text, Marker) {
			if i > 0 {
				q.seen++
				fmt.Fprintf(&out, "Picture %d: <img>%s</img>\n", q.seen, q.names[q.seen-1])
			}
			out.WriteString(piece)
		}
		if p.named {
			out.WriteString("<ref>" + p.label + "</ref>")
		}
		for _, b := range p.boxes {
			text, err := q.box(b)
			if err != nil {
				return "", err
			}
			out.WriteString(text)
		}
	}
	return out.String(), nil
}

// box writes (x1,y1),(x2,y2) on the grid of 999 parts.
func (q *qwenWriter) box(b Box) (string, error) {
	if b.Image != max(0, q.seen-1) {
		return "", fmt.Errorf("box %v is not in the picture that was shown last", b.At)
	}
	grid, err := q.s.boxIn(b, Coords{Unit: Norm999})
	if err != nil {
		return "", err
	}
	var points []string
	for i := 0; i+1 < len(grid.At); i += 2 {
		x, okX := onGrid(grid.At[i])
		y, okY := onGrid(grid.At[i+1])
		if !(okX && okY) && !q.lossy {
			return "", fmt.Errorf("box %v (%v) would be rounded to 999 parts of the picture; allow it by --lossy", b.At, b.Coords)
		}
		points = append(points, fmt.Sprintf("(%d,%d)", x, y))
	}
	sign := "box"
	if len(points) == 4 {
		sign = "quad"
	}
	return "<" + sign + ">" + strings.Join(points, ",") + "</" + sign + ">", nil
}

// onGrid is the whole number next to v, and whether v is one but for rounding.
func onGrid(v float64) (int, bool) {
	n := math.Round(v)
	return int(n), math.Abs(v-n) < 1e-6
}
