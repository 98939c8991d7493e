package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// message is one of a conversation's: its content is a text or a list of parts.
type message struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// messagePart is a piece of text, or a picture or video where it stands among them.
type messagePart struct {
	Type  string `json:"type"` // "text", "image" or "video"
	Text  string `json:"text"`
	Image string `json:"image"` // a file
	Video string `json:"video"` // a folder or a file
}

// written is a turn whose pictures and videos have not been opened.
type written struct {
	role, text    string
	files, videos []string
}

// opener opens the pictures and the videos of a turn.
type opener struct {
	pictures func(files ...string) ([]*imageproc.RGB, error)
	videos   func(paths ...string) ([]*imageproc.Video, error)
}

// readConversation reads the messages of a JSON file, in which names are relative
// to its folder.
func readConversation(file string, open opener) ([]model.Turn, error) {
	data, err := readLimited(file, maxQuestion)
	if err != nil {
		return nil, err
	}
	messages, err := parseConversation(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	turns := make([]model.Turn, len(messages))
	for i, m := range messages {
		turns[i] = model.Turn{Role: m.role, Text: m.text}
		if turns[i].Images, err = open.pictures(beside(file, m.files)...); err == nil {
			turns[i].Videos, err = open.videos(beside(file, m.videos)...)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: message %d: %w", file, i+1, err)
		}
	}
	return turns, nil
}

// beside are names as they are seen from the folder of a file.
func beside(file string, names []string) (out []string) {
	for _, name := range names {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(file), name)
		}
		out = append(out, name)
	}
	return out
}

func readLimited(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("%s: more than %d bytes", file, most)
	}
	return data, err
}

// parseConversation reads a list of messages.
func parseConversation(data []byte) ([]written, error) {
	var messages []message
	if err := strictly(data, &messages); err != nil {
		return nil, fmt.Errorf("want a list of messages with a role and a content: %w", err)
	}
	if len(messages) == 0 {
		return nil, errors.New("the conversation is empty")
	}
	out := make([]written, len(messages))
	for i, m := range messages {
		var err error
		if out[i], err = m.turn(); err == nil && m.Role == "system" && i > 0 {
			err = errors.New("a system prompt is the first message or none")
		}
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", i+1, err)
		}
	}
	return out, nil
}

// strictly decodes JSON and refuses fields that it would ignore.
func strictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something stands behind it")
	}
	return nil
}

func (m message) turn() (written, error) {
	out := written{role: m.Role}
	if m.Role != "system" && m.Role != "user" && m.Role != "assistant" {
		return out, fmt.Errorf("role %q, want system, user or assistant", m.Role)
	}
	if json.Unmarshal(m.Content, &out.text) == nil && !bytes.Equal(m.Content, []byte("null")) {
		return out, nil
	}
	var parts []messagePart
	if err := strictly(m.Content, &parts); err != nil {
		return out, fmt.Errorf("content: want a text or a list of parts: %w", err)
	}
	if len(parts) == 0 {
		return out, errors.New("the content is empty")
	}
	return out, out.join(parts)
}

// join makes one text of parts, with a marker where a picture or video stands.
func (w *written) join(parts []messagePart) error {
	var b strings.Builder
	for i, p := range parts {
		switch p {
		case messagePart{Type: "text", Text: p.Text}:
			b.WriteString(p.Text)
		case messagePart{Type: "image", Image: cmp.Or(p.Image, "?")}:
			w.files = append(w.files, p.Image)
			b.WriteString("<image>")
		case messagePart{Type: "video", Video: cmp.Or(p.Video, "?")}:
			w.videos = append(w.videos, p.Video)
			b.WriteString("<video>")
		default:
			return fmt.Errorf(`part %d: want {"type": "text", "text": TEXT}, {"type": "image", "image": FILE} or {"type": "video", "video": PATH}`, i+1)
		}
	}
	w.text = b.String()
	return nil
}
