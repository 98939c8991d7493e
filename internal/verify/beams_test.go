package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// TestBeams compares the search by beams with that of transformers 5.24, which
// testdata/beams has: the answers of a Llama and of BLIP's decoder, for several ways
// to end and to score.
func TestBeams(t *testing.T) {
	data, err := os.ReadFile(fixtures + "beams/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Text, Image string
		Cases       []struct {
			Model         string
			EOS, IDs      []int32
			Beams, Max    int
			LengthPenalty float64 `json:"length_penalty"`
			Repetition    float64
			Early         string
		}
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	img, err := imageproc.OpenFile(fixtures+want.Image, imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pool := kernel.NewPool(2)
	defer pool.Close()
	sessions, models := map[string]*generate.Session{}, map[string]*zoo.Model{}
	early := map[string]generate.EarlyStop{"likely": generate.StopLikely, "found": generate.StopFound, "surely": generate.StopSurely}
	for i, c := range want.Cases {
		t.Run(fmt.Sprintf("%d %s", i, c.Model), func(t *testing.T) {
			if models[c.Model] == nil {
				m, err := zoo.OpenDir(fixtures + c.Model)
				if err != nil {
					t.Fatal(err)
				}
				vlm, _ := m.VLM()
				models[c.Model], sessions[c.Model] = m, generate.NewSession(vlm, 60, pool)
			}
			m, s := models[c.Model], sessions[c.Model]
			var images []*imageproc.RGB
			if m.Pictures != nil {
				images = append(images, img)
			}
			p, err := m.Processor.Process([]model.Turn{{Role: "user", Text: want.Text, Images: images}})
			if err != nil {
				t.Fatal(err)
			}
			s.Truncate(0) // sessions are used again: what an earlier search left does not matter
			a, err := generate.Start(s, m.Tokenizer, generate.Options{
				Sampling: generate.Sampling{RepetitionPenalty: c.Repetition}, EOS: c.EOS, MaxTokens: c.Max,
				Beams: generate.Beams{Width: c.Beams, LengthPenalty: c.LengthPenalty, Early: early[c.Early]},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, err := range a.Tokens(context.Background(), p) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if !slices.Equal(a.IDs, c.IDs) {
				t.Errorf("%v, want %v", a.IDs, c.IDs)
			}
			if ended := slices.Contains(c.EOS, c.IDs[len(c.IDs)-1]); ended != (a.Reason == generate.EndToken) {
				t.Errorf("ended by %s", a.Reason)
			}
			if got := s.IDs(); !slices.Equal(got, p.Reads()) {
				t.Errorf("the session holds %v, want the prompt %v", got, p.Reads())
			}
		})
	}
	for _, m := range models {
		m.Close()
	}
}
