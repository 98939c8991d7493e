package data

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
)

// EasyVQA is the layout of easy-VQA (github.com/vzhou842/easy-VQA): a folder with
// questions.json, rows of [question, answer, image number], and images/NUMBER.png.
// answers.txt, in the folder or above it, lists the answers, one a line.
type EasyVQA struct {
	dir     string
	samples [][]easyQuestion
	options imageproc.Options
	sum     []byte // of questions.json
}

// easyQuestion is one row of questions.json.
type easyQuestion struct {
	text, answer string
	image        int
}

// OpenEasyVQA reads the questions of a folder and checks each row. Grouped by image,
// samples stand in the order in which their images first occur.
func OpenEasyVQA(dir string, group Group, opts imageproc.Options) (*EasyVQA, error) {
	d := &EasyVQA{dir: dir, options: opts}
	answers, err := readAnswers(dir)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	name := filepath.Join(dir, "questions.json")
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	defer f.Close()
	places := map[int]int{} // of images among the samples
	sum := sha256.New()
	s, err := newScanner(io.TeeReader(f, sum))
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	row := 0
	err = s.rows(func(_ int64, raw []byte, err error) error {
		row++
		var q easyQuestion
		if err == nil {
			q, err = parseEasy(raw, answers)
		}
		if err != nil {
			return fmt.Errorf("sample %d: %w", row, err)
		}
		at, seen := places[q.image]
		if group == ByImage && seen {
			d.samples[at] = append(d.samples[at], q)
			return nil
		}
		places[q.image] = len(d.samples)
		d.samples = append(d.samples, []easyQuestion{q})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("data: %s: %w", name, err)
	}
	d.sum = sum.Sum(nil)
	return d, nil
}

// readAnswers returns the possible answers, or none where no list is.
func readAnswers(dir string) (map[string]bool, error) {
	for _, folder := range []string{dir, filepath.Join(dir, "..")} {
		text, err := os.ReadFile(filepath.Join(folder, "answers.txt"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		answers := map[string]bool{}
		for line := range strings.FieldsFuncSeq(string(text), func(r rune) bool { return r == '\n' || r == '\r' }) {
			answers[strings.TrimSpace(line)] = true
		}
		return answers, nil
	}
	return nil, nil
}

func parseEasy(raw []byte, answers map[string]bool) (easyQuestion, error) {
	var q easyQuestion
	var fields []json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return q, err
	}
	if len(fields) != 3 {
		return q, fmt.Errorf("row of %d fields, want [question, answer, image]", len(fields))
	}
	for i, to := range []any{&q.text, &q.answer, &q.image} {
		if err := json.Unmarshal(fields[i], to); err != nil {
			return q, err
		}
	}
	if q.text == "" || q.answer == "" || q.image < 0 {
		return q, fmt.Errorf("row %.80s: empty or negative field", raw)
	}
	if answers != nil && !answers[q.answer] {
		return q, fmt.Errorf("answer %.80q is not in answers.txt", q.answer)
	}
	return q, nil
}

// Fingerprint is made of the questions; the pictures are no part of it.
func (d *EasyVQA) Fingerprint() string {
	return fmt.Sprintf("easy-vqa %d %x", len(d.samples), d.sum[:8])
}

// Len returns the number of samples.
func (d *EasyVQA) Len() int { return len(d.samples) }

// At returns sample i. Its error is always nil; a missing picture is the picture's error.
func (d *EasyVQA) At(i int) (*Sample, error) {
	mustHave("EasyVQA", i, len(d.samples))
	questions := d.samples[i]
	number := strconv.Itoa(questions[0].image)
	name := filepath.Join(d.dir, "images", number+".png")
	s := &Sample{ID: fmt.Sprintf("%s-%d", number, i), Images: []Picture{Drawn(func() (*imageproc.RGB, error) {
		img, err := imageproc.OpenFile(name, d.options)
		if err != nil {
			return nil, fmt.Errorf("data: %w", err)
		}
		return img, nil
	})}}
	for _, q := range questions {
		s.round(q.text, q.answer, easyType(q.answer), "en")
	}
	return s, nil
}

// easyType names the kind of a question by its answer.
func easyType(answer string) string {
	switch answer {
	case "yes", "no":
		return "yes/no"
	case "circle", "rectangle", "triangle":
		return "shape"
	default:
		return "colour"
	}
}
