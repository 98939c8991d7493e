package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fovea-ml/fovea/train"
)

// readRecipe reads a recipe; data, if given, is where its files lie. The path is
// put in before the recipe is checked, which looks whether the data is there.
func readRecipe(name, data string) (*train.Recipe, error) {
	if data == "" {
		return train.ReadRecipe(name)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if text, err = withData(text, data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r, err := train.ParseRecipe(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// withData sets the path of every source that is learned from files, and of those that
// look at the run, by validation or questions, where they name the path of one that is
// learned. What is held out lies elsewhere and stays there.
func withData(recipe []byte, data string) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(recipe))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	learned, looking := sources(all)
	moved := map[string]bool{}
	for _, source := range learned {
		if path, _ := source["path"].(string); source["format"] != "scenes" {
			moved[filepath.Clean(path)] = true
			source["path"] = data
		}
	}
	if len(moved) == 0 {
		return nil, fmt.Errorf("the recipe learns no data from files, so --data means nothing")
	}
	for _, source := range looking {
		if path, _ := source["path"].(string); source["format"] != "scenes" && moved[filepath.Clean(path)] {
			source["path"] = data
		}
	}
	return json.Marshal(all)
}

// sources are those of a recipe that its stages learn, and the others.
func sources(recipe map[string]any) (learned, looking []map[string]any) {
	looking = list([]any{recipe["watch"]})
	for _, stage := range list(recipe["stages"]) {
		learned = append(learned, list(stage["data"])...)
		if v, ok := stage["validate"].(map[string]any); ok {
			looking = append(looking, list(v["data"])...)
		}
	}
	return learned, looking
}

// list returns the objects of a JSON array.
func list(v any) []map[string]any {
	var out []map[string]any
	items, _ := v.([]any)
	for _, item := range items {
		if object, ok := item.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}
