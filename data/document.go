package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// documentFormats have texts that are learned whole, and what holds anything.
func documentFormats() []format {
	return []format{
		{"mmc4", "MMC4's shards: text_list and image_info, JSON lines or a ZIP archive of them", func(p *probe) bool { return p.has("text_list", "image_info") }, openRows(parseMMC4)},
		{"obelics", "OBELICS's Parquet files: images and texts that alternate", func(p *probe) bool { return p.has("images", "texts") }, openRows(parseOBELICS)},
		{"webdataset", "WebDataset's tar shards: pictures with .txt, .caption or .json beside", func(p *probe) bool { return p.ext == ".tar" }, openTar},
		{"text", "documents: a line each, or rows of text with images at <image>", isText, openText},
	}
}

// parseMMC4 reads a document of MMC4 (https://github.com/allenai/mmc4): pictures stand
// before the sentences that they match, and the sentences are joined by spaces.
func parseMMC4(o *opener, raw []byte, s *Sample) error {
	var row struct {
		TextList  []string `json:"text_list"`
		URL       string   `json:"url"`
		ImageInfo []struct {
			Name  string `json:"image_name"`
			URL   string `json:"raw_url"`
			Index int    `json:"matched_text_index"`
		} `json:"image_info"`
	}
	if err := decode(raw, &row); err != nil {
		return err
	}
	s.ID = row.URL
	before := make([][]Picture, len(row.TextList))
	for i, img := range row.ImageInfo {
		if img.Index < 0 || img.Index >= len(row.TextList) {
			return fmt.Errorf("image %d belongs to text %d of %d", i+1, img.Index, len(row.TextList))
		}
		before[img.Index] = append(before[img.Index], o.store.remote(img.URL, img.Name))
	}
	var text strings.Builder
	for i, one := range row.TextList {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(strings.Repeat(Marker, len(before[i])) + one)
		s.Images = append(s.Images, before[i]...)
	}
	return s.document(text.String())
}

// parseOBELICS reads a document of OBELICS
// (https://huggingface.co/datasets/HuggingFaceM4/OBELICS): lists of texts and of the
// addresses of pictures, of which one has something at each place.
func parseOBELICS(o *opener, raw []byte, s *Sample) error {
	var row struct {
		Images []*string       `json:"images"`
		Texts  []*string       `json:"texts"`
		Meta   json.RawMessage `json:"general_metadata"`
	}
	if err := decode(raw, &row); err != nil {
		return err
	}
	if len(row.Images) != len(row.Texts) {
		return fmt.Errorf("%d images beside %d texts", len(row.Images), len(row.Texts))
	}
	var text strings.Builder
	for i := range row.Texts {
		img, words := row.Images[i], row.Texts[i]
		switch {
		case (img == nil) == (words == nil):
			return fmt.Errorf("place %d: want either an image or a text", i+1)
		case img != nil:
			s.Images = append(s.Images, o.store.remote(*img, ""))
			text.WriteString(Marker)
			continue
		case i > 0 && row.Texts[i-1] != nil:
			text.WriteString("\n\n")
		}
		text.WriteString(*words)
	}
	return s.document(text.String())
}

// isText is what has a name of plain text, or rows with nothing but a text.
func isText(p *probe) bool {
	if slices.Contains([]string{".txt", ".text", ".md"}, p.ext) {
		return true
	}
	return p.has("text") && !p.any("question_id", "question", "label", "conversations", "messages")
}

// openText reads documents.
func openText(o *opener) (source, error) {
	switch filepath.Ext(strings.TrimSuffix(strings.ToLower(o.name), ".gz")) {
	case ".json", ".jsonl", ".parquet", ".zip":
		return openRows(parseText)(o)
	}
	return o.lines(func(line string, s *Sample) error { return s.document(line) })
}

// parseText reads a row {"text", "images"}, whose pictures stand at the markers.
func parseText(o *opener, raw []byte, s *Sample) error {
	var row struct {
		ID     json.RawMessage `json:"id"`
		Text   *string         `json:"text"`
		Images json.RawMessage `json:"images"`
	}
	if err := decode(raw, &row); err != nil {
		return err
	}
	if row.Text == nil {
		return errors.New("no text")
	}
	s.ID = readID(row.ID)
	names, err := readNames(row.Images)
	if err != nil {
		return err
	}
	if err := s.see(o.store, names); err != nil {
		return err
	}
	return s.document(*row.Text)
}
