package data

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// FuzzConversation checks that a conversation is refused or keeps its promises, and
// that random access finds the bytes that were checked.
func FuzzConversation(f *testing.F) {
	f.Add([]byte("[" + talkOf(`"id": 3, "image": ["a.png", "b/c.png"],`, "<image><image>which?") + "]"))
	f.Add([]byte(talkOf(`"image": "a.png",`, "x <image>") + "\n" + talkOf("", "why?")))
	f.Add([]byte("\ufeff[ ]"))
	f.Add([]byte(`[{"id": "a", "conversations": [{"from": "gpt", "value": ""}]}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		n := 0
		_ = scanRows(bytes.NewReader(text), func(at int64, raw json.RawMessage) error {
			if !bytes.Equal(text[at:at+int64(len(raw))], raw) {
				t.Fatalf("sample %q is not at byte %d", raw, at)
			}
			n++
			c, err := parseConversation(raw, n)
			if err == nil {
				checkConversation(t, c)
			}
			return nil
		})
	})
}

func checkConversation(t *testing.T, c *conversation) {
	t.Helper()
	turns := c.turns
	if turns[0].Role == System {
		turns = turns[1:]
	}
	markers := 0
	for i, turn := range turns {
		if turn.Role != [2]string{User, Assistant}[i%2] {
			t.Fatalf("turn %d of %q", i, turns)
		}
		markers += strings.Count(turn.Text, Marker)
	}
	if len(turns)%2 != 0 || len(turns) == 0 || c.id == "" {
		t.Fatalf("conversation %+v", c)
	}
	if markers != 0 && markers != len(c.images) {
		t.Fatalf("%d markers for %q", markers, c.images)
	}
}

func FuzzEasyVQA(f *testing.F) {
	f.Add([]byte(easyRows))
	f.Add([]byte(`[["q", "a", -1]]`))
	f.Add([]byte(`[[null, "a", 1]]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_ = scanRows(bytes.NewReader(text), func(_ int64, raw json.RawMessage) error {
			q, err := parseEasy(raw, nil)
			if err == nil && (q.text == "" || q.answer == "" || q.image < 0) {
				t.Fatalf("row %s is accepted", raw)
			}
			return nil
		})
	})
}
