package train

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/zoo"
)

// composed is the config of an ensemble whose parts are in other checkpoints.
const composed = `{
	"architectures": ["EnsembleForConditionalGeneration"],
	"vision": {"image_size": 56, "grid": 2, "join": "tokens", "encoders": [
		{"encoders": [{"from": "CLIP"}, {"from": "DINO", "name": "where"}, {"from": "CONVNEXT", "shown": [{"size": 64}]}]},
		{"from": "SIGLIP", "layer": -2}]},
	"adapter": {"type": "mlp2x_gelu"},
	"view_tokens": true,
	"text_config": {"from": "LLAMA", "max_position_embeddings": 2048}
}`

// TestTrainEnsemble begins with the towers of four checkpoints and a language model, of
// which only the adapters between them learn.
func TestTrainEnsemble(t *testing.T) {
	data, err := filepath.Abs("../testdata")
	check(t, err)
	dir := t.TempDir()
	config := composed
	for name, fixture := range map[string]string{
		"CLIP": "clip", "DINO": "dinov2", "CONVNEXT": "convnext", "SIGLIP": "siglip_vision", "LLAMA": "stories260k",
	} {
		config = strings.Replace(config, `"`+name+`"`, `"`+filepath.ToSlash(filepath.Join(data, fixture))+`"`, 1)
	}
	check(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o666))
	if _, err := zoo.OpenDir(dir); err == nil {
		t.Error("a model without adapters opens")
	}
	trainsAdapters(t, dir, "adapters.0.linear_1.weight", "adapters.1.linear_2.bias", "view_start", "view_end")
}

// TestTrainSPHINX: a checkpoint of SPHINX's authors becomes one of this repository's.
func TestTrainSPHINX(t *testing.T) {
	dir := t.TempDir()
	check(t, os.CopyFS(dir, os.DirFS("../testdata/sphinx_tiny")))
	trainsAdapters(t, dir, "adapters.0.weight", "adapters.0.norm.bias", "view_start")
}

func trainsAdapters(t *testing.T, dir string, learn ...string) {
	t.Helper()
	begin := func(r *Recipe) { r.Model, r.Stages = Start{From: dir}, r.Stages[:1] }
	r := tiny(t, begin)
	start := weights(newTrainer(t, tiny(t, begin)))
	tr, steps := runAll(t, r)
	for _, s := range steps {
		if !(s.Loss > 0) || math.IsInf(s.Loss, 1) {
			t.Errorf("loss %v in step %d", s.Loss, s.Step)
		}
	}
	after := weights(tr)
	for _, name := range learn {
		if sameBits(start[name], after[name]) {
			t.Errorf("%s is as it was", name)
		}
	}
	for w := range start {
		if tr.Model.Family.PartOf(w) != "adapter" && !sameBits(start[w], after[w]) {
			t.Errorf("%s has changed", w)
		}
	}
	check(t, os.RemoveAll(dir)) // the model that was learned is whole
	m := openModel(t, r.Output, finalDir)
	if m.Processor == nil || len(weights(tr)) != len(start) {
		t.Error("not the same model")
	}
	for _, name := range []string{"meta.json", "towers.json"} {
		if _, err := os.Stat(filepath.Join(r.Output, finalDir, name)); err == nil {
			t.Errorf("%s is in the final model", name)
		}
	}
}
