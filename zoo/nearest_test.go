package zoo

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNearest gives every family's checkpoint a name that nobody knows: its tensors tell what it is.
func TestNearest(t *testing.T) {
	for _, f := range Families() {
		for _, fixture := range f.About.Fixtures {
			dir := filepath.Join("../testdata", fixture)
			config, err := os.ReadFile(filepath.Join(dir, "config.json"))
			if err != nil || !HasWeights(dir) || !bytes.Contains(config, []byte(f.Architecture)) { // SPHINX's, or one that others share
				continue
			}
			var c map[string]any
			if err := json.Unmarshal(config, &c); err != nil {
				t.Fatal(err)
			}
			c["architectures"], c["model_type"] = []string{"Giraffe"}, "giraffe"
			config, err = json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			got := nearest(os.DirFS(dir), config, "giraffe")
			want := "the nearest by its tensors is " + f.Architecture + ", "
			if !strings.Contains(got, want) && f.ModelType != "llava_onevision" { // whose names are LLaVA-NeXT's
				t.Errorf("%s: %q, want %q", fixture, got, want)
			}
		}
	}
}
