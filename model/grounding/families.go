package grounding

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// QwenVL is <ref>label</ref><box>(x1,y1),(x2,y2)</box>, or <quad> with four points,
// each side counted 0 to 999: by 999, as Qwen-VL's evaluation divides.
func QwenVL() *Dialect {
	return tagged("Qwen-VL", parts(999), "<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>")
}

// Qwen2VL is the same with special tokens of other names, and sides of 1000.
func Qwen2VL() *Dialect {
	return tagged("Qwen2-VL", parts(1000), "<|object_ref_start|>", "<|object_ref_end|>",
		"<|box_start|>", "<|box_end|>", "<|quad_start|>", "<|quad_end|>")
}

// Qwen25VL is JSON, [{"bbox_2d": [x1, y1, x2, y2], "label": "..."}] or "point_2d", in
// pixels of the picture as it was resized for the encoder.
func Qwen25VL() *Dialect { return inJSON("Qwen2.5-VL", seen) }

// Qwen3VL is the same with sides of 1000.
func Qwen3VL() *Dialect { return inJSON("Qwen3-VL", parts(1000)) }

// LLaVA is [x1, y1, x2, y2], as shares of the side of the padded square.
func LLaVA() *Dialect {
	d := &Dialect{Name: "LLaVA", frame: square, parse: listed, write: func(m Mark) string { return "[" + strings.Join(m.decimals(2), ", ") + "]" }}
	d.phrase = d.plain
	return d
}

// SPHINX is <p>label</p>[x1,y1,x2,y2;x1,y1,x2,y2], or the brackets alone, in the same
// shares: what the demonstration of its authors reads (multi_turn_mm_box.py).
func SPHINX() *Dialect {
	find := regexp.MustCompile(`(?s)(?:<p>([^<]*)</p>\s*)?\[([0-9.,;\s-]*)\]`)
	return &Dialect{"SPHINX", square, func(text string) (out []Mark) {
		for _, g := range find.FindAllStringSubmatch(text, -1) {
			for _, one := range strings.Split(g[2], ";") {
				for _, m := range listed("[" + one + "]") {
					m.Label = strings.TrimSpace(g[1])
					out = append(out, m)
				}
			}
		}
		return out
	}, func(m Mark) string { return sphinx(m.Label, []Mark{m}) }, sphinx}
}

func sphinx(label string, marks []Mark) string {
	if len(marks) == 0 {
		return label
	}
	var all []string
	for _, m := range marks {
		all = append(all, strings.Join(m.decimals(3), ","))
	}
	if label != "" {
		label = "<p>" + label + "</p>"
	}
	return label + "[" + strings.Join(all, ";") + "]"
}

// InternVL is <ref>label</ref><box>[[x1, y1, x2, y2]]</box> with sides of 1000.
func InternVL() *Dialect {
	find := regexp.MustCompile(`(?s)<ref>(.*?)</ref>|<box>(.*?)</box>`)
	return &Dialect{"InternVL", parts(1000), func(text string) (out []Mark) {
		label := ""
		for _, g := range find.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(g[0], "<ref>") {
				label = strings.TrimSpace(g[1])
				continue
			}
			for _, m := range listed(g[2]) {
				m.Label = label
				out = append(out, m)
			}
		}
		return out
	}, func(m Mark) string { return "<ref>" + m.Label + "</ref>" + internVL("", []Mark{m}) }, internVL}
}

func internVL(label string, marks []Mark) string {
	if label != "" {
		label = "<ref>" + label + "</ref>"
	}
	if len(marks) == 0 {
		return label
	}
	var all []string
	for _, m := range marks {
		all = append(all, "["+strings.Join(whole(m), ", ")+"]")
	}
	return label + "<box>[" + strings.Join(all, ", ") + "]</box>"
}

// tagged marks labels and shapes by words, shapes with points in parentheses.
func tagged(name string, f frame, ref, endRef, box, endBox, quad, endQuad string) *Dialect {
	q := regexp.QuoteMeta
	find := regexp.MustCompile(fmt.Sprintf(`(?s)%s(.*?)%s|(?:%s|%s)(.*?)(?:%s|%s)`, q(ref), q(endRef), q(box), q(quad), q(endBox), q(endQuad)))
	phrase := func(label string, marks []Mark) string {
		var s strings.Builder
		if label != "" {
			s.WriteString(ref + label + endRef)
		}
		for _, m := range marks {
			open, end := box, endBox
			if len(m.Points) == 4 {
				open, end = quad, endQuad
			}
			s.WriteString(open + inPairs(m) + end)
		}
		return s.String()
	}
	return &Dialect{name, f, func(text string) (out []Mark) {
		label := ""
		for _, g := range find.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(g[0], ref) {
				label = strings.TrimSpace(g[1])
			} else if m := (Mark{Label: label, Points: points(g[2])}); len(m.Points) > 0 {
				out = append(out, m)
			}
		}
		return out
	}, func(m Mark) string { return phrase(m.Label, []Mark{m}) }, phrase}
}

// inPairs are the points as (x,y),(x,y).
func inPairs(m Mark) string {
	var at []string
	n := whole(m)
	for i := 0; i < len(n); i += 2 {
		at = append(at, "("+n[i]+","+n[i+1]+")")
	}
	return strings.Join(at, ",")
}

var inParentheses = regexp.MustCompile(`\(\s*(-?[0-9.]+)\s*,\s*(-?[0-9.]+)\s*\)`)

// points are those of a shape, nil unless they are 1, 2 or 4.
func points(text string) []Point {
	if strings.Trim(inParentheses.ReplaceAllString(text, ""), ", \n") != "" {
		return nil // something else, or one that breaks off
	}
	var out []Point
	for _, g := range inParentheses.FindAllStringSubmatch(text, -1) {
		x, errX := strconv.ParseFloat(g[1], 64)
		y, errY := strconv.ParseFloat(g[2], 64)
		if errX != nil || errY != nil {
			return nil
		}
		out = append(out, Point{x, y})
	}
	return shape(out)
}

func shape(p []Point) []Point {
	if n := len(p); n == 1 || n == 2 || n == 4 {
		return p
	}
	return nil
}

var inBrackets = regexp.MustCompile(`\[\s*(-?[0-9.]+(?:\s*,\s*-?[0-9.]+)+)\s*\]`)

// listed are lists of 4 numbers, which are boxes, or of 2 or 8.
func listed(text string) (out []Mark) {
	for _, g := range inBrackets.FindAllStringSubmatch(text, -1) {
		var n []float64
		for _, s := range strings.Split(g[1], ",") {
			v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
			if err != nil {
				break
			}
			n = append(n, v)
		}
		if m := ofNumbers("", n); m.Points != nil {
			out = append(out, m)
		}
	}
	return out
}

func ofNumbers(label string, n []float64) Mark {
	m := Mark{Label: label}
	for i := 0; i+1 < len(n); i += 2 {
		m.Points = append(m.Points, Point{n[i], n[i+1]})
	}
	if m.Points = shape(m.Points); len(n)%2 != 0 {
		m.Points = nil
	}
	return m
}

var objects = regexp.MustCompile(`\{[^{}]*\}`)

// inJSON is a list of objects. Each is read by itself, so that an answer that breaks
// off, or has text around it, loses nothing that is whole.
func inJSON(name string, f frame) *Dialect {
	return &Dialect{name, f, func(text string) (out []Mark) {
		for _, s := range objects.FindAllString(text, -1) {
			var o struct {
				Box   []float64 `json:"bbox_2d"`
				Point []float64 `json:"point_2d"`
				Quad  []float64 `json:"quad_2d"`
				Label string    `json:"label"`
				Text  string    `json:"text_content"`
			}
			if json.Unmarshal([]byte(s), &o) != nil {
				continue
			}
			if o.Label == "" {
				o.Label = o.Text
			}
			for i, n := range [][]float64{o.Point, o.Box, o.Quad} {
				if len(n) == 2<<i {
					out = append(out, ofNumbers(o.Label, n))
				}
			}
		}
		return out
	}, object, func(label string, marks []Mark) string {
		if len(marks) == 0 {
			return label
		}
		var all []string
		for _, m := range marks {
			m.Label = label
			all = append(all, object(m))
		}
		return "[" + strings.Join(all, ", ") + "]"
	}}
}

// object is a mark as JSON.
func object(m Mark) string {
	key := map[int]string{1: "point_2d", 2: "bbox_2d", 4: "quad_2d"}[len(m.Points)]
	label, _ := json.Marshal(m.Label) // a string always can be
	return fmt.Sprintf(`{"%s": [%s], "label": %s}`, key, strings.Join(whole(m), ", "), label)
}

// whole are the coordinates as whole numbers.
func whole(m Mark) (out []string) {
	for _, p := range m.Points {
		out = append(out, strconv.Itoa(int(math.Round(p.X))), strconv.Itoa(int(math.Round(p.Y))))
	}
	return out
}

// decimals are the coordinates with so many digits behind the point.
func (m Mark) decimals(digits int) (out []string) {
	for _, p := range m.Points {
		out = append(out, strconv.FormatFloat(p.X, 'f', digits, 64), strconv.FormatFloat(p.Y, 'f', digits, 64))
	}
	return out
}
