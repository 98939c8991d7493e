package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/tensor"
)

// lavis is a BLIP-2 of LAVIS: where its parts are.
type lavis struct {
	q   *part // Q-Former, queries and projection
	eye *part // the picture encoder; nil: not in the same file

	pick bool // only some parts are wanted: tensors that no parameter takes are no error
}

// part is the tensors of a checkpoint whose names begin alike.
type part struct {
	c      *checkpoint.Checkpoint
	prefix string
}

func newLAVIS(c *checkpoint.Checkpoint) *lavis {
	l := &lavis{q: &part{c: c}}
	if !l.q.has("query_tokens") {
		l.q.prefix = "model." // as what the authors' trainer saves beside its own state
	}
	if eye := (&part{c, l.q.prefix + "visual_encoder."}); eye.has(evaPositions) || eye.has(clipPositions) {
		l.eye = eye
	}
	return l
}

// Tensors by which the picture encoders are told apart.
const evaPositions, clipPositions = "pos_embed", "positional_embedding"

// clip reports whether the picture encoder is CLIP's.
func (l *lavis) clip() bool { return l.eye.has(clipPositions) }

// sees reports whether the picture encoder is as wide as what the Q-Former looks at.
func (l *lavis) sees() bool {
	key, err := l.q.shape(lavisLayer+"0.crossattention.self.key.weight", 2)
	if err != nil {
		return false
	}
	positions, ok := l.eye.c.Info(l.eye.prefix + evaPositions)
	if l.clip() {
		positions, ok = l.eye.c.Info(l.eye.prefix + clipPositions)
	}
	return ok && len(positions.Shape) > 0 && positions.Shape[len(positions.Shape)-1] == key[1]
}

// lavisLayer begins the names of the Q-Former's layers.
const lavisLayer = "Qformer.bert.encoder.layer."

func (p *part) has(name string) bool { return stored(p.c, p.prefix+name) }

// shape is that of a tensor, which must have so many dimensions.
func (p *part) shape(name string, dims int) ([]int, error) {
	info, ok := p.c.Info(p.prefix + name)
	if !ok || len(info.Shape) != dims {
		return nil, fmt.Errorf("%s is not there, or has other dimensions than %d: shape %v", p.prefix+name, dims, info.Shape)
	}
	return info.Shape, nil
}

// reads reports whether the Q-Former reads text: InstructBLIP.
func (l *lavis) reads() bool { return l.q.has("Qformer.bert.embeddings.word_embeddings.weight") }

// language is the model_type of the language model that the projection is for.
func (l *lavis) language() string {
	for proj, kind := range map[string]string{"opt_proj.weight": "opt", "t5_proj.weight": "t5", "llm_proj.weight": "llama"} {
		if l.q.has(proj) {
			return kind
		}
	}
	return ""
}

// layers counts the blocks of which each has a tensor.
func (p *part) layers(before, after string) (n int) {
	for p.has(fmt.Sprintf("%s%d%s", before, n, after)) {
		n++
	}
	return n
}

// The widths of attention heads that shapes do not tell: of EVA's ViT-g, of CLIP's ViT-L
// and of BERT.
const (
	evaHead, clipHead, bertHead = 88, 64, 64
	evaLayers, clipLayers       = 39, 23 // the authors leave out the last of 40, and of 24
)

// config is the config.json that the parts might have had.
func (l *lavis) config(text []byte) (map[string]any, error) {
	var language map[string]any
	if err := json.Unmarshal(text, &language); err != nil {
		return nil, fmt.Errorf("the language model's config.json: %w", err)
	}
	vision, err := l.visionConfig()
	if err != nil {
		return nil, err
	}
	qformer, queries, err := l.qformerConfig()
	if err != nil {
		return nil, err
	}
	architecture, modelType := "Blip2ForConditionalGeneration", "blip-2"
	if l.reads() {
		architecture, modelType = "InstructBlipForConditionalGeneration", "instructblip"
	}
	want := l.language()
	if kind := language["model_type"]; kind != want {
		return nil, fmt.Errorf("it goes with a language model of model_type %s, and that of the directory is %v", want, kind)
	}
	return map[string]any{
		"architectures": []string{architecture}, "model_type": modelType, "num_query_tokens": queries,
		"vision_config": vision, "qformer_config": qformer, "text_config": language,
	}, nil
}

func (l *lavis) visionConfig() (map[string]any, error) {
	if l.clip() {
		return l.clipConfig()
	}
	patch, err := l.eye.shape("patch_embed.proj.weight", 4)
	if err != nil {
		return nil, fmt.Errorf("the picture encoder is neither EVA's ViT-g nor CLIP's ViT-L: %w", err)
	}
	positions, err := l.eye.shape(evaPositions, 3)
	if err != nil {
		return nil, err
	}
	inner, err := l.eye.shape("blocks.0.mlp.fc1.weight", 2)
	if err != nil {
		return nil, err
	}
	layers := l.eye.layers("blocks.", ".norm1.weight")
	if l.eye.prefix == "" {
		layers = min(layers, evaLayers)
	}
	grid := int(math.Round(math.Sqrt(float64(positions[1] - 1))))
	return map[string]any{
		"hidden_size": patch[0], "patch_size": patch[3], "image_size": grid * patch[3], "intermediate_size": inner[0],
		"num_hidden_layers": layers, "num_attention_heads": max(1, patch[0]/evaHead), "qkv_bias": true,
	}, nil
}

// clipConfig is the vision_config of CLIP's tower, whose norm behind the last block is
// the authors' own.
func (l *lavis) clipConfig() (map[string]any, error) {
	patch, err := l.eye.shape("conv1.weight", 4)
	if err != nil {
		return nil, err
	}
	positions, err := l.eye.shape(clipPositions, 2)
	if err != nil {
		return nil, err
	}
	inner, err := l.eye.shape("transformer.resblocks.0.mlp.c_fc.weight", 2)
	if err != nil {
		return nil, err
	}
	layers := l.eye.layers("transformer.resblocks.", ".ln_1.weight")
	if l.eye.prefix == "" {
		layers = min(layers, clipLayers)
	}
	grid := int(math.Round(math.Sqrt(float64(positions[0] - 1))))
	return map[string]any{
		"model_type": "clip_vision_model", "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
		"hidden_size": patch[0], "patch_size": patch[3], "image_size": grid * patch[3], "intermediate_size": inner[0],
		"num_hidden_layers": layers, "num_attention_heads": max(1, patch[0]/clipHead),
	}, nil
}

func (l *lavis) qformerConfig() (config map[string]any, queries int, err error) {
	query, err := l.q.shape("query_tokens", 3)
	if err != nil {
		return nil, 0, err
	}
	inner, err := l.q.shape(lavisLayer+"0.intermediate_query.dense.weight", 2)
	if err != nil {
		return nil, 0, err
	}
	key, err := l.q.shape(lavisLayer+"0.crossattention.self.key.weight", 2)
	if err != nil {
		return nil, 0, err
	}
	layers := l.q.layers(lavisLayer, ".intermediate_query.dense.weight")
	every := 1
	for every < layers && !l.q.has(fmt.Sprintf("%s%d.crossattention.self.key.weight", lavisLayer, every)) {
		every++
	}
	config = map[string]any{
		"hidden_size": query[2], "intermediate_size": inner[0], "num_hidden_layers": layers, "cross_attention_frequency": every,
		"encoder_hidden_size": key[1], "num_attention_heads": max(1, query[2]/bertHead),
	}
	for field, table := range map[string]string{"vocab_size": "word_embeddings", "max_position_embeddings": "position_embeddings"} {
		if shape, err := l.q.shape("Qformer.bert.embeddings."+table+".weight", 2); err == nil {
			config[field] = shape[0]
		}
	}
	return config, query[1], nil
}

// override lays the fields of a JSON file, if there is one, over a config.
func override(config map[string]any, fsys fs.FS, name string) error {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var over map[string]any
	if err == nil {
		err = json.Unmarshal(data, &over)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	lay(config, over)
	return nil
}

func lay(config, over map[string]any) {
	for k, v := range over {
		into, ok := config[k].(map[string]any)
		if part, isMap := v.(map[string]any); ok && isMap {
			lay(into, part)
		} else {
			config[k] = v
		}
	}
}

// names are those of a LAVIS file in ours.
func (l *lavis) names() []checkpoint.Rename {
	norm := "qformer.layernorm."
	if l.reads() && l.language() != "" {
		norm = "qformer.embeddings.layernorm."
	}
	list := append([]checkpoint.Rename{{From: "model.", To: ""}}, l.eyeNames()...)
	list = append(list, checkpoint.Rename{From: "Qformer.bert.embeddings.LayerNorm.", To: norm})
	if l.language() == "" {
		list = append(list, stage1Names...)
	}
	return append(list,
		checkpoint.Rename{From: "ln_vision.", To: "vision_model.post_layernorm."},
		checkpoint.Rename{From: "Qformer.bert.", To: "qformer."},
		checkpoint.Rename{From: `^(qformer\..*attention)\.self\.`, To: "${1}.attention."},
		checkpoint.Rename{From: `^(opt|t5|llm)_proj\.`, To: "language_projection."},
	)
}

// eyeNames are those of the picture encoder, alone in its file or not.
func (l *lavis) eyeNames() []checkpoint.Rename {
	if l.clip() {
		alone := checkpoint.Rename{From: `^(class_embedding|positional_embedding|conv1\.|ln_pre\.|transformer\.)`, To: "visual_encoder.${1}"}
		return append([]checkpoint.Rename{alone}, under("visual_encoder.", "vision_model.", openCLIPNames)...)
	}
	return []checkpoint.Rename{
		{From: `^(cls_token|pos_embed|patch_embed\.|blocks\.)`, To: "visual_encoder.${1}"}, // as in evaFile
		{From: "visual_encoder.cls_token", To: "vision_model.embeddings.class_embedding"},
		{From: "visual_encoder.pos_embed", To: "vision_model.embeddings.position_embedding"},
		{From: "visual_encoder.patch_embed.proj.", To: "vision_model.embeddings.patch_embedding."},
		{From: `^visual_encoder\.blocks\.(\d+)\.norm`, To: "vision_model.encoder.layers.${1}.layer_norm"},
		{From: `^visual_encoder\.blocks\.(\d+)\.attn\.proj`, To: "vision_model.encoder.layers.${1}.self_attn.projection"},
		{From: `^visual_encoder\.blocks\.(\d+)\.attn`, To: "vision_model.encoder.layers.${1}.self_attn"},
		{From: `^visual_encoder\.blocks\.(\d+)\.mlp`, To: "vision_model.encoder.layers.${1}.mlp"},
	}
}

// unread are tensors of LAVIS files that answering needs not: the Q-Former's half
// that reads text, heads of training, a copy of the frozen language model, and
// biases that are read by hand.
var unread = []string{
	"*attn.q_bias", "*attn.v_bias", "qformer.embeddings.*", "qformer.encoder.layer.*.intermediate.dense.*", "qformer.encoder.layer.*.output.dense.*",
	"qformer.encoder.layer.*.output.LayerNorm.*", "Qformer.cls.*", "opt_model.*", "t5_model.*", "llm_model.*", "*relative_position_index",
}

// bind fills all parameters but the language model's.
func (l *lavis) bind(params []checkpoint.Param) error {
	var mind, eye, biases []checkpoint.Param
	for _, p := range params {
		switch {
		case strings.HasPrefix(p.Name, languagePrefix):
		case strings.HasSuffix(p.Name, ".self_attn.qkv.bias"):
			biases = append(biases, p)
		case strings.HasPrefix(p.Name, "vision_model.") && !strings.Contains(p.Name, "post_layernorm") && l.eye.c != l.q.c:
			eye = append(eye, p)
		default:
			mind = append(mind, p)
		}
	}
	ignore := unread
	if l.language() == "" {
		ignore = unreadStage1
	}
	if l.pick {
		ignore = []string{"*"}
	}
	err := checkpoint.Bind(l.q.c, mind, l.names(), checkpoint.BindOptions{Ignore: ignore})
	if l.eye.c != l.q.c {
		o := checkpoint.BindOptions{Ignore: append([]string{"norm.*", "fc_norm.*", "head.*", "vision_model.encoder.layers.39.*"}, unread...)}
		if l.clip() {
			o.Ignore = []string{"*"} // the authors load it so: the last block, and what stands behind it
		}
		err = errors.Join(err, checkpoint.Bind(l.eye.c, eye, l.names(), o))
	}
	for i, p := range biases {
		err = errors.Join(err, l.eye.bias(p.T, fmt.Sprintf("blocks.%d.attn.", i)))
	}
	return err
}

// bias joins those of queries and values; keys have none.
func (p *part) bias(t *tensor.Tensor, block string) error {
	n := t.Len() / 3
	t.F32, t.DType = make([]float32, t.Len()), tensor.F32
	for name, to := range map[string][]float32{"q_bias": t.F32[:n], "v_bias": t.F32[2*n:]} {
		v, err := p.c.Floats(p.prefix + block + name)
		if err != nil {
			return err
		}
		if len(v) != n {
			return fmt.Errorf("%s%s%s has %d elements, want %d", p.prefix, block, name, len(v), n)
		}
		copy(to, v)
	}
	return nil
}
