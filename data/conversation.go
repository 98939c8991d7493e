package data

import (
	"fmt"
	"strings"

	"github.com/fovea-ml/fovea/model"
)

// Conversation decodes the pictures of turns taken from the sample and puts
// them where they belong: at their markers, or at the first user turn. The one turn of
// a document has no role.
func (s *Sample) Conversation(turns []Turn) ([]model.Turn, error) {
	conv := make([]model.Turn, len(turns))
	marked, first := 0, -1
	for i, t := range turns {
		conv[i] = model.Turn{Role: t.Role, Text: t.Text, Mute: t.Mute, Weight: t.Weight}
		marked += strings.Count(t.Text, Marker)
		if first < 0 && (t.Role == User || s.Document) {
			first = i
		}
	}
	if len(s.Images) == 0 {
		return conv, nil
	}
	if marked != len(s.Images) && (first < 0 || marked != 0) {
		return nil, fmt.Errorf("data: sample %s: %d markers for %d pictures", s.ID, marked, len(s.Images))
	}
	next := 0
	for i := range conv {
		n := strings.Count(conv[i].Text, Marker)
		if marked == 0 && i == first {
			n = len(s.Images)
		}
		for range n {
			img, err := s.Images[next].Open()
			if err != nil {
				return nil, fmt.Errorf("data: sample %s: picture %d: %w", s.ID, next+1, err)
			}
			conv[i].Images = append(conv[i].Images, img)
			next++
		}
	}
	return conv, nil
}
