package verify

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sphinxDir is a fixture of SPHINX. Three of them have the same weights: those of
// sphinx_1k, in two shards; which of the models it is says meta.json. What
// sphinx_tiny_1k expects was made with torch 2.15 and functions for the towers that
// give sphinx_tiny's values, on the views that the authors' llama_ens5_light.py makes.
func sphinxDir(t *testing.T, name string) string {
	t.Helper()
	weights := "sphinx_1k"
	if strings.HasPrefix(name, "sphinx_tiny") {
		weights = "sphinx_tiny"
	}
	dir := copied(t, weights)
	for _, file := range []string{"meta.json", "expected.json", "expected.safetensors"} {
		data, err := os.ReadFile(fixtures + name + "/" + file)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, file), data, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSPHINX(t *testing.T) {
	for name, want := range map[string]struct {
		cases, stages int
		halved        bool
	}{
		"sphinx": {4, 16, false}, "sphinx_1k": {4, 11, true}, "sphinx_2k": {2, 6, true}, "sphinx_tiny": {4, 11, true}, "sphinx_tiny_1k": {3, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := sphinxDir(t, name)
			r := run(t, dir, dir, Float32())
			wantPass(t, r)
			if r.CasesPassed != want.cases || r.StagesPassed != want.stages || len(r.Unknown) > 0 {
				t.Errorf("%d cases and %d stages passed, want %d and %d; unknown %v", r.CasesPassed, r.StagesPassed, want.cases, want.stages, r.Unknown)
			}
			if r.Tolerance.Halved != want.halved || strings.Contains(r.Tolerance.String(), "16 bits") != want.halved {
				t.Errorf("tolerance %v", r.Tolerance)
			}
		})
	}
}

// TestSPHINXFails: a tolerance for 16 bits is still one.
func TestSPHINXFails(t *testing.T) {
	for name, damage := range map[string]func(*testing.T, string){
		"heads":     replace("towers.json", `"num_heads": 3`, `"num_heads": 1`),
		"layers":    replace("config.json", `"norm_eps": 1e-05`, `"norm_eps": 1.0`),
		"attention": replace("towers.json", `"head_width": 32`, `"head_width": 32, "batch_first": false`),
		"one view":  replace("meta.json", "llama_ens5", "llama_ens"),
	} {
		t.Run(name, func(t *testing.T) {
			dir := sphinxDir(t, "sphinx_1k")
			damage(t, dir)
			if r := run(t, dir, dir, Float32()); r.Err() == nil {
				t.Error("a wrong model passes")
			}
		})
	}
}
