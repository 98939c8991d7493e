package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseConversation(t *testing.T) {
	got, err := parseConversation([]byte(`[{"role": "system", "content": "Be brief."},
		{"role": "user", "content": [{"type": "text", "text": "Is "}, {"type": "image", "image": "a.png"}, {"type": "text", "text": " like "},
			{"type": "image", "image": "b.png"}]},
		{"role": "assistant", "content": ""}, {"role": "user", "content": "Why?"}]`))
	if err != nil || len(got) != 4 || got[0].text != "Be brief." || got[2].text != "" || got[3].role != "user" {
		t.Fatal(got, err)
	}
	if m := got[1]; m.text != "Is <image> like <image>" || !slices.Equal(m.files, []string{"a.png", "b.png"}) {
		t.Errorf("%+v", m)
	}
}

func TestParseConversationErrors(t *testing.T) {
	for data, want := range map[string]string{
		``:                                    "want a list of messages",
		`{}`:                                  "want a list of messages",
		`[]`:                                  "the conversation is empty",
		`[{"role": "user"}]`:                  "message 1: content: want a text or a list of parts",
		`[{"role": "user", "content": null}]`: "message 1: the content is empty",
		`[{"role": "user", "content": []}]`:   "message 1: the content is empty",
		`[{"role": "user", "content": 3}]`:    "message 1: content: want a text or a list of parts",
		`[{"role": "human", "content": "a"}]`: `message 1: role "human", want system, user or assistant`,
		`[{"role": "user", "content": "a", "x": 1}]`:                                     `unknown field "x"`,
		`[{"role": "user", "content": "a"}] []`:                                          "something stands behind it",
		`[{"role": "user", "content": [{"a": "b"}]}]`:                                    `unknown field "a"`,
		`[{"role": "user", "content": [{"type": "video", "text": "b"}]}]`:                `part 1: want {"type": "text"`,
		`[{"role": "user", "content": [{"type": "image"}]}]`:                             `part 1: want {"type": "text"`,
		`[{"role": "user", "content": [{"type": "text", "text": "b", "image": "a.b"}]}]`: `part 1: want {"type": "text"`,
		`[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]`:         "message 2: a system prompt is the first message or none",
	} {
		if _, err := parseConversation([]byte(data)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", data, err, want)
		}
	}
}

func FuzzConversation(f *testing.F) {
	f.Add([]byte(`[{"role": "user", "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": "What?"}]}]`))
	f.Add([]byte(`[{"role": "system", "content": "a"}, {"role": "user", "content": null}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		turns, err := parseConversation(data)
		if err == nil && len(turns) == 0 {
			t.Error("no turn and no error")
		}
		for _, m := range turns {
			if strings.Count(m.text, "<image>") < len(m.files) {
				t.Errorf("%d pictures in %q", len(m.files), m.text)
			}
		}
	})
}

// TestLastAnswer: what was answered before has no part in the score of an answer.
func TestLastAnswer(t *testing.T) {
	for _, c := range [][2][]int32{
		{{-1, 3, 4, -1, -1, 5, 6, -1}, {-1, -1, -1, -1, -1, 5, 6, -1}},
		{{-1, 5}, {-1, 5}},
		{{7, 5}, {7, 5}},
		{{-1, -1}, {-1, -1}},
		{nil, nil},
	} {
		got := slices.Clone(c[0])
		if lastAnswer(got); !slices.Equal(got, c[1]) {
			t.Errorf("%v: %v, want %v", c[0], got, c[1])
		}
	}
}
