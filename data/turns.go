package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// message is one entry of a conversation as a format has it.
type message struct {
	from, text string
	mute       bool
	weight     float64
	places     *Places
}

// role is what the format and its kin call who speaks.
func role(from string) (string, bool) {
	switch from {
	case "human", "user", "USER", "Human":
		return User, true
	case "gpt", "assistant", "model", "bot", "chatgpt", "ASSISTANT":
		return Assistant, true
	case "system":
		return System, true
	}
	return "", false
}

// talk checks that a user begins and an assistant ends, in turns. As in LLaVA, an
// assistant that speaks first is dropped.
func (s *Sample) talk(messages []message) error {
	want := User
	for i, m := range messages {
		r, ok := role(m.from)
		n := len(s.Turns)
		switch {
		case m.from == "function_call" || m.from == "observation" || m.from == "tool" || m.from == "tool_call" || m.from == "tool_response":
			return fmt.Errorf("turn %d: from %q: calls of tools are not read", i+1, m.from)
		case !ok:
			return fmt.Errorf("turn %d: from %.80q, want human or gpt, or user or assistant", i+1, m.from)
		case r == System && i == 0:
		case r == Assistant && want == User && (n == 0 || s.Turns[n-1].Role == System):
			continue
		case r != want:
			return fmt.Errorf("turn %d: from %.80q out of turn", i+1, m.from)
		case r == User:
			want = Assistant
		default:
			want = User
		}
		s.Turns = append(s.Turns, Turn{Role: r, Text: m.text, Mute: m.mute, Weight: m.weight, Places: m.places})
	}
	if n := len(s.Turns); n == 0 || s.Turns[n-1].Role != Assistant {
		return errors.New("conversation does not end with an answer")
	}
	return nil
}

// document makes the sample a text that is learned whole.
func (s *Sample) document(text string) error {
	s.Document = true
	s.Turns = []Turn{{Text: text}}
	if n := strings.Count(text, Marker); n != len(s.Images) {
		return fmt.Errorf("%d %s markers for %d images", n, Marker, len(s.Images))
	}
	if strings.TrimSpace(text) == "" {
		return errors.New("document is empty")
	}
	return nil
}

// ask makes the sample a question with an answer; its pictures stand before it.
func (s *Sample) ask(question, answer string) {
	s.Turns = []Turn{{Role: User, Text: question}, {Role: Assistant, Text: answer}}
}

// placeMarkers checks that there is a marker for each picture, in questions only. The
// markers in front of the first question are taken out; one that is alone counts as in
// front wherever it stands in that question, as LLaVA moves it there.
func (s *Sample) placeMarkers() error {
	total := 0
	for i, t := range s.Turns {
		n := strings.Count(t.Text, Marker)
		if n > 0 && t.Role != User {
			return fmt.Errorf("turn %d: %s in a turn of the %s", i+1, Marker, t.Role)
		}
		total += n
	}
	if total != len(s.Images) {
		return fmt.Errorf("%d %s markers for %d images", total, Marker, len(s.Images))
	}
	first := &s.Turns[0]
	if first.Role == System {
		first = &s.Turns[1]
	}
	if total == 1 && strings.Contains(first.Text, Marker) {
		first.Text = strings.TrimSpace(strings.Replace(first.Text, Marker, "", 1))
		return nil
	}
	if rest, n := trimMarkers(first.Text); n == total {
		first.Text = rest
	}
	return nil
}

// trimMarkers removes the markers in front of a text and tells how many they were.
func trimMarkers(text string) (rest string, n int) {
	for {
		after, found := strings.CutPrefix(strings.TrimLeft(text, " \t\r\n"), Marker)
		if !found {
			if n > 0 {
				text = strings.TrimSpace(text)
			}
			return text, n
		}
		text, n = after, n+1
	}
}

// unquote reads a JSON string.
func unquote(raw []byte) (s string, err error) {
	err = json.Unmarshal(raw, &s)
	return s, err
}

// readID returns an id that is a string or a number, "" if there is none.
func readID(raw json.RawMessage) string {
	if s, err := unquote(raw); err == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return ""
	}
	return n.String()
}

// numbered is the name of a sample without one.
func numbered(row int) string { return "#" + strconv.Itoa(row) }

// readNames returns the names of pictures: none, one or a list of them. Objects with
// "path", "url" or "bytes" count as well.
func readNames(raw json.RawMessage) ([]string, error) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, nil
	case raw[0] == '[':
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
		var out []string
		for _, one := range list {
			name, err := readName(one)
			if err != nil {
				return nil, err
			}
			out = append(out, name)
		}
		return out, nil
	}
	name, err := readName(raw)
	return []string{name}, err
}

func readName(raw json.RawMessage) (string, error) {
	if s, err := unquote(raw); err == nil {
		return s, nil
	}
	var o struct{ Path, URL, Bytes string }
	if err := json.Unmarshal(raw, &o); err != nil || raw[0] != '{' {
		return "", fmt.Errorf("image is neither a path nor a list of paths: %.80s", raw)
	}
	switch {
	case o.Bytes != "":
		return "data:;base64," + o.Bytes, nil
	case o.Path != "":
		return o.Path, nil
	}
	return o.URL, nil
}

// see adds pictures by their names.
func (s *Sample) see(in *store, names []string) error {
	if in.inside {
		if n := len(names); n > 0 && n != len(in.pictures) {
			return fmt.Errorf("%d images are named, and %d are in the archive", n, len(in.pictures))
		}
		s.Images = in.pictures
		return nil
	}
	for _, name := range names {
		p, err := in.find(name)
		if err != nil {
			return err
		}
		s.Images = append(s.Images, p)
	}
	return nil
}
