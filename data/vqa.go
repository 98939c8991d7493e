package data

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// vqaQuestion and vqaAnswers are rows of VQAv2's files
// (https://visualqa.org/vqa_v2_teaser.html).
type vqaQuestion struct {
	ImageID  int64  `json:"image_id"`
	Question string `json:"question"`
	ID       int64  `json:"question_id"`
}

type vqaAnswers struct {
	Type    string `json:"answer_type"`
	Choice  string `json:"multiple_choice_answer"`
	Answers []struct {
		Answer string `json:"answer"`
	} `json:"answers"`
}

// openVQA reads questions, of which the annotations are in a file of their own.
func openVQA(o *opener) (source, error) {
	file, in, err := o.file()
	if err != nil {
		return nil, err
	}
	t := &table{o: o}
	t.files = append(t.files, file)
	subtype := ""
	err = arrays(in, map[string]visitor{"questions": t.each(func(at int64, raw []byte, row int) error {
		t.add(at, raw, row, 1)
		return nil
	})}, func(key string, raw []byte) {
		if key == "data_subtype" {
			subtype, _ = unquote(raw) // a name that is none is as good as none
		}
	})
	if err != nil {
		return t.ready(err)
	}
	answers, err := o.vqaAnswers(t)
	if err != nil {
		return t.ready(err)
	}
	folder := o.below(subtype)
	t.build = func(p place, s *Sample) error {
		raw, err := readAt(file, p.at, p.size)
		if err != nil {
			return err
		}
		var q vqaQuestion
		if err := decode(raw, &q); err != nil {
			return err
		}
		s.ID = fmt.Sprint(q.ID)
		var a vqaAnswers
		if err := answers.find(q.ID, "annotation of question", &a); err != nil {
			return err
		}
		return o.vqa(s, path.Join(folder, vqaPicture(subtype, q.ImageID)), &q, &a)
	}
	return t.ready(nil)
}

func (o *opener) vqa(s *Sample, name string, q *vqaQuestion, a *vqaAnswers) error {
	if q.Question == "" || a.Choice == "" {
		return errors.New("the question or its multiple_choice_answer is empty")
	}
	if err := s.see(o.store, []string{name}); err != nil {
		return err
	}
	s.ask(o.prompt(q.Question, q.Question), a.Choice)
	m := Meta{Type: a.Type, Lang: "en"}
	for _, one := range a.Answers {
		m.Answers = append(m.Answers, one.Answer)
	}
	s.Meta = []Meta{m}
	return nil
}

// vqaPicture is the name of a picture of COCO.
func vqaPicture(subtype string, id int64) string {
	if subtype == "" {
		return fmt.Sprintf("%012d.jpg", id)
	}
	if subtype == "test-dev2015" {
		subtype = "test2015"
	}
	return fmt.Sprintf("COCO_%s_%012d.jpg", subtype, id)
}

// vqaAnswers indexes the annotations.
func (o *opener) vqaAnswers(t *table) (*index, error) {
	name := o.Answers
	if name == "" {
		dir, base := filepath.Split(o.name)
		base = strings.Replace(base, "OpenEnded_", "", 1)
		base = strings.Replace(base, "MultipleChoice_", "", 1)
		name = dir + strings.Replace(base, "questions", "annotations", 1)
		if name == o.name {
			return nil, errors.New("the file of annotations is not known: name it by --answers")
		}
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("annotations: %w; name their file by --answers", err)
	}
	t.files = append(t.files, file)
	x := &index{file: file}
	if err := arrays(io.TeeReader(file, o.sum), map[string]visitor{"annotations": x.by("question_id")}, nil); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	x.sort()
	return x, nil
}
