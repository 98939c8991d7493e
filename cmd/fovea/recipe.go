package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

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

// withData sets the path of every source that is read from files.
func withData(recipe []byte, path string) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(recipe))
	d.UseNumber()
	var all map[string]any
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	found := false
	for _, stage := range list(all["stages"]) {
		for _, source := range list(stage["data"]) {
			if source["format"] != "scenes" {
				source["path"], found = path, true
			}
		}
	}
	if !found {
		return nil, fmt.Errorf("the recipe reads no data from files, so --data means nothing")
	}
	return json.Marshal(all)
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
