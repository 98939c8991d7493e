package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
)

// metaFile says that a directory is a checkpoint of SPHINX's authors, and which
// of their models it is.
const metaFile = "meta.json"

// sphinxFiles is a checkpoint as LLaMA2-Accessory, the repository of SPHINX's authors,
// keeps it: consolidated.RR-of-NN.model.pth, meta.json, config.json with what Meta
// says of a Llama, tokenizer.model. What the encoders are is in the code there; a
// towers.json may say otherwise.
type sphinxFiles struct {
	fs.FS
	kind sphinxKind
}

// asSPHINX tells whether a directory is such a checkpoint.
func asSPHINX(fsys fs.FS) (*sphinxFiles, error) {
	data, err := fs.ReadFile(fsys, metaFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var meta struct {
		Type string `json:"llama_type"`
	}
	if err == nil {
		err = json.Unmarshal(data, &meta)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", metaFile, err)
	}
	if meta.Type == "" { // somebody else's
		return nil, nil
	}
	kind, ok := sphinxKinds()[meta.Type]
	if !ok {
		return nil, fmt.Errorf("%s: llama_type %q, known here: %s", metaFile, meta.Type, knownSPHINX())
	}
	return &sphinxFiles{fsys, kind}, nil
}

// described are the files of the directory as one of the ensemble family has them.
func (s *sphinxFiles) described() (fs.FS, error) {
	config, err := s.config()
	if err != nil {
		return nil, err
	}
	over := map[string][]byte{"config.json": config}
	side := map[string]int{"height": s.kind.side, "width": s.kind.side}
	for name, v := range map[string]any{
		"preprocessor_config.json": map[string]any{
			"image_processor_type": "LlavaImageProcessor", "do_pad": true, "size": map[string]int{"shortest_edge": s.kind.side}, "crop_size": side,
		},
		"generation_config.json": map[string]any{"stop_strings": []string{"\n###"}},
		"tokenizer_config.json":  map[string]any{"tokenizer_class": "SentencePieceProcessor"},
	} {
		if over[name], err = json.MarshalIndent(v, "", "  "); err != nil {
			return nil, err
		}
	}
	over["chat_template.jinja"] = []byte(sphinxTemplate)
	for name := range over { // what stands beside the checkpoint counts
		if name == "config.json" {
			continue
		}
		if data, err := fs.ReadFile(s.FS, name); err == nil {
			over[name] = data
		}
	}
	return layered{s.FS, over, foreignSPHINX}, nil
}

// foreignSPHINX are files that say nothing of the model once it is one of the family.
func foreignSPHINX(name string) bool {
	return name == metaFile || name == towersFile || name == paramsFile || strings.HasPrefix(name, "consolidated.")
}

// sphinxTemplate is conv_v1_2 of the authors' accessory/data/conversation/lib.py.
const sphinxTemplate = `{%- if messages[0]['role'] == 'system' -%}{{ messages[0]['content'] }}{%- else -%}` +
	`{{ "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite answers to the human's questions." }}{%- endif -%}` +
	`{{ '\n\n###' }}{%- for message in messages -%}` +
	`{%- if message['role'] == 'user' -%}{{ ' Human: ' ~ message['content'] ~ '\n###' }}` +
	`{%- elif message['role'] == 'assistant' -%}{{ ' Assistant: ' ~ message['content'] ~ '\n###' }}{%- endif -%}{%- endfor -%}` +
	`{%- if add_generation_prompt -%}{{ ' Assistant:' }}{%- endif -%}`

// splitTensor finds the tensors that training in parallel splits, and tells by its groups
// along which dimension.
var splitTensor = regexp.MustCompile(`^(?:model\.)?(?:llma\.)?(?:layers\.\d+\.(?:attention\.w[qkv]|feed_forward\.w[13])|(output)|(tok_embeddings)|layers\.\d+\.(?:attention\.(wo)|feed_forward\.(w2)))\.weight$`)

// sphinxShards are the files of the weights. Rows of queries, keys, values, gates and
// of the head are split, columns of the matrices behind them and of the embeddings.
func sphinxShards() checkpoint.Parallel {
	return checkpoint.Parallel{
		Pattern: `consolidated\.(\d+)-of-(\d+)\.model\.pth`,
		Axis: func(name string) int {
			m := splitTensor.FindStringSubmatch(name)
			switch {
			case m == nil:
				return -1
			case m[2] != "" || m[3] != "" || m[4] != "":
				return 1
			}
			return 0
		},
	}
}

// weights opens them, each matrix of queries, keys and values as three.
func (s *sphinxFiles) weights() (*checkpoint.Checkpoint, error) {
	names, err := sphinxShards().Find(s.FS)
	if err != nil {
		return nil, err
	}
	if names == nil {
		return nil, s.noShards()
	}
	c, err := sphinxShards().Open(s.FS, names)
	if err != nil {
		return nil, err
	}
	err = c.SplitRows(`^(.*clip\.visual\..*\.attn\.)in_proj_(weight|bias)$`, "${1}q_proj.${2}", "${1}k_proj.${2}", "${1}v_proj.${2}")
	if err == nil {
		err = c.SplitRows(`^(.*dinov2_vitg14\..*\.attn\.)qkv\.(weight|bias)$`, "${1}query.${2}", "${1}key.${2}", "${1}value.${2}")
	}
	if err != nil {
		c.Close() // the reason is err
		return nil, err
	}
	return c, nil
}

// noShards says what there is in the place of weights.
func (s *sphinxFiles) noShards() error {
	for pattern, why := range map[string]string{
		"consolidated.*.model-diff.pth": "it holds differences from a base model, which is not read: merge them with the authors' tools",
		"consolidated.[0-9][0-9].pth":   "it is a Llama of Meta's, without encoders",
	} {
		if found, err := fs.Glob(s.FS, pattern); err == nil && len(found) > 0 {
			return fmt.Errorf("%s: %s", path.Base(found[0]), why)
		}
	}
	return fmt.Errorf("no consolidated.00-of-NN.model.pth: %w", fs.ErrNotExist)
}

// sphinxUnread are what the authors' files hold of CLIP's text tower, and tables that are computed here.
var sphinxUnread = []string{
	"clip.token_embedding.*", "clip.positional_embedding", "clip.ln_final.*", "clip.text_projection", "clip.logit_scale", "clip.transformer.*",
	"*vision.groups.*.encoders.0.proj", "*freqs_cis", "*rope.freqs", "clip.attn_mask", "*language_projection.*",
}

// names turns those of the authors' files into ours.
func (s *sphinxFiles) names() []checkpoint.Rename {
	last := "vision.groups." + s.kind.lastGroup() + ".encoders."
	clip, convnext, dinov2 := last+"0.", last+"1.", last+"2."
	if s.kind.light {
		convnext, dinov2 = last+"0.", last+"1."
	}
	const block = `^(language_model\.model\.layers\.\d+)\.`
	list := []checkpoint.Rename{
		{From: "model.", To: ""}, {From: "llma.", To: ""},
		{From: "tok_embeddings.", To: "language_model.model.embed_tokens."},
		{From: "output.", To: "language_model.lm_head."},
		{From: "norm.", To: "language_model.model.norm."},
		{From: "layers.", To: "language_model.model.layers."},
		{From: block + `attention\.w([qkvo])\.`, To: "${1}.self_attn.${2}_proj."},
		{From: block + `attention_norm\.`, To: "${1}.input_layernorm."},
		{From: block + `ffn_norm\.`, To: "${1}.post_attention_layernorm."},
		{From: block + `feed_forward\.w1\.`, To: "${1}.mlp.gate_proj."},
		{From: block + `feed_forward\.w2\.`, To: "${1}.mlp.down_proj."},
		{From: block + `feed_forward\.w3\.`, To: "${1}.mlp.up_proj."},
		{From: `^start_img$`, To: "view_start"}, {From: `^end_img$`, To: "view_end"},
		{From: "visual_proj.0.", To: "adapters." + s.kind.lastGroup() + "."}, {From: "visual_proj.1.", To: "adapters." + s.kind.lastGroup() + ".norm."},
	}
	if !s.kind.light {
		list = append(list, checkpoint.Rename{From: "qformer.", To: "vision.groups.0.encoders.0."},
			checkpoint.Rename{From: "qformer_proj.0.", To: "adapters.0."}, checkpoint.Rename{From: "qformer_proj.1.", To: "adapters.0.norm."})
	}
	for _, tower := range []struct {
		from, to string
		names    []checkpoint.Rename
	}{
		{"clip.visual.", clip, openCLIPNames}, {"openclip_convnext_xxl.", convnext, timmConvNeXtNames}, {"dinov2_vitg14.", dinov2, hubDINOv2Names},
	} {
		list = append(list, under(tower.from, tower.to, tower.names)...)
	}
	return list
}

// under are renames of what stands below from, which is put below to.
func under(from, to string, names []checkpoint.Rename) []checkpoint.Rename {
	var list []checkpoint.Rename
	for _, n := range names {
		list = append(list, checkpoint.Rename{From: "^" + regexp.QuoteMeta(from) + n.From, To: from + n.To})
	}
	return append(list, checkpoint.Rename{From: from, To: to})
}

// openCLIPNames are those of a picture tower of open_clip.
var openCLIPNames = []checkpoint.Rename{
	{From: `conv1\.`, To: "embeddings.patch_embedding."},
	{From: `class_embedding$`, To: "embeddings.class_embedding"},
	{From: `positional_embedding$`, To: "embeddings.position_embedding.weight"},
	{From: `ln_pre\.`, To: "pre_layrnorm."},
	{From: `ln_post\.`, To: "post_layernorm."},
	{From: `transformer\.resblocks\.(\d+)\.`, To: "encoder.layers.${1}."},
	{From: `(encoder\.layers\.\d+)\.ln_`, To: "${1}.layer_norm"},
	{From: `(encoder\.layers\.\d+)\.attn\.`, To: "${1}.self_attn."},
	{From: `(encoder\.layers\.\d+)\.mlp\.c_fc\.`, To: "${1}.mlp.fc1."},
	{From: `(encoder\.layers\.\d+)\.mlp\.c_proj\.`, To: "${1}.mlp.fc2."},
}

// timmConvNeXtNames are those of timm.
var timmConvNeXtNames = []checkpoint.Rename{
	{From: `stem\.0\.`, To: "embeddings.patch_embeddings."},
	{From: `stem\.1\.`, To: "embeddings.layernorm."},
	{From: `stages\.(\d+)\.downsample\.`, To: "encoder.stages.${1}.downsampling_layer."},
	{From: `stages\.(\d+)\.blocks\.`, To: "encoder.stages.${1}.layers."},
	{From: `(encoder\.stages\.\d+\.layers\.\d+)\.gamma$`, To: "${1}.layer_scale_parameter"},
	{From: `(encoder\.stages\.\d+\.layers\.\d+)\.conv_dw\.`, To: "${1}.dwconv."},
	{From: `(encoder\.stages\.\d+\.layers\.\d+)\.norm\.`, To: "${1}.layernorm."},
	{From: `(encoder\.stages\.\d+\.layers\.\d+)\.mlp\.fc`, To: "${1}.pwconv"},
	{From: `head\.norm\.`, To: "layernorm."},
}

// hubDINOv2Names are those of the authors of DINOv2.
var hubDINOv2Names = []checkpoint.Rename{
	{From: `(cls_token|mask_token)$`, To: "embeddings.${1}"},
	{From: `pos_embed$`, To: "embeddings.position_embeddings"},
	{From: `patch_embed\.proj\.`, To: "embeddings.patch_embeddings.projection."},
	{From: `norm\.`, To: "layernorm."},
	{From: `blocks\.(\d+)\.`, To: "encoder.layer.${1}."},
	{From: `(encoder\.layer\.\d+)\.attn\.proj\.`, To: "${1}.attention.output.dense."},
	{From: `(encoder\.layer\.\d+)\.attn\.`, To: "${1}.attention.attention."},
	{From: `(encoder\.layer\.\d+)\.ls(\d)\.gamma$`, To: "${1}.layer_scale${2}.lambda1"},
	{From: `(encoder\.layer\.\d+)\.mlp\.w12\.`, To: "${1}.mlp.weights_in."},
	{From: `(encoder\.layer\.\d+)\.mlp\.w3\.`, To: "${1}.mlp.weights_out."},
}
