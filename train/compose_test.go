package train

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/zoo"
)

// TestBeginWithParts makes a LLaVA of a CLIP and a language model: a config that says where
// the language model is, a tower that is loaded under another name, a new projector.
func TestBeginWithParts(t *testing.T) {
	clip, err := filepath.Abs("../testdata/clip")
	check(t, err)
	llama, err := filepath.Abs("../testdata/stories260k")
	check(t, err)
	var both struct {
		Vision map[string]any `json:"vision_config"`
	}
	check(t, json.Unmarshal([]byte(readText(t, clip, "config.json")), &both))
	both.Vision["model_type"] = "clip_vision_model"
	config, err := json.Marshal(map[string]any{
		"architectures": []string{"LlavaForConditionalGeneration"}, "image_token_index": 0, "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
		"vision_config": both.Vision, "text_config": map[string]string{"from": llama},
	})
	check(t, err)
	dir := t.TempDir()
	check(t, os.WriteFile(filepath.Join(dir, "config.json"), config, 0o666))
	check(t, os.WriteFile(filepath.Join(dir, "preprocessor_config.json"), []byte(readText(t, clip, "preprocessor_config.json")), 0o666))
	check(t, os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(readText(t, "../recipes/forgetting/model/chat_template.jinja")), 0o666))

	tower := Load{From: clip, Params: []string{"vision"}, Rename: [][2]string{{"vision_model.", "vision_tower.vision_model."}}}
	begin := func(r *Recipe) { r.Model, r.Stages = Start{From: dir, Load: []Load{tower}}, r.Stages[:1] }
	tr, _ := runAll(t, tiny(t, begin))
	got := weights(tr)
	for from, prefixes := range map[string][2]string{clip: {"vision_model.", "vision_tower.vision_model."}, llama: {"", "language_model."}} {
		m, err := zoo.OpenDir(from)
		check(t, err)
		for name, want := range netWeights(m.Net) {
			rest, ok := strings.CutPrefix(name, prefixes[0])
			if ok && !sameBits(got[prefixes[1]+rest], want) {
				t.Errorf("%s is not that of %s", prefixes[1]+rest, filepath.Base(from))
			}
		}
		check(t, m.Close())
	}
	openModel(t, tr.Recipe.Output, finalDir)
}
