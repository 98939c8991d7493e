package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// conversation is a sample of LLaVA's format, checked.
type conversation struct {
	id     string
	images []string // local paths
	turns  []Turn
}

// message is one entry of "conversations".
type message struct {
	From  string `json:"from"`
	Value string `json:"value"`
}

// parseConversation checks and reads one JSON object; number stands for an absent id.
func parseConversation(raw []byte, number int) (*conversation, error) {
	var object struct {
		ID            json.RawMessage `json:"id"`
		Image         json.RawMessage `json:"image"`
		Conversations []message       `json:"conversations"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	c := &conversation{id: readID(object.ID, number)}
	err := c.fill(object.Image, object.Conversations)
	if err != nil {
		return nil, fmt.Errorf("%.80q: %w", c.id, err)
	}
	return c, nil
}

func (c *conversation) fill(image json.RawMessage, messages []message) (err error) {
	if c.images, err = readPaths(image); err != nil {
		return err
	}
	if c.turns, err = readTurns(messages); err != nil {
		return err
	}
	return placeMarkers(c.turns, len(c.images))
}

// readID returns an id that is a string or a number.
func readID(raw json.RawMessage, number int) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" {
		return s
	}
	if text := string(raw); text != "" && text != "null" && text != `""` {
		return text
	}
	return "#" + strconv.Itoa(number+1)
}

// readPaths returns the pictures' paths: none, one or a list of them.
func readPaths(raw json.RawMessage) ([]string, error) {
	var paths []string
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if raw[0] == '"' {
		paths = make([]string, 1)
		if err := json.Unmarshal(raw, &paths[0]); err != nil {
			return nil, err
		}
	} else if err := json.Unmarshal(raw, &paths); err != nil {
		return nil, errors.New("image is neither a path nor a list of paths")
	}
	for i, p := range paths {
		local := filepath.FromSlash(p)
		if !filepath.IsLocal(local) {
			return nil, fmt.Errorf("image %.80q lies outside the folder of pictures", p)
		}
		paths[i] = local
	}
	return paths, nil
}

// speakers are the names that the format and its descendants give to the roles.
var speakers = map[string]string{
	"human": User, "user": User, "gpt": Assistant, "assistant": Assistant, "system": System,
}

// readTurns checks that a user begins and an assistant ends, in turns. As in LLaVA, an
// assistant that speaks first is dropped.
func readTurns(messages []message) ([]Turn, error) {
	turns := make([]Turn, 0, len(messages))
	want := User
	for i, m := range messages {
		role, ok := speakers[m.From]
		switch {
		case !ok:
			return nil, fmt.Errorf("turn %d: from %.80q, want human or gpt", i+1, m.From)
		case role == System && i == 0:
		case role == Assistant && want == User && (len(turns) == 0 || turns[len(turns)-1].Role == System):
			continue
		case role != want:
			return nil, fmt.Errorf("turn %d: from %.80q out of turn", i+1, m.From)
		case role == User:
			want = Assistant
		default:
			want = User
		}
		turns = append(turns, Turn{Role: role, Text: m.Value})
	}
	if len(turns) == 0 || turns[len(turns)-1].Role != Assistant {
		return nil, errors.New("conversation does not end with an answer")
	}
	return turns, nil
}

// placeMarkers checks that there is a marker for each picture, in questions only. The
// markers in front of the first question are taken out; one that is alone counts as in
// front wherever it stands in that question, as LLaVA moves it there.
func placeMarkers(turns []Turn, images int) error {
	total := 0
	for i, t := range turns {
		n := strings.Count(t.Text, Marker)
		if n > 0 && t.Role != User {
			return fmt.Errorf("turn %d: %s in a turn of the %s", i+1, Marker, t.Role)
		}
		total += n
	}
	if total != images {
		return fmt.Errorf("%d %s markers for %d images", total, Marker, images)
	}
	first := &turns[0]
	if first.Role == System {
		first = &turns[1]
	}
	if images == 1 && strings.Contains(first.Text, Marker) {
		first.Text = strings.TrimSpace(strings.Replace(first.Text, Marker, "", 1))
		return nil
	}
	if rest, n := trimMarkers(first.Text); n == images {
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
