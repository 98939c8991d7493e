package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

func isQwenVL(p *probe) bool {
	if !p.has("conversations") || p.any("image", "images") {
		return false
	}
	return p.within("conversations", "<img>") || p.within("conversations", "<box>") || p.within("conversations", `"user"`)
}

// parseQwenVL reads a row of Qwen-VL's format
// (https://github.com/QwenLM/Qwen-VL#data-preparation).
func parseQwenVL(o *opener, raw []byte, s *Sample) error {
	var row struct {
		ID            json.RawMessage `json:"id"`
		Conversations []spoken        `json:"conversations"`
	}
	if err := decode(raw, &row); err != nil {
		return err
	}
	s.ID = readID(row.ID)
	w := qwenWords{coords: o.coords}
	list := messagesOf(row.Conversations)
	for i := range list {
		if err := w.read(&list[i]); err != nil {
			return fmt.Errorf("turn %d: %w", i+1, err)
		}
	}
	return o.converse(s, w.images, list)
}

// qwenWords takes the signs of Qwen-VL out of texts.
type qwenWords struct {
	coords Coords
	images []string
}

// qwenSign is a picture, a label, a box or a quadrangle.
var qwenSign = regexp.MustCompile(`(?s)(?:Picture \d+: ?)?<img>(.*?)</img>\n?|<ref>(.*?)</ref>|<(box|quad)>(.*?)</(?:box|quad)>`)

func (w *qwenWords) read(m *message) error {
	var out strings.Builder
	places := &Places{}
	at := 0
	if strings.Contains(m.text, RefTag) || strings.Contains(m.text, BoxTag) || strings.Contains(m.text, Marker) {
		return errTags
	}
	for _, g := range qwenSign.FindAllStringSubmatchIndex(m.text, -1) {
		out.WriteString(m.text[at:g[0]])
		at = g[1]
		switch {
		case g[2] >= 0:
			w.images = append(w.images, m.text[g[2]:g[3]])
			out.WriteString(Marker)
		case g[4] >= 0:
			places.Refs = append(places.Refs, m.text[g[4]:g[5]])
			out.WriteString(RefTag)
		default:
			b, err := w.box(m.text[g[8]:g[9]])
			if err != nil {
				return err
			}
			places.Boxes = append(places.Boxes, b)
			out.WriteString(BoxTag)
		}
	}
	out.WriteString(m.text[at:])
	m.text = out.String()
	if places.Refs != nil || places.Boxes != nil {
		m.places = places
	}
	return nil
}

var pointPattern = regexp.MustCompile(`\(\s*(-?[0-9.]+)\s*,\s*(-?[0-9.]+)\s*\)`)

// box reads (x,y),(x,y), in the picture that was shown last.
func (w *qwenWords) box(text string) (Box, error) {
	b := Box{Coords: w.coords, Image: max(0, len(w.images)-1)}
	for _, p := range pointPattern.FindAllStringSubmatch(text, -1) {
		x, errX := strconv.ParseFloat(p[1], 64)
		y, errY := strconv.ParseFloat(p[2], 64)
		if err := errors.Join(errX, errY); err != nil {
			return b, err
		}
		b.At = append(b.At, x, y)
	}
	if len(b.At) == 0 {
		return b, fmt.Errorf("box %.80q holds no points, want (x1,y1),(x2,y2)", text)
	}
	return b, nil
}
