package zoo

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/model/qwen2vl"
	"github.com/fovea-ml/fovea/ops"
)

// languageMetadata is what llama.cpp's converter makes of a config.json and a tokenizer. Scaling of type dynamic, which
// changes nothing within the context, is left out.
func (m *Model) languageMetadata(cfg llama.Config) ([]checkpoint.KV, error) {
	arch := architectureOf(cfg)
	metadata := m.general(arch, "model")
	add := func(name string, value any) {
		metadata = append(metadata, checkpoint.KV{Key: arch + "." + name, Value: value})
	}
	add("block_count", uint32(cfg.NumHiddenLayers))
	add("context_length", uint32(cfg.MaxPositionEmbeddings))
	add("embedding_length", uint32(cfg.HiddenSize))
	add("feed_forward_length", uint32(cfg.IntermediateSize))
	add("attention.head_count", uint32(cfg.NumAttentionHeads))
	add("attention.head_count_kv", uint32(cfg.NumKeyValueHeads))
	add("attention.key_length", uint32(cfg.HeadDim))
	add("attention.value_length", uint32(cfg.HeadDim))
	add("attention.layer_norm_rms_epsilon", cfg.RMSNormEps)
	add("rope.dimension_count", uint32(cfg.HeadDim))
	add("rope.freq_base", float32(cfg.RopeTheta))
	add("vocab_size", uint32(cfg.VocabSize))
	if s := cfg.RopeScaling; s != nil && (s.RopeType == "linear" || s.RopeType == "" && s.Type == "linear") {
		add("rope.scaling.type", "linear")
		add("rope.scaling.factor", float32(s.Factor))
	}
	if s := cfg.RopeScaling; s != nil && s.Sections != nil {
		sections := []int32{0, 0, 0, 0}
		for i, n := range s.Sections {
			sections[i] = int32(n)
		}
		add("rope.dimension_sections", sections)
	}
	if net, ok := m.Net.(*qwen2vl.Model); ok && net.Config().Vision.Third() {
		add("n_deepstack_layers", uint32(len(net.Config().Vision.Deep)))
	}
	tokens, err := m.tokenizerMetadata(cfg.VocabSize)
	if err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(tokens)) {
		metadata = append(metadata, checkpoint.KV{Key: key, Value: tokens[key]})
	}
	return metadata, nil
}

// tokenizerMetadata has a token for every row of the embedding table.
func (m *Model) tokenizerMetadata(rows int) (map[string]any, error) {
	kv := map[string]any{}
	if from := m.ckpt; from != nil && from.GGUF() != nil {
		for key, value := range from.GGUF() {
			if strings.HasPrefix(key, "tokenizer.") {
				kv[key] = value
			}
		}
		return kv, nil
	}
	var err error
	if kv, err = m.Tokenizer.GGUF(); err != nil {
		return nil, err
	}
	tokens, _ := kv[keyTokens].([]string)
	if len(tokens) > rows {
		return nil, fmt.Errorf("the tokenizer has %d tokens, the embedding table %d rows", len(tokens), rows)
	}
	kinds, _ := kv[keyTokenTypes].([]int32)
	scores, scored := kv[keyScores].([]float32)
	for i := len(tokens); i < rows; i++ {
		tokens, kinds, scores = append(tokens, fmt.Sprintf("[PAD%d]", i)), append(kinds, unusedToken), append(scores, -1e4)
	}
	kv[keyTokens], kv[keyTokenTypes] = tokens, kinds
	if scored {
		kv[keyScores] = scores
	}
	return kv, nil
}

// pictureMetadata describes the tower and the projector, and refuses what llama.cpp would compute otherwise.
func (m *Model) pictureMetadata(net *llava.Model) ([]checkpoint.KV, error) {
	cfg := net.Config()
	layers := featureLayers(cfg)
	norm := m.Pictures.Normalize()
	want, err := ggufPictures(cfg, norm)
	if err != nil {
		return nil, err
	}
	_, isCLIP := net.Vision.(*clip.Vision)
	switch {
	case !isCLIP || cfg.Tiles != nil && cfg.Tiles.Most > 0:
		return nil, errors.New("GGUF is written of CLIP towers only, with features of tiles that are not pooled")
	case !cfg.DropClass:
		return nil, errors.New("GGUF cannot say that the class token is a feature")
	case !slices.IsSorted(layers):
		return nil, fmt.Errorf("feature layers %v: GGUF has them in ascending order", layers)
	case cfg.ProjectorType == "linear" || cfg.ProjectorAct != ops.GELU || !cfg.ProjectorBias:
		return nil, errors.New("GGUF has projectors of two layers with biases and GELU only")
	case cfg.Vision.HiddenAct != "gelu" && cfg.Vision.HiddenAct != "quick_gelu":
		return nil, fmt.Errorf("GGUF has no towers with hidden_act %q", cfg.Vision.HiddenAct)
	case m.Pictures.String() != want.String():
		return nil, fmt.Errorf("GGUF cannot say how pictures are prepared here (%v); it means %s", m.Pictures, want)
	}
	metadata := m.general("clip", "mmproj")
	add := func(name string, value any) {
		metadata = append(metadata, checkpoint.KV{Key: "clip." + name, Value: value})
	}
	add("has_vision_encoder", true)
	add("has_llava_projector", true)
	add("projector_type", "mlp")
	add("use_gelu", cfg.Vision.HiddenAct == "gelu")
	add("vision.image_size", uint32(cfg.Vision.ImageSize))
	add("vision.patch_size", uint32(cfg.Vision.PatchSize))
	add("vision.embedding_length", uint32(cfg.Vision.HiddenSize))
	add("vision.feed_forward_length", uint32(cfg.Vision.IntermediateSize))
	add("vision.projection_dim", uint32(cfg.Text.HiddenSize))
	add("vision.block_count", uint32(lastFeature(cfg)))
	add("vision.attention.head_count", uint32(cfg.Vision.NumHeads))
	add("vision.attention.layer_norm_epsilon", cfg.Vision.LayerNormEps)
	add("vision.feature_layer", layers)
	add("vision.image_mean", colours(norm.Mean))
	add("vision.image_std", colours(norm.Std))
	if cfg.Tiles != nil {
		var sizes []int32
		for _, p := range cfg.Tiles.Pinpoints {
			sizes = append(sizes, int32(p[1]), int32(p[0]))
		}
		add("vision.image_grid_pinpoints", sizes)
		add("vision.mm_patch_merge_type", "spatial_unpad")
	}
	return metadata, nil
}

func colours(v [3]float64) []float32 { return []float32{float32(v[0]), float32(v[1]), float32(v[2])} }
