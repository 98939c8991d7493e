package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// swiftObjects are the labels and boxes of ms-swift's format
// (https://swift.readthedocs.io/en/latest/Customization/Custom-dataset.html).
type swiftObjects struct {
	Ref      []string    `json:"ref,omitempty"`
	BBox     [][]float64 `json:"bbox,omitempty"`
	BBoxType string      `json:"bbox_type,omitempty"`
	ImageID  []int       `json:"image_id,omitempty"`
}

// openaiMessage is a message of OpenAI's format, with what ms-swift adds.
type openaiMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
	Loss    *bool           `json:"loss,omitempty"`
	Scale   *float64        `json:"loss_scale,omitempty"`
	Weight  *float64        `json:"weight,omitempty"` // OpenAI's, 0 or 1
	Calls   json.RawMessage `json:"tool_calls,omitempty"`
}

// openaiRow is a row of either format. ID and Meta are ours.
type openaiRow struct {
	ID       json.RawMessage `json:"id,omitempty"`
	Messages []openaiMessage `json:"messages"`
	Images   json.RawMessage `json:"images,omitempty"`
	Image    json.RawMessage `json:"image,omitempty"`
	Videos   json.RawMessage `json:"videos,omitempty"`
	Audios   json.RawMessage `json:"audios,omitempty"`
	Objects  *swiftObjects   `json:"objects,omitempty"`
	Rejected json.RawMessage `json:"rejected_response,omitempty"`
	Label    json.RawMessage `json:"label,omitempty"`
	Meta     []Meta          `json:"meta,omitempty"`
}

func isSwift(p *probe) bool {
	return p.has("messages") && p.any("images", "objects", "rejected_response", "label", "channel") && !p.within("messages", `"image_url"`) ||
		p.within("messages", `"loss"`) || p.within("messages", `"loss_scale"`)
}

// parseMessages reads a row of OpenAI's or ms-swift's format: they differ in where the
// pictures stand, and rows may do either.
func parseMessages(o *opener, raw []byte, s *Sample) error {
	var row openaiRow
	if err := decode(raw, &row); err != nil {
		return err
	}
	s.ID, s.Meta = readID(row.ID), row.Meta
	for _, media := range []json.RawMessage{row.Videos, row.Audios} {
		if names, err := readNames(media); err != nil || len(names) > 0 {
			return errors.New("videos and audios are not read")
		}
	}
	if row.Images == nil {
		row.Images = row.Image
	}
	beside, err := readNames(row.Images)
	if err != nil {
		return err
	}
	names := &pictureNames{beside: beside}
	var list []message
	for i, m := range row.Messages {
		one, err := m.read(names)
		if err != nil {
			return fmt.Errorf("turn %d: %w", i+1, err)
		}
		list = append(list, one)
	}
	if err := row.Objects.place(list); err != nil {
		return err
	}
	if err := row.preference(s); err != nil {
		return err
	}
	if len(list) == 1 && list[0].from == Assistant { // the way to write a text that is learned whole
		if err := s.see(o.store, names.all()); err != nil {
			return err
		}
		if err := s.document(list[0].text); err != nil {
			return err
		}
		t := &s.Turns[0]
		t.Places, t.Mute, t.Weight = list[0].places, list[0].mute, list[0].weight
		return nil
	}
	return o.converse(s, names.all(), list)
}

// preference reads a worse answer and a verdict.
func (r *openaiRow) preference(s *Sample) (err error) {
	if len(r.Rejected) > 0 && string(r.Rejected) != "null" {
		if s.Rejected, err = unquote(r.Rejected); err != nil || s.Rejected == "" {
			return errors.New("rejected_response is not a text")
		}
	}
	s.Verdict, err = verdictOf(r.Label)
	return err
}

// pictureNames collects those of a row in the order of their markers.
type pictureNames struct {
	beside, inside []string
}

func (n *pictureNames) all() []string { return append(n.inside, n.beside...) }

// read makes a text of the parts of a message, with markers for its pictures.
func (m *openaiMessage) read(names *pictureNames) (message, error) {
	out := message{from: m.Role}
	if len(m.Calls) > 0 && string(m.Calls) != "null" && string(m.Calls) != "[]" {
		return out, errors.New("calls of tools are not read")
	}
	err := m.learned(&out)
	if err != nil {
		return out, err
	}
	if out.text, err = unquote(m.Content); err == nil {
		return out, nil
	}
	var parts []messagePart
	if err := decode(m.Content, &parts); err != nil {
		return out, errors.New("content is neither a text nor a list of parts")
	}
	var text strings.Builder
	for _, p := range parts {
		if err := p.read(&text, names); err != nil {
			return out, err
		}
	}
	out.text = text.String()
	return out, nil
}

// learned reads whether a message is learned, and how much it counts: ms-swift's loss and
// loss_scale, and OpenAI's weight, which is of the assistant's messages alone: on others it
// means nothing (https://platform.openai.com/docs/guides/supervised-fine-tuning).
func (m *openaiMessage) learned(out *message) error {
	if m.Loss != nil {
		out.mute = !*m.Loss
	}
	if m.Scale != nil {
		if out.weight = *m.Scale; out.weight == 0 {
			out.mute = true
		}
		if out.weight < 0 || out.weight > math.MaxFloat32 {
			return fmt.Errorf("loss_scale %v is negative or too large", out.weight)
		}
	}
	if m.Weight == nil {
		return nil
	}
	if w := *m.Weight; w != 0 && w != 1 {
		return fmt.Errorf("weight %v, want 0 or 1; other weights of a loss are ms-swift's loss_scale", w)
	}
	if r, _ := role(m.Role); r == Assistant && *m.Weight == 0 {
		out.mute = true
	}
	return nil
}

// messagePart is a text or a picture of a message: OpenAI's image_url, Anthropic's image
// with a source, TRL's image that stands beside.
type messagePart struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	ImageURL json.RawMessage `json:"image_url"`
	Image    json.RawMessage `json:"image"`
	Source   *struct {
		Type  string `json:"type"`
		Media string `json:"media_type"`
		Data  string `json:"data"`
		URL   string `json:"url"`
	} `json:"source"`
}

func (p *messagePart) read(text *strings.Builder, names *pictureNames) error {
	switch p.Type {
	case "text":
		text.WriteString(p.Text)
		return nil
	case "image", "image_url":
		text.WriteString(Marker)
	default:
		return fmt.Errorf("a part of type %.80q, want text, image_url or image", p.Type)
	}
	raw := p.ImageURL
	switch {
	case p.Source != nil && p.Source.Data != "":
		names.inside = append(names.inside, "data:"+p.Source.Media+";base64,"+p.Source.Data)
		return nil
	case p.Source != nil:
		names.inside = append(names.inside, p.Source.URL)
		return nil
	case raw == nil:
		raw = p.Image
	}
	if len(raw) == 0 || string(raw) == "null" {
		if p.Type == "image_url" {
			return errors.New("a part image_url without one")
		}
		return nil // it stands beside
	}
	name, err := readName(raw)
	names.inside = append(names.inside, name)
	return err
}

// place hands the labels and boxes out to the tags of the messages, in order.
func (b *swiftObjects) place(list []message) error {
	if b == nil {
		b = &swiftObjects{}
	}
	boxes, err := b.boxes()
	if err != nil {
		return err
	}
	refs := b.Ref
	for i := range list {
		nr, nb := strings.Count(list[i].text, RefTag), strings.Count(list[i].text, BoxTag)
		if nr > len(refs) || nb > len(boxes) {
			return fmt.Errorf("objects: %d labels and %d boxes do not do for the tags of the text", len(b.Ref), len(b.BBox))
		}
		if nr+nb > 0 {
			list[i].places = &Places{Refs: refs[:nr:nr], Boxes: boxes[:nb:nb]}
		}
		refs, boxes = refs[nr:], boxes[nb:]
	}
	if len(refs) > 0 || len(boxes) > 0 {
		return fmt.Errorf("objects: %d labels and %d boxes have no tag in the text", len(refs), len(boxes))
	}
	return nil
}

func (b *swiftObjects) boxes() (out []Box, err error) {
	c := Coords{}
	switch b.BBoxType {
	case "", "real":
	case "norm1":
		c.Unit = Norm01
	default:
		return nil, fmt.Errorf("objects: bbox_type %.80q, want real or norm1", b.BBoxType)
	}
	if b.ImageID != nil && len(b.ImageID) != len(b.BBox) {
		return nil, fmt.Errorf("objects: %d image_id for %d boxes", len(b.ImageID), len(b.BBox))
	}
	for i, at := range b.BBox {
		box := Box{At: at, Coords: c}
		if b.ImageID != nil {
			box.Image = b.ImageID[i]
		}
		out = append(out, box)
	}
	return out, nil
}
