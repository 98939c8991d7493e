package zoo

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model/llama"
)

// The keys that say what a file is, and where its vocabulary stands.
const (
	keyArchitecture = "general.architecture"
	keyTokens       = "tokenizer.ggml.tokens"
	keyTokenTypes   = "tokenizer.ggml.token_type"
	keyScores       = "tokenizer.ggml.scores"
	keyTemplate     = "tokenizer.chat_template"
	ropeFactors     = "rope_freqs.weight" // a tensor
)

// textConfig makes the config.json of a language model of the metadata, which llama.cpp's converter made of one.
func textConfig(c *checkpoint.Checkpoint, k *ggufKeys) map[string]any {
	arch := k.textOr(keyArchitecture, "")
	key := func(name string) string { return arch + "." + name }
	tokens, _ := k.kv[keyTokens].([]string)
	if len(tokens) == 0 {
		k.refuse(keyTokens, "a list of strings")
	}
	hidden, heads := k.integer(key("embedding_length")), k.integer(key("attention.head_count"))
	head := hidden / max(heads, 1)
	config := map[string]any{
		"model_type":              arch,
		"vocab_size":              len(tokens),
		"hidden_size":             hidden,
		"intermediate_size":       k.integer(key("feed_forward_length")),
		"num_hidden_layers":       k.integer(key("block_count")),
		"num_attention_heads":     heads,
		"num_key_value_heads":     k.integerOr(key("attention.head_count_kv"), heads),
		"head_dim":                k.integerOr(key("attention.key_length"), head),
		"max_position_embeddings": k.integer(key("context_length")),
		"rms_norm_eps":            k.float(key("attention.layer_norm_rms_epsilon")),
		"rope_theta":              k.floatOr(key("rope.freq_base"), 10000),
		"tie_word_embeddings":     !stored(c, "output.weight"),
		"attention_bias":          stored(c, "blk.0.attn_q.bias"),
		"mlp_bias":                stored(c, "blk.0.ffn_up.bias"),
	}
	for _, same := range []string{"attention.value_length", "rope.dimension_count"} {
		if n := k.integerOr(key(same), config["head_dim"].(int)); n != config["head_dim"] {
			k.refuse(key(same), fmt.Sprintf("the width of a head, %v", config["head_dim"]))
		}
	}
	if n := k.integerOr(key("expert_count"), 0); n > 0 {
		k.refuse(key("expert_count"), "0: mixtures of experts are not supported")
	}
	if scaling := ropeScaling(k, key); scaling != nil {
		config["rope_scaling"] = scaling
	}
	return config
}

func stored(c *checkpoint.Checkpoint, tensor string) bool {
	_, ok := c.Info(tensor)
	return ok
}

// ropeScaling reads both the newer keys and the older one; linear scaling by 1 is none. Models with positions in three
// axes have no other scaling.
func ropeScaling(k *ggufKeys, key func(string) string) map[string]any {
	if sections := k.sections(key("rope.dimension_sections")); sections != nil {
		return map[string]any{"rope_type": "default", "mrope_section": sections, "mrope_interleaved": key("") == "qwen3vl."}
	}
	kind := k.textOr(key("rope.scaling.type"), "linear")
	factor := k.floatOr(key("rope.scaling.factor"), k.floatOr(key("rope.scale_linear"), 1))
	if kind == "none" || kind == "linear" && (factor == 0 || factor == 1) {
		return nil
	}
	return map[string]any{"rope_type": kind, "factor": factor}
}

// visionConfig makes the vision_config of the metadata of an mmproj file.
func visionConfig(k *ggufKeys) map[string]any {
	const key = "clip.vision."
	act := "quick_gelu"
	switch {
	case k.boolOr("clip.use_silu", false):
		act = "silu"
	case k.boolOr("clip.use_gelu", false):
		act = "gelu"
	}
	return map[string]any{
		"model_type":          "clip_vision_model",
		"hidden_act":          act,
		"hidden_size":         k.integer(key + "embedding_length"),
		"intermediate_size":   k.integer(key + "feed_forward_length"),
		"num_hidden_layers":   k.integer(key + "block_count"),
		"num_attention_heads": k.integer(key + "attention.head_count"),
		"layer_norm_eps":      k.float(key + "attention.layer_norm_epsilon"),
		"image_size":          k.integer(key + "image_size"),
		"patch_size":          k.integer(key + "patch_size"),
	}
}

// llavaConfig makes the whole config.json. A tower whose file names no feature layer ends with it: the converter has
// dropped the blocks behind. (llama.cpp itself then leaves out one block more than the converter meant,
// https://github.com/ggml-org/llama.cpp/issues/25817; the models were trained with what is computed here.)
func llavaConfig(mmproj *checkpoint.Checkpoint, k *ggufKeys, text map[string]any, image int) map[string]any {
	vision := visionConfig(k)
	layers := []int32{int32(vision["num_hidden_layers"].(int))}
	if key := "clip.vision.feature_layer"; k.has(key) {
		named, ok := k.kv[key].([]int32)
		if !ok || len(named) == 0 {
			k.refuse(key, "a list of int32")
		}
		layers = named
	}
	if kind := k.textOr("clip.projector_type", k.textOr("clip.vision.projector_type", "mlp")); kind != "mlp" {
		k.wrong = append(k.wrong, fmt.Sprintf("projector of type %q, known is mlp", kind))
	}
	config := map[string]any{
		"architectures":                  []string{"LlavaForConditionalGeneration"},
		"model_type":                     "llava",
		"text_config":                    text,
		"vision_config":                  vision,
		"vision_feature_layer":           layers,
		"vision_feature_select_strategy": "default",
		"projector_hidden_act":           "gelu",
		"multimodal_projector_bias":      stored(mmproj, "mm.0.bias"),
		"image_token_index":              image,
	}
	if k.has(keyPinpoints) {
		config["architectures"], config["model_type"] = []string{"LlavaNextForConditionalGeneration"}, "llava_next"
		config["image_grid_pinpoints"] = k.pinpoints()
	}
	return config
}

const keyPinpoints = "clip.vision.image_grid_pinpoints"

// pinpoints are the heights and widths that pictures are fitted to before they are cut into tiles. The file has widths
// and heights in one list.
func (k *ggufKeys) pinpoints() [][]int {
	list, ok := k.kv[keyPinpoints].([]int32)
	if !ok || len(list) == 0 || len(list)%2 != 0 {
		k.refuse(keyPinpoints, "a list of int32, two for each size")
	}
	if kind := k.textOr("clip.vision.mm_patch_merge_type", "spatial_unpad"); kind != "spatial_unpad" {
		k.wrong = append(k.wrong, fmt.Sprintf("features of tiles joined by %q, known is spatial_unpad", kind))
	}
	var out [][]int
	for i := 1; i < len(list); i += 2 {
		out = append(out, []int{int(list[i]), int(list[i-1])})
	}
	return out
}

// parseText reads a config for textConfig, and sets what no config.json can say.
func parseText(c *checkpoint.Checkpoint, config map[string]any) (llama.Config, error) {
	data, err := json.Marshal(config)
	if err != nil {
		return llama.Config{}, err
	}
	parse := llama.ParseConfig
	switch config["model_type"] {
	case "qwen2", "qwen2vl":
		parse = llama.ParseQwen2
	case "qwen3", "qwen3vl":
		parse = llama.ParseQwen3
	}
	cfg, err := parse(data)
	if err != nil {
		return cfg, err
	}
	cfg.Interleaved = config["model_type"] == "llama"
	if !stored(c, ropeFactors) {
		return cfg, nil
	}
	factors, err := c.Floats(ropeFactors)
	if err != nil {
		return cfg, err
	}
	bad := func(f float32) bool { return !(f > 0) || math.IsInf(float64(f), 0) }
	if len(factors) != cfg.HeadDim/2 || slices.ContainsFunc(factors, bad) {
		return cfg, fmt.Errorf("tensor %q: %v, want %d positive numbers", ropeFactors, factors, cfg.HeadDim/2)
	}
	scaling := llama.Scaling{}
	if cfg.RopeScaling != nil {
		scaling = *cfg.RopeScaling
	}
	scaling.Factors = factors
	cfg.RopeScaling = &scaling
	return cfg, nil
}
