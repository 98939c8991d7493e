package data

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// refColumns are those of a line of OFA's files: a name, the picture's number, the text,
// the box, and the picture's file in base64
// (https://github.com/OFA-Sys/OFA/blob/main/datasets.md).
const refColumns = 5

// isRefTSV recognises a first line whose fourth column is a box.
func isRefTSV(p *probe) bool {
	columns := bytes.SplitN(p.head, []byte("\t"), refColumns)
	if len(columns) < refColumns || bytes.ContainsRune(bytes.Join(columns[:refColumns-1], nil), '\n') {
		return false
	}
	_, err := corners(string(columns[3]))
	return err == nil
}

// refLine reads a line of OFA's files.
func (o *opener) refLine(line string, s *Sample) error {
	if n := 1 + strings.Count(line, "\t"); n != refColumns {
		return fmt.Errorf("%d columns with tabs between, want %d: a name, the picture's number, a text, x0,y0,x1,y1 and the picture in base64", n, refColumns)
	}
	columns := strings.Split(line, "\t")
	s.ID = columns[0]
	at, err := corners(columns[3])
	if err != nil {
		return err
	}
	picture, err := o.store.encoded(standardBase64(columns[4]))
	if err != nil {
		return err
	}
	s.Images = []Picture{picture}
	return o.locate(s, columns[2], Box{At: at, Coords: o.coords})
}

// corners reads x0,y0,x1,y1.
func corners(text string) (at []float64, err error) {
	for _, n := range strings.SplitN(text, ",", 5) {
		v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
		if err != nil {
			return nil, fmt.Errorf("box %.80q: want four numbers, x0,y0,x1,y1", text)
		}
		at = append(at, v)
	}
	if len(at) != 4 {
		return nil, fmt.Errorf("box %.80q has %d numbers, want x0,y0,x1,y1", text, len(at))
	}
	return at, nil
}

// standardBase64 is base64 with + and /, which OFA reads for - and _ just as well.
func standardBase64(text string) string {
	if !strings.ContainsAny(text, "-_") {
		return text
	}
	return strings.NewReplacer("-", "+", "_", "/").Replace(text)
}
