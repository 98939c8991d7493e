package zoo

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/lora"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/tokenizer"
)

// Beside is what a checkpoint does not hold itself.
type Beside struct {
	Tower    string // directory of the CLIP that its picture encoder is; "": looked for beside it
	Language string // directory of the language model that a projector or LoRA weights go with
}

// originals are the architectures of LLaVA's own repository, with the model_type of
// the language model and the conversation form that its authors use.
var originals = map[string]struct{ text, form string }{
	"LlavaLlamaForCausalLM":   {"llama", vicunaForm},
	"LlavaMistralForCausalLM": {"mistral", mistralForm},
	"LlavaQwenForCausalLM":    {"qwen2", chatMLForm},
}

// Conversation forms, as templates for text: a picture is its marker on a line of its own.
const (
	vicunaForm = "{{ 'A chat between a curious user and an artificial intelligence assistant. " +
		"The assistant gives helpful, detailed, and polite answers to the user\\'s questions. ' }}" +
		"{% for m in messages %}{% if m['role'] == 'user' %}{{ 'USER: ' ~ m['content'] ~ ' ' }}" +
		"{% elif m['role'] == 'assistant' %}{{ 'ASSISTANT: ' ~ m['content'] ~ eos_token }}{% endif %}{% endfor %}" +
		"{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
	mistralForm = "{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' ~ m['content'] ~ ' [/INST]' }}" +
		"{% elif m['role'] == 'assistant' %}{{ ' ' ~ m['content'] ~ eos_token }}{% endif %}{% endfor %}"
	chatMLForm = "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}" +
		"{% for m in messages %}{{ '<|im_start|>' ~ m['role'] ~ '\n' ~ m['content'] ~ '<|im_end|>\n' }}{% endfor %}" +
		"{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

// originalConfig is what the repository's config.json says beside the language model's fields.
type originalConfig struct {
	Architectures []string `json:"architectures"`
	Tower         string   `json:"mm_vision_tower"`
	Projector     string   `json:"mm_projector_type"`
	Layer         *int     `json:"mm_vision_select_layer"`
	Feature       string   `json:"mm_vision_select_feature"`
	Aspect        string   `json:"image_aspect_ratio"`
	Merge         string   `json:"mm_patch_merge_type"`
	Pinpoints     [][]int  `json:"image_grid_pinpoints"`
	VocabSize     int      `json:"vocab_size"`
}

// IsOriginalLLaVA reports whether a directory holds LLaVA as its authors keep it: a
// language model whose config.json names a picture tower.
func IsOriginalLLaVA(dir string) bool {
	var cfg originalConfig
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	return err == nil && json.Unmarshal(data, &cfg) == nil && cfg.Tower != "" && cfg.architecture() != ""
}

func (c *originalConfig) architecture() string {
	for _, a := range c.Architectures {
		if _, ok := originals[a]; ok {
			return a
		}
	}
	return ""
}

// OpenOriginalLLaVA opens LLaVA as its authors keep it. The picture tower is CLIP's,
// in the checkpoint or, more often, in a directory of its own. A directory with
// mm_projector.bin alone goes with the language model that it was trained for.
func OpenOriginalLLaVA(dir string, o Beside) (*Model, error) {
	m := &Model{Name: dir, files: os.DirFS(dir)}
	if err := m.openOriginal(dir, o); err != nil {
		m.Close() // the reason is err
		return nil, fmt.Errorf("zoo: %s: %w", dir, err)
	}
	return m, nil
}

func (m *Model) openOriginal(dir string, o Beside) error {
	data, err := fs.ReadFile(m.files, "config.json")
	if err != nil {
		return err
	}
	var cfg originalConfig
	if err := json.Unmarshal(data, &cfg); err != nil {
		return fmt.Errorf("config.json: %w", err)
	}
	tower := cfg.towerDir(dir, o.Tower)
	config, err := cfg.hub(data, tower)
	if err != nil {
		return err
	}
	if err := m.configured(config); err != nil {
		return err
	}
	if m.Net, err = m.Family.New(m.Config); err != nil {
		return fmt.Errorf("config.json: %w", err)
	}
	text := m.files
	if o.Language != "" {
		text = os.DirFS(o.Language)
	}
	if err := m.bindOriginal(dir, text, tower, o); err != nil {
		return err
	}
	return m.processOriginal(&cfg, text, tower)
}

// towerDir finds the directory of the picture tower: the one that is named, or one of
// the tower's name, beside the checkpoint or where config.json says. "": there is none.
func (c *originalConfig) towerDir(dir, named string) string {
	if named != "" {
		return named
	}
	for _, at := range []string{c.Tower, filepath.Join(filepath.Dir(dir), filepath.Base(c.Tower)), filepath.Join(dir, filepath.Base(c.Tower))} {
		if _, err := os.Stat(filepath.Join(at, "config.json")); err == nil {
			return at
		}
	}
	return ""
}

// hub is the config.json of the same model in Hugging Face's layout.
func (c *originalConfig) hub(data []byte, tower string) (map[string]any, error) {
	if tower == "" {
		return nil, fmt.Errorf("the picture tower %s is not in the checkpoint: put its directory beside it, as %s, or name it (--vision-tower)",
			c.Tower, filepath.Base(c.Tower))
	}
	var vision map[string]any
	if err := readJSON(tower, "config.json", &vision); err != nil {
		return nil, fmt.Errorf("the picture tower: %w", err)
	}
	if part, ok := vision["vision_config"].(map[string]any); ok { // of a whole CLIP
		vision = part
	}
	vision["model_type"] = "clip_vision_model"
	var text map[string]any
	if err := json.Unmarshal(data, &text); err != nil {
		return nil, err
	}
	maps.DeleteFunc(text, func(key string, _ any) bool { return strings.HasPrefix(key, "mm_") || strings.HasPrefix(key, "image_") })
	text["model_type"] = originals[c.architecture()].text
	delete(text, "architectures")
	layer := -2
	if c.Layer != nil {
		layer = *c.Layer
	}
	config := map[string]any{
		"architectures": []string{"LlavaForConditionalGeneration"}, "model_type": "llava",
		"image_token_index": c.VocabSize, "mm_projector_type": cmp.Or(c.Projector, "linear"), "projector_hidden_act": "gelu",
		"vision_feature_layer": layer, "vision_feature_select_strategy": "default", "vision_config": vision, "text_config": text,
	}
	if c.Feature == "cls_patch" {
		config["vision_feature_select_strategy"] = "full"
	}
	switch {
	case c.Aspect == "anyres" && c.Merge == "spatial_unpad":
		config["architectures"], config["model_type"] = []string{"LlavaNextForConditionalGeneration"}, "llava_next"
		config["image_grid_pinpoints"] = c.Pinpoints
	case c.Aspect == "anyres":
		return nil, fmt.Errorf("image_aspect_ratio anyres with mm_patch_merge_type %q, and only spatial_unpad is known", c.Merge)
	}
	return config, nil
}

// originalNames turn the repository's names into ours.
var originalNames = []checkpoint.Rename{
	{From: `^(base_model\.)?model\.model\.`, To: "model."}, // of what was trained beside LoRA weights
	{From: `^model\.mm_projector\.0\.`, To: "multi_modal_projector.linear_1."},
	{From: `^model\.mm_projector\.2\.`, To: "multi_modal_projector.linear_2."},
	{From: `^model\.mm_projector\.(weight|bias)$`, To: "multi_modal_projector.${1}"},
	{From: `^model\.vision_tower\.vision_tower\.`, To: "vision_tower."},
	{From: `^model\.image_newline$`, To: "image_newline"},
	{From: `^(model|lm_head)\.`, To: "language_model.${1}."},
}

// bindOriginal binds the parts from where they are.
func (m *Model) bindOriginal(dir string, text fs.FS, tower string, o Beside) (err error) {
	adapted := lora.Exists(dir)
	switch {
	case o.Language == "" && adapted:
		return errors.New("LoRA weights alone: name the directory of the language model that they were trained on (--language-model)")
	case o.Language == "":
		m.ckpt, err = checkpoint.Open(text, ".")
	case adapted:
		m.ckpt, err = openFile(filepath.Join(dir, "non_lora_trainables.bin"))
	default:
		m.ckpt, err = openFile(filepath.Join(dir, "mm_projector.bin"))
	}
	if err != nil {
		return err
	}
	vision, language := "vision_tower.", "language_model."
	inside := slices.ContainsFunc(m.ckpt.Names(), func(name string) bool { return strings.HasPrefix(name, "model.vision_tower.") })
	mine := func(prefixes ...string) []checkpoint.Param {
		return slices.DeleteFunc(m.params(), func(p checkpoint.Param) bool {
			return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(p.Name, prefix) })
		})
	}
	var elsewhere []string
	if !inside {
		elsewhere = append(elsewhere, vision)
		if err := m.bindOther(os.DirFS(tower), tower, vision, []checkpoint.Rename{
			{From: `^(embeddings|encoder|pre_layrnorm|post_layernorm)\.`, To: "vision_model.${1}."}, {From: "vision_model.", To: vision + "vision_model."},
		}, []string{"text_model.*", "*_projection.weight", "logit_scale"}); err != nil {
			return err
		}
	}
	if o.Language != "" {
		elsewhere = append(elsewhere, language)
		if err := m.bindOther(text, o.Language, language, []checkpoint.Rename{{From: "^", To: language}}, nil); err != nil {
			return err
		}
	}
	params := mine(elsewhere...)
	if err := checkpoint.Bind(m.ckpt, params, originalNames, m.bindOptions(params)); err != nil || !adapted {
		return err
	}
	return m.mergePart(dir, language)
}

// bindOther binds the parameters of a prefix from a directory of their own.
func (m *Model) bindOther(fsys fs.FS, dir, prefix string, names []checkpoint.Rename, ignore []string) error {
	c, err := checkpoint.Open(fsys, ".")
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	m.others = append(m.others, c)
	return m.bindPart(c, prefix, names, ignore)
}

// processOriginal opens what turns conversations into prompts: the language model's
// tokenizer, and pictures as the tower's own processor prepares them.
func (m *Model) processOriginal(cfg *originalConfig, text fs.FS, tower string) error {
	net := m.Net.(*llava.Model)
	tok, err := tokenizer.OpenFS(text, ".")
	if err != nil {
		return err
	}
	var pre map[string]any
	if err := readJSON(tower, "preprocessor_config.json", &pre); err != nil {
		return fmt.Errorf("the picture tower: %w", err)
	}
	switch pre["image_processor_type"] = "CLIPImageProcessor"; cfg.Aspect {
	case "pad":
		pre["image_processor_type"], pre["do_pad"] = "LlavaImageProcessor", true
	case "anyres":
		pre["image_processor_type"], pre["image_grid_pinpoints"] = "LlavaNextImageProcessor", cfg.Pinpoints
	}
	data, err := json.Marshal(pre)
	if err != nil {
		return err
	}
	pictures, err := imageproc.ParseProcessor(data)
	if err != nil {
		return fmt.Errorf("the picture tower in %s: %w", tower, err)
	}
	side := net.Vision.Config().ImageSize
	if w, h := pictures.OutputSize(side, side); w != side || h != side {
		return fmt.Errorf("the picture tower in %s: its processor makes pictures of %d×%d pixels, and it reads %d×%d", tower, w, h, side, side)
	}
	p := &chat.Processor{Tok: tok, Pictures: pictures, Inline: true, Marker: net.Config().ImageTokenID, Mark: "<image>", Tokens: net.Tokens}
	end, _ := tok.EOS()
	if p.Template, err = tokenizer.ParseTemplate(originals[cfg.architecture()].form, map[string]any{"eos_token": tok.Token(end)}); err != nil {
		return err
	}
	m.Processor, m.Tokenizer, m.Pictures = p, tok, pictures
	if m.Generation, err = readGeneration(text, m); err == nil && len(m.Generation.EOS) == 0 {
		err = errors.New("neither the tokenizer nor a config names the token that ends answers")
	}
	return err
}
