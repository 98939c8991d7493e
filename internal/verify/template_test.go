package verify

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// TestTemplates: a question about a picture becomes the prompt that the reference's processor makes of it, with the template
// of each language model that LLaVA-NeXT is published with.
func TestTemplates(t *testing.T) {
	for _, name := range []string{"llava_next_mistral", "llava_next_llama3", "llava_next_qwen"} {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(fixtures + name + "/expected.json")
			if err != nil {
				t.Fatal(err)
			}
			var want struct {
				Cases []struct {
					Images []string
					IDs    []int32 `json:"input_ids"`
				}
			}
			if err := json.Unmarshal(data, &want); err != nil {
				t.Fatal(err)
			}
			m, err := zoo.OpenDir(fixtures + name)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			img, err := imageproc.OpenFile(fixtures+name+"/"+want.Cases[0].Images[0], imageproc.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p, err := m.Processor.Process([]model.Turn{{Role: "user", Text: "What is shown in this image?", Images: []*imageproc.RGB{img}}})
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Reads(); !slices.Equal(got, want.Cases[0].IDs) {
				t.Errorf("%v, want %v", got, want.Cases[0].IDs)
			}
		})
	}
}
