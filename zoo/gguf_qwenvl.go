package zoo

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model/qwen2vl"
	"github.com/fovea-ml/fovea/tokenizer"
)

// qwenGGUF is how llama.cpp has the pictures of one generation of Qwen-VL.
type qwenGGUF struct {
	projector    string // clip.projector_type
	architecture string // of the config.json that it was made of
	modelType    string
	language     string // general.architecture of the language model that goes with it
	parse        func([]byte) (qwen2vl.Config, error)
}

func qwenGGUFs() []qwenGGUF {
	return []qwenGGUF{
		{"qwen2vl_merger", "Qwen2VLForConditionalGeneration", "qwen2_vl", "qwen2vl", qwen2vl.Parse2},
		{"qwen2.5vl_merger", "Qwen2_5_VLForConditionalGeneration", "qwen2_5_vl", "qwen2vl", qwen2vl.Parse25},
		{"qwen3vl_merger", "Qwen3VLForConditionalGeneration", "qwen3_vl", "qwen3vl", qwen2vl.Parse3},
	}
}

const (
	qwenMarker = "<|image_pad|>"

	// What llama.cpp limits pictures to where the file does not say, in tokens.
	leastQwenTokens, mostQwenTokens = 8, 4096
	mostQwenPixels                  = 1 << 26
	qwenWindow                      = 112 // pixels, of Qwen2.5-VL where the file does not say
)

// openGGUFQwenVL makes Qwen2-VL, Qwen2.5-VL or Qwen3-VL.
func (m *Model) openGGUFQwenVL(k *ggufKeys, text map[string]any) error {
	pictures := &ggufKeys{kv: m.mmproj.GGUF()}
	if arch := pictures.textOr(keyArchitecture, ""); arch != "clip" {
		return fmt.Errorf("architecture %q, want clip", arch)
	}
	kind, err := qwenKind(pictures, text["model_type"].(string))
	if err != nil {
		return err
	}
	tokens, _ := k.kv[keyTokens].([]string)
	marker := slices.Index(tokens, qwenMarker)
	if marker < 0 {
		return fmt.Errorf("the vocabulary has no %s", qwenMarker)
	}
	config := qwenConfig(m.mmproj, pictures, kind, text, marker)
	for field, token := range map[string]string{"video_token_id": "<|video_pad|>", "vision_start_token_id": "<|vision_start|>", "vision_end_token_id": "<|vision_end|>"} {
		if id := slices.Index(tokens, token); id >= 0 {
			config[field] = id
		}
	}
	pipeline := smartOf(pictures)
	if err := pictures.err(); err != nil {
		return err
	}
	if err := m.configured(config); err != nil {
		return err
	}
	cfg, err := kind.parse(m.Config)
	if err != nil {
		return err
	}
	if cfg.Text, err = parseText(m.ckpt, text); err != nil {
		return err
	}
	net, err := qwen2vl.New(cfg)
	if err != nil {
		return err
	}
	m.Net = net
	if err := errors.Join(m.bindQwenLanguage(net), m.bindQwenPictures(net)); err != nil {
		return err
	}
	return m.openGGUFQwenProcessor(k, net, pipeline)
}

// qwenKind finds the generation of a tower that goes with a language model.
func qwenKind(k *ggufKeys, language string) (qwenGGUF, error) {
	name := k.textOr("clip.projector_type", k.textOr("clip.vision.projector_type", ""))
	if name == "" && k.boolOr("clip.has_qwen2vl_merger", false) { // the older key
		name = "qwen2vl_merger"
	}
	for _, kind := range qwenGGUFs() {
		if kind.projector == name && kind.language == language {
			return kind, nil
		}
	}
	return qwenGGUF{}, fmt.Errorf("projector of type %q, which goes with another language model than %s", name, language)
}

// qwenConfig makes the config.json. Widths that llama.cpp's converter tells wrongly are those of the tensors.
func qwenConfig(mmproj *checkpoint.Checkpoint, k *ggufKeys, kind qwenGGUF, text map[string]any, marker int) map[string]any {
	const key = "clip.vision."
	width, patch := k.integer(key+"embedding_length"), k.integer(key+"patch_size")
	up, down := rowsOf(mmproj, "v.blk.0.ffn_up.weight"), rowsOf(mmproj, "v.blk.0.ffn_down.weight")
	inner := max(up, down)
	if up == width && down > 0 || down == width {
		inner = up + down - width
	}
	vision := map[string]any{
		"depth": k.integer(key + "block_count"), "num_heads": k.integer(key + "attention.head_count"),
		"patch_size": patch, "spatial_merge_size": k.integerOr(key+"spatial_merge_size", 2), "temporal_patch_size": 2,
		"hidden_size": width, "out_hidden_size": text["hidden_size"], "intermediate_size": inner,
	}
	switch kind.modelType {
	case "qwen2_vl":
		vision["embed_dim"], vision["hidden_size"] = width, text["hidden_size"]
		vision["mlp_ratio"] = (float64(inner) + 0.5) / float64(max(width, 1)) // rounded down again
		vision["hidden_act"] = qwenAct(k)
	case "qwen2_5_vl":
		every := k.integer(key + "n_wa_pattern")
		full := []int{}
		for i := every - 1; every > 0 && i < vision["depth"].(int) && i < 1<<10; i += every {
			full = append(full, i)
		}
		vision["fullatt_block_indexes"], vision["window_size"] = full, k.integerOr(key+"window_size", qwenWindow)
		vision["tokens_per_second"] = 2 // of all published ones; files do not say it
	case "qwen3_vl":
		vision["num_position_embeddings"] = rowsOf(mmproj, "v.position_embd.weight")
		vision["deepstack_visual_indexes"] = k.trueOnes(key + "is_deepstack_layers")
	}
	config := maps.Clone(text)
	if kind.modelType == "qwen3_vl" {
		config = map[string]any{"text_config": text, "tie_word_embeddings": text["tie_word_embeddings"]}
	}
	config["architectures"], config["model_type"] = []string{kind.architecture}, kind.modelType
	config["vision_config"], config["image_token_id"] = vision, marker
	return config
}

func qwenAct(k *ggufKeys) string {
	if k.boolOr("clip.use_gelu", false) {
		return "gelu_pytorch_tanh"
	}
	return "quick_gelu"
}

// rowsOf is the number of rows of a matrix, 0 if there is none of that name.
func rowsOf(c *checkpoint.Checkpoint, name string) int {
	if info, ok := c.Info(name); ok && len(info.Shape) == 2 {
		return info.Shape[0]
	}
	return 0
}

// trueOnes are the places of a list at which it is true.
func (k *ggufKeys) trueOnes(key string) []int {
	list, ok := k.kv[key].([]bool)
	if k.has(key) && !ok {
		k.refuse(key, "a list of bool")
	}
	at := []int{}
	for i, b := range list {
		if b {
			at = append(at, i)
		}
	}
	return at
}

// smartOf is the picture pipeline, of which files may leave out the limits.
func smartOf(k *ggufKeys) *imageproc.Processor {
	side := min(k.integer("clip.vision.patch_size"), 1<<8) * min(k.integerOr("clip.vision.spatial_merge_size", 2), 1<<4) // checked with the config
	least, most := k.integerOr(keyMinPixels, leastQwenTokens*side*side), k.integerOr(keyMaxPixels, mostQwenTokens*side*side)
	if least < 0 || most < least || most < side*side || most > mostQwenPixels {
		k.wrong = append(k.wrong, fmt.Sprintf("pictures of %d to %d pixels, made of squares of %d×%d", least, most, side, side))
	}
	return imageproc.NewPipeline(ggufNormalize(k), imageproc.SmartResize{Factor: side, Filter: imageproc.Bicubic, Min: least, Max: most})
}

const keyMinPixels, keyMaxPixels = "clip.vision.image_min_pixels", "clip.vision.image_max_pixels"

// openGGUFQwenProcessor reads tokenizer and template. Templates written for text see a picture as its marker in the text.
func (m *Model) openGGUFQwenProcessor(k *ggufKeys, net *qwen2vl.Model, pictures *imageproc.Processor) error {
	p, err := ggufChat(k.kv)
	if err != nil {
		return err
	}
	inParts := tokenizer.Message{Role: "user", Parts: []tokenizer.Part{{Type: "image"}, {Type: "text", Text: probe}}}
	p.Inline = p.Template != nil && !writes(p.Template, inParts, qwenMarker, probe)
	p.Marker, p.Tokens, p.Pictures = net.Config().ImageTokenID, net.Tokens, pictures
	if recipe, ok := qwenVideos(p, net.Config()); ok {
		p.Videos = recipe.Of(pictures)
	}
	m.Processor = p
	return m.openedGGUF(k)
}

// qwenPictureMetadata describes the tower and the merger.
func (m *Model) qwenPictureMetadata(net *qwen2vl.Model) ([]checkpoint.KV, error) {
	v := net.Config().Vision
	smart, _ := m.Pictures.Smart()
	if v.Frames != 2 {
		return nil, fmt.Errorf("GGUF has patches of 2 pictures in time only, not %d", v.Frames)
	}
	if want := imageproc.NewPipeline(m.Pictures.Normalize(), smart).String(); want != m.Pictures.String() || smart.Filter != imageproc.Bicubic {
		return nil, fmt.Errorf("GGUF cannot say how pictures are prepared here (%v)", m.Pictures)
	}
	norm := m.Pictures.Normalize()
	metadata := m.general("clip", "mmproj")
	add := func(name string, value any) {
		metadata = append(metadata, checkpoint.KV{Key: "clip." + name, Value: value})
	}
	add("has_vision_encoder", true)
	add("projector_type", qwenGGUFs()[generation(v)].projector)
	add("use_gelu", v.Third())
	add("use_silu", v.Gated)
	add("vision.image_size", uint32(imageSize(v)))
	add("vision.patch_size", uint32(v.PatchSize))
	add("vision.spatial_merge_size", uint32(v.Merge))
	add("vision.embedding_length", uint32(v.Width))
	add("vision.feed_forward_length", uint32(v.FeedForward))
	add("vision.projection_dim", uint32(v.Out))
	add("vision.block_count", uint32(v.Depth))
	add("vision.attention.head_count", uint32(v.Heads))
	add("vision.attention.layer_norm_epsilon", float32(1e-6))
	add("vision.image_mean", colours(norm.Mean))
	add("vision.image_std", colours(norm.Std))
	add("vision.image_min_pixels", uint32(smart.Min))
	add("vision.image_max_pixels", uint32(smart.Max))
	more, err := qwenAttention(v)
	return append(metadata, more...), err
}
