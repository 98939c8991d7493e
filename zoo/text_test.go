package zoo

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/generate"
)

// languageOf makes a directory of a fixture's language model alone.
func languageOf(t *testing.T, fixture, architecture string) string {
	t.Helper()
	dir := copied(t, fixture)
	editWeights(t, dir, func(p checkpoint.Param) []checkpoint.Param {
		name, ok := strings.CutPrefix(p.Name, "language_model.")
		if !ok {
			return nil
		}
		return []checkpoint.Param{{Name: name, T: p.T}}
	})
	file := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Text map[string]any `json:"text_config"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	config.Text["architectures"] = []string{architecture}
	if data, err = json.Marshal(config.Text); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestLanguageModelsOfBLIP2 compares the first greedy tokens behind a question with
// those of OPTForCausalLM and T5ForConditionalGeneration of transformers 5.24 with
// the same files.
func TestLanguageModelsOfBLIP2(t *testing.T) {
	for _, c := range []struct {
		fixture, architecture string
		want                  []int32
	}{
		{"blip2_opt", "OPTForCausalLM", []int32{529, 529, 529, 529, 529, 529, 529, 529}},
		{"blip2_t5", "T5ForConditionalGeneration", []int32{360, 182, 349, 349, 349, 349, 349, 349}},
	} {
		m, err := OpenDir(languageOf(t, c.fixture, c.architecture))
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		p, err := m.Processor.ProcessText("what colour is the sky?", nil)
		if err != nil {
			t.Fatal(err)
		}
		vlm, _ := m.VLM()
		a, err := generate.Start(generate.NewSession(vlm, 0, nil), m.Tokenizer, generate.Options{MaxTokens: 8})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range a.Tokens(context.Background(), p) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(a.IDs, c.want) {
			t.Errorf("%s: %v, want %v", c.architecture, a.IDs, c.want)
		}
	}
}
