package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// captionFormats are about pictures that stand in tables of their own, or by addresses.
func captionFormats() []format {
	return []format{
		{"karpathy", "Karpathy's dataset_coco.json: pictures with sentences and a split", func(p *probe) bool { return p.within("images", `"sentences"`) }, openKarpathy},
		{"coco", "COCO's captions: images and annotations", func(p *probe) bool { return p.within("images", `"file_name"`) }, openCOCO},
		{"vqav2", "VQAv2's questions, with the annotations beside or in --answers", func(p *probe) bool { return p.within("questions", `"question_id"`) }, openVQA},
		{"refcoco", "RefCOCO, RefCOCO+ and RefCOCOg: refs(...).p with instances.json beside", isRefCOCO, openRefCOCO},
		{"refcoco-hf", "lmms-eval's rows of RefCOCO, in Parquet or JSON lines: question_id, image, answer and bbox", func(p *probe) bool { return p.has("question_id", "image", "answer", "bbox") }, openParts(rowFormat{objectParts, parseObject})},
		{"refcoco-tsv", "OFA's tables of RefCOCO: name, picture's number, text, x0,y0,x1,y1 and the picture in base64, tabs between", isRefTSV, func(o *opener) (source, error) { return o.lines(o.refLine) }},
		{"captions", "LAVIS's rows of image and caption", func(p *probe) bool { return p.has("image", "caption") }, openRows(parseCaption)},
		{"grit", "GRIT's rows, in Parquet or JSON lines: url, caption, ref_exps, noun_chunks", func(p *probe) bool { return p.has("caption") && p.any("ref_exps", "noun_chunks") }, openRows(parseGRIT)},
	}
}

// describe is what is asked where a format has only captions.
const describe = "Describe the picture."

// cocoImage is a picture in COCO's files.
type cocoImage struct {
	ID       int64  `json:"id"`
	FileName string `json:"file_name"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
}

type cocoCaption struct {
	ID      int64  `json:"id"`
	ImageID int64  `json:"image_id"`
	Caption string `json:"caption"`
}

// openCOCO reads captions (https://cocodataset.org/#format-data): a sample for each.
func openCOCO(o *opener) (source, error) {
	file, in, err := o.file()
	if err != nil {
		return nil, err
	}
	images := &index{file: file}
	t := &table{o: o}
	t.files = append(t.files, file)
	err = arrays(in, map[string]visitor{
		"images": images.by("id"),
		"annotations": t.each(func(at int64, raw []byte, row int) error {
			t.add(at, raw, row, 1)
			return nil
		}),
	}, nil)
	images.sort()
	t.build = func(p place, s *Sample) error {
		raw, err := readAt(file, p.at, p.size)
		if err != nil {
			return err
		}
		var a cocoCaption
		if err := decode(raw, &a); err != nil {
			return err
		}
		s.ID = fmt.Sprint(a.ID)
		var img cocoImage
		if err := images.find(a.ImageID, "image", &img); err != nil {
			return err
		}
		return o.caption(s, []string{img.FileName}, a.Caption)
	}
	return t.ready(err)
}

// caption makes a sample of a picture and what it shows.
func (o *opener) caption(s *Sample, names []string, text string) error {
	if len(names) != 1 {
		return fmt.Errorf("a caption of %d pictures", len(names))
	}
	if strings.TrimSpace(text) == "" {
		return errors.New("caption is empty")
	}
	if err := s.see(o.store, names); err != nil {
		return err
	}
	s.ask(o.prompt(describe, ""), text)
	return nil
}

// karpathyImage is a picture of Karpathy's split of COCO
// (https://cs.stanford.edu/people/karpathy/deepimagesent).
type karpathyImage struct {
	FilePath  string `json:"filepath"`
	FileName  string `json:"filename"`
	Split     string `json:"split"`
	Sentences []struct {
		Raw    string      `json:"raw"`
		SentID json.Number `json:"sentid"`
	} `json:"sentences"`
}

func openKarpathy(o *opener) (source, error) {
	file, in, err := o.file()
	if err != nil {
		return nil, err
	}
	t := &table{o: o}
	t.files = append(t.files, file)
	err = arrays(in, map[string]visitor{"images": t.each(func(at int64, raw []byte, row int) error {
		var img karpathyImage
		if err := decode(raw, &img); err != nil {
			return err
		}
		switch {
		case o.Split != "" && img.Split != o.Split:
		case len(img.Sentences) == 0:
			return errors.New("no sentences")
		default:
			t.add(at, raw, row, len(img.Sentences))
		}
		return nil
	})}, nil)
	t.build = func(p place, s *Sample) error {
		raw, err := readAt(file, p.at, p.size)
		if err != nil {
			return err
		}
		var img karpathyImage
		if err := decode(raw, &img); err != nil {
			return err
		}
		sentence := img.Sentences[p.part]
		s.ID = sentence.SentID.String()
		return o.caption(s, []string{path.Join(img.FilePath, img.FileName)}, sentence.Raw)
	}
	return t.ready(err)
}

// parseCaption reads a row {"image", "caption"}; of several captions the first.
func parseCaption(o *opener, raw []byte, s *Sample) error {
	var row struct {
		ID      json.RawMessage `json:"id"`
		ImageID json.RawMessage `json:"image_id"`
		Image   json.RawMessage `json:"image"`
		Caption json.RawMessage `json:"caption"`
	}
	if err := decode(raw, &row); err != nil {
		return err
	}
	if s.ID = readID(row.ID); s.ID == "" {
		s.ID = readID(row.ImageID)
	}
	names, err := readNames(row.Image)
	if err != nil {
		return err
	}
	text, err := unquote(row.Caption)
	if err != nil {
		return errors.New("caption is not a text")
	}
	return o.caption(s, names, text)
}

// below is the folder of a split below the one of the pictures, if there is one: train2014/.
func (o *opener) below(split string) string {
	if o.Images == "" || split == "" {
		return ""
	}
	if info, err := os.Stat(filepath.Join(o.Images, filepath.Base(split))); err != nil || !info.IsDir() {
		return ""
	}
	return filepath.Base(split)
}
