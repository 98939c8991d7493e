package data

import "testing"

// TestOpenAIWeight: an answer of weight 0 is read and not learned, on the way through
// OpenAI's format too; the weight of other messages says nothing.
func TestOpenAIWeight(t *testing.T) {
	d := opened(t, "testdata/openai.jsonl", Options{Images: "testdata/images"})
	s, err := d.At(3)
	if err != nil {
		t.Fatal(err)
	}
	conv, err := s.Conversation(s.Turns)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, true, false, false} {
		if s.Turns[i].Mute != want || conv[i].Mute != want || s.Turns[i].Weight != 0 {
			t.Errorf("turn %d: muted %v, to be learned from %v, weight %v", i+1, s.Turns[i].Mute, conv[i].Mute, s.Turns[i].Weight)
		}
	}
	want := "\nuser: Say no.\nassistant: No. (true, 0)\nuser: Say yes.\nassistant: Yes."
	if got := converted(t, d, "openai", Options{Images: "testdata/images"})[3]; got != want {
		t.Errorf("by way of openai: %s, want %s", got, want)
	}
}
