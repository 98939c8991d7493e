package verify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
)

// TestNewerLayout turns llava15 into what transformers 5 writes: other prefixes,
// rope_parameters, one processor_config.json and a template in a file of its
// own. The numbers must stay those of the original. The tower's names come in two
// kinds: 4.52 has vision_model in them, later versions may leave it out.
func TestNewerLayout(t *testing.T) {
	for name, prefix := range map[string]string{
		"with vision_model":    "model.vision_tower.vision_model.",
		"without vision_model": "model.vision_tower.",
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, "llava15")
			renameAll(t, dir, [][2]string{
				{`^language_model\.lm_head\.`, "lm_head."},
				{`^language_model\.model\.`, "model.language_model."},
				{`^vision_tower\.vision_model\.`, prefix},
				{`^multi_modal_projector\.`, "model.multi_modal_projector."},
			})
			newConfig(t, dir)
			newProcessor(t, dir)
			wantPass(t, run(t, dir, fixtures+"llava15", Float32()))
		})
	}
}

// TestNewerNamesOfTiles is the naming of transformers 4.52 for a model that sees tiles.
func TestNewerNamesOfTiles(t *testing.T) {
	dir := copied(t, "llava_onevision")
	renameAll(t, dir, [][2]string{
		{`^language_model\.lm_head\.`, "lm_head."},
		{`^language_model\.model\.`, "model.language_model."},
		{`^(vision_tower|multi_modal_projector|image_newline)`, "model.${1}"},
	})
	wantPass(t, run(t, dir, dir, Float32()))
}

// TestNewerQwen2VL is the naming of transformers 4.52, and its config with the language model's part apart.
func TestNewerQwen2VL(t *testing.T) {
	dir := copied(t, "qwen2_5_vl")
	renameAll(t, dir, [][2]string{{`^model\.`, "model.language_model."}, {`^visual\.`, "model.visual."}})
	config := readObject(t, dir, "config.json")
	text := map[string]any{}
	for key, value := range config {
		if key != "vision_config" && key != "architectures" && key != "image_token_id" {
			text[key] = value
			delete(config, key)
		}
	}
	config["text_config"] = text
	writeObject(t, dir, "config.json", config)
	wantPass(t, run(t, dir, dir, Float32()))
}

// TestLongQwenVL reads a prompt that is longer than seq_length, whose rotary base and queries grow: what Qwen-VL's own
// modeling_qwen.py (with torch 2.15, transformers 5.24) makes of testdata/qwen_vl with a seq_length of 100.
func TestLongQwenVL(t *testing.T) {
	dir := copied(t, "qwen_vl")
	replace("config.json", `"seq_length": 2048`, `"seq_length": 100`)(t, dir)
	r := run(t, dir, fixtures+"qwen_vl_long", Float32())
	wantPass(t, r)
	if r.StagesPassed != 5 {
		t.Errorf("%d stages passed", r.StagesPassed)
	}
}

// TestTowersWithoutPrefix is for towers as transformers 5 can write them, with
// their parameters at the root.
func TestTowersWithoutPrefix(t *testing.T) {
	dir := copied(t, "clip_vision")
	renameAll(t, dir, [][2]string{{`^vision_model\.`, ""}})
	wantPass(t, run(t, dir, dir, Float32()))
}

func renameAll(t *testing.T, dir string, rules [][2]string) {
	t.Helper()
	edit(checkpoint.FileName, func(p checkpoint.Param) checkpoint.Param {
		for _, r := range rules {
			p.Name = regexp.MustCompile(r[0]).ReplaceAllString(p.Name, r[1])
		}
		return p
	})(t, dir)
}

// newConfig renames the fields of config.json.
func newConfig(t *testing.T, dir string) {
	t.Helper()
	config := readObject(t, dir, "config.json")
	move := func(in map[string]any, from, to string) {
		in[to] = in[from]
		delete(in, from)
	}
	move(config, "image_token_index", "image_token_id")
	move(config, "torch_dtype", "dtype")
	text := config["text_config"].(map[string]any)
	text["rope_parameters"] = map[string]any{"rope_type": "default", "rope_theta": text["rope_theta"]}
	delete(text, "rope_theta")
	delete(text, "rope_scaling")
	writeObject(t, dir, "config.json", config)
}

// newProcessor joins the processor's files and takes the template out.
func newProcessor(t *testing.T, dir string) {
	t.Helper()
	processor := readObject(t, dir, "processor_config.json")
	processor["image_processor"] = readObject(t, dir, "preprocessor_config.json")
	writeObject(t, dir, "processor_config.json", processor)
	template := readObject(t, dir, "chat_template.json")["chat_template"].(string)
	write("chat_template.jinja", template)(t, dir)
	for _, old := range []string{"preprocessor_config.json", "chat_template.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model"} {
		if err := os.Remove(filepath.Join(dir, old)); err != nil {
			t.Fatal(err)
		}
	}
}

func readObject(t *testing.T, dir, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func writeObject(t *testing.T, dir, file string, v map[string]any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	write(file, string(data))(t, dir)
}
