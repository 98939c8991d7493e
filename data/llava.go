package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// conversationFormats have a row for each conversation.
func conversationFormats() []format {
	return []format{
		{"qwen-vl", "Qwen-VL's JSON: <img>path</img>, <ref>label</ref><box>(x1,y1),(x2,y2)</box>", isQwenVL, openRows(parseQwenVL)},
		{"sharegpt", "ShareGPT: conversations or chosen and rejected answers, with system and images beside", isShareGPT, openRows(parseShareGPT)},
		{"llava", "LLaVA's JSON or JSON lines: conversations of human and gpt, with image", func(p *probe) bool { return p.has("conversations") }, openRows(parseLLaVA)},
		{"swift", "ms-swift's JSON lines: messages, with images, objects and rejected_response", isSwift, openRows(parseMessages)},
		{"openai", "OpenAI's messages, whose content is a text or a list of parts", func(p *probe) bool { return p.has("messages") }, openRows(parseMessages)},
		{"refs", "rows of Qwen-VL's RefCOCO files: image, sent and bbox in pixels", func(p *probe) bool { return p.has("image", "sent", "bbox") }, openRows(parseRefs)},
	}
}

// spoken is a message as LLaVA and ShareGPT have it.
type spoken struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

func messagesOf(list []spoken) (out []message) {
	for _, m := range list {
		out = append(out, message{from: m.From, text: m.Value})
	}
	return out
}

// parseLLaVA reads a row of LLaVA's format
// (https://github.com/haotian-liu/LLaVA/blob/main/docs/Finetune_Custom_Data.md):
//
//	{"id": "7", "image": "a/b.jpg", "conversations": [
//		{"from": "human", "value": "<image>\nWhat is this?"},
//		{"from": "gpt", "value": "A fovea."}]}
//
// "image" may be absent, a path or a list of paths below the folder of pictures.
func parseLLaVA(o *opener, raw []byte, s *Sample) error {
	var row struct {
		ID            json.RawMessage `json:"id"`
		Image         json.RawMessage `json:"image"`
		Conversations []spoken        `json:"conversations"`
	}
	if err := decode(raw, &row); err != nil {
		return err
	}
	s.ID = readID(row.ID)
	names, err := readNames(row.Image)
	if err != nil {
		return err
	}
	return o.converse(s, names, messagesOf(row.Conversations))
}

// converse fills a sample with pictures and the turns of a conversation.
func (o *opener) converse(s *Sample, names []string, list []message) error {
	if err := s.see(o.store, names); err != nil {
		return err
	}
	if err := s.talk(list); err != nil {
		return err
	}
	if o.Mentions != nil {
		s.mention(*o.Mentions)
	}
	return s.placeMarkers()
}

// mentioned is a box in plain text, as LLaVA and its kin write it.
var mentioned = regexp.MustCompile(`\[\s*(-?[0-9.]+)\s*,\s*(-?[0-9.]+)\s*,\s*(-?[0-9.]+)\s*,\s*(-?[0-9.]+)\s*\]`)

// mention makes boxes of what is written in brackets, in samples of one picture.
func (s *Sample) mention(c Coords) {
	if len(s.Images) != 1 {
		return
	}
	for i := range s.Turns {
		t := &s.Turns[i]
		if t.Places != nil || strings.Contains(t.Text, RefTag) || strings.Contains(t.Text, BoxTag) {
			continue
		}
		var places Places
		text := mentioned.ReplaceAllStringFunc(t.Text, func(m string) string {
			b := Box{Coords: c}
			for _, n := range mentioned.FindStringSubmatch(m)[1:] {
				v, err := strconv.ParseFloat(n, 64)
				if err != nil {
					return m
				}
				b.At = append(b.At, v)
			}
			if b.check(1) != nil {
				return m
			}
			places.Boxes = append(places.Boxes, b)
			return BoxTag
		})
		if places.Boxes != nil {
			t.Text, t.Places = text, &places
		}
	}
}

// parseRefs reads a row {"image", "sent", "bbox": [x1, y1, x2, y2]}
// (https://github.com/QwenLM/Qwen-VL/tree/master/eval_mm).
func parseRefs(o *opener, raw []byte, s *Sample) error {
	var row struct {
		ID    json.RawMessage `json:"id"`
		Image json.RawMessage `json:"image"`
		Sent  string          `json:"sent"`
		BBox  []float64       `json:"bbox"`
	}
	if err := decode(raw, &row); err != nil {
		return err
	}
	s.ID = readID(row.ID)
	names, err := readNames(row.Image)
	if err != nil {
		return err
	}
	if len(names) != 1 || row.Sent == "" || len(row.BBox) != 4 {
		return fmt.Errorf("want an image, a sent and a bbox of 4 numbers")
	}
	if err := s.see(o.store, names); err != nil {
		return err
	}
	return o.locate(s, row.Sent, Box{At: row.BBox, Coords: o.coords})
}

// locate makes the sample a question where something is that goes by a name, and its box
// the answer.
func (o *opener) locate(s *Sample, name string, at Box) error {
	if name = strings.TrimSpace(name); name == "" {
		return errors.New("the text that names something is empty")
	}
	s.ask(o.prompt("Where is {}?", RefTag), BoxTag)
	s.Turns[0].Places = &Places{Refs: []string{name}}
	if !strings.Contains(s.Turns[0].Text, RefTag) {
		s.Turns[0].Places = nil
	}
	s.Turns[1].Places = &Places{Boxes: []Box{at}}
	return nil
}
