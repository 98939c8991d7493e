package main

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestData: --data moves what is learned from files, and what looks at the same files.
func TestData(t *testing.T) {
	for _, tc := range []struct{ name, recipe, want string }{
		{"learned", `{"stages":[{"data":[{"format":"llava","path":"a"},{"format":"scenes"}]},{"data":[{"format":"file","path":"b"}]}]}`, `["X","","X"]`},
		{"validation of the same", `{"stages":[{"data":[{"format":"easy-vqa","path":"d/a"}],"validate":{"data":[{"format":"easy-vqa","path":"./d/a/"},{"format":"scenes"}]}}]}`, `["X","X",""]`},
		{"of another stage's", `{"stages":[{"data":[{"format":"llava","path":"a"}]},{"data":[{"format":"scenes"}],"validate":{"data":[{"format":"llava","path":"a"}]}}]}`, `["X","","X"]`},
		{"held out", `{"stages":[{"data":[{"format":"easy-vqa","path":"d/a"}],"validate":{"data":[{"format":"easy-vqa","path":"d/b"}]}}]}`, `["X","d/b"]`},
		{"questions of the same", `{"stages":[{"data":[{"format":"llava","path":"a"}]}],"watch":{"format":"llava","path":"a"}}`, `["X","X"]`},
		{"questions held out", `{"stages":[{"data":[{"format":"llava","path":"a"}]}],"watch":{"format":"llava","path":"b"}}`, `["X","b"]`},
		{"no path yet", `{"stages":[{"data":[{"format":"llava"}],"validate":{"data":[{"format":"llava"},{"format":"scenes"}]}}]}`, `["X","X",""]`},
	} {
		text, err := withData([]byte(tc.recipe), "X")
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		learned, looking := sources(all)
		var paths []string
		for _, s := range append(learned, looking...) {
			path, _ := s["path"].(string)
			paths = append(paths, path)
		}
		got := must(t)(json.Marshal(paths))
		if string(got) != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	for _, recipe := range []string{`{"stages":[{"data":[{"format":"scenes"}],"validate":{"data":[{"format":"llava","path":"a"}]}}]}`, `{}`, `[]`} {
		if _, err := withData([]byte(recipe), "X"); err == nil || strings.HasPrefix(recipe, "{") && !strings.Contains(err.Error(), "learns no data from files") {
			t.Errorf("%s: error %v", recipe, err)
		}
	}
}
