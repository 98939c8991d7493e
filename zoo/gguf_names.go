package zoo

import (
	"regexp"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
)

// ggufName pairs the start of a tensor's name in GGUF files with the start of ours; # is the number of a block.
type ggufName struct{ theirs, ours string }

// languageName is the name in GGUF files of a parameter of a language model, which may be part of a larger model, or "".
func languageName(param string) string {
	if rest, ok := strings.CutPrefix(param, "model."+languagePrefix); ok { // transformers 4.52 and later
		param = "model." + rest
	}
	return toTheirs(append(languageNames(), qwenNames()...), strings.TrimPrefix(param, languagePrefix))
}

// qwenNames are those of architecture qwen.
func qwenNames() []ggufName {
	return []ggufName{
		{"token_embd.", "transformer.wte."},
		{"output_norm.", "transformer.ln_f."},
		{"blk.#.attn_norm.", "transformer.h.#.ln_1."},
		{"blk.#.attn_qkv.", "transformer.h.#.attn.c_attn."},
		{"blk.#.attn_output.", "transformer.h.#.attn.c_proj."},
		{"blk.#.ffn_norm.", "transformer.h.#.ln_2."},
		{"blk.#.ffn_up.", "transformer.h.#.mlp.w1."},
		{"blk.#.ffn_gate.", "transformer.h.#.mlp.w2."},
		{"blk.#.ffn_down.", "transformer.h.#.mlp.c_proj."},
	}
}

// languageNames are those of architectures llama, qwen2 and qwen3.
func languageNames() []ggufName {
	return []ggufName{
		{"token_embd.", "model.embed_tokens."},
		{"output_norm.", "model.norm."},
		{"output.", "lm_head."},
		{"blk.#.attn_norm.", "model.layers.#.input_layernorm."},
		{"blk.#.attn_q.", "model.layers.#.self_attn.q_proj."},
		{"blk.#.attn_k.", "model.layers.#.self_attn.k_proj."},
		{"blk.#.attn_v.", "model.layers.#.self_attn.v_proj."},
		{"blk.#.attn_q_norm.", "model.layers.#.self_attn.q_norm."},
		{"blk.#.attn_k_norm.", "model.layers.#.self_attn.k_norm."},
		{"blk.#.attn_output.", "model.layers.#.self_attn.o_proj."},
		{"blk.#.ffn_norm.", "model.layers.#.post_attention_layernorm."},
		{"blk.#.ffn_gate.", "model.layers.#.mlp.gate_proj."},
		{"blk.#.ffn_up.", "model.layers.#.mlp.up_proj."},
		{"blk.#.ffn_down.", "model.layers.#.mlp.down_proj."},
	}
}

// pictureNames are those of architecture clip with a projector of type mlp. In files of the older converter, ffn_up and
// ffn_down are swapped.
func pictureNames(swapped bool) []ggufName {
	up, down := "v.blk.#.ffn_up.", "v.blk.#.ffn_down."
	if swapped {
		up, down = down, up
	}
	const tower = "vision_tower.vision_model."
	return []ggufName{
		{"v.class_embd", tower + "embeddings.class_embedding"},
		{"v.patch_embd.", tower + "embeddings.patch_embedding."},
		{"v.position_embd.", tower + "embeddings.position_embedding."},
		{"v.pre_ln.", tower + "pre_layrnorm."},
		{"v.post_ln.", tower + "post_layernorm."},
		{"v.blk.#.ln1.", tower + "encoder.layers.#.layer_norm1."},
		{"v.blk.#.ln2.", tower + "encoder.layers.#.layer_norm2."},
		{"v.blk.#.attn_q.", tower + "encoder.layers.#.self_attn.q_proj."},
		{"v.blk.#.attn_k.", tower + "encoder.layers.#.self_attn.k_proj."},
		{"v.blk.#.attn_v.", tower + "encoder.layers.#.self_attn.v_proj."},
		{"v.blk.#.attn_out.", tower + "encoder.layers.#.self_attn.out_proj."},
		{up, tower + "encoder.layers.#.mlp.fc1."},
		{down, tower + "encoder.layers.#.mlp.fc2."},
		{"mm.0.", "multi_modal_projector.linear_1."},
		{"mm.2.", "multi_modal_projector.linear_2."},
		{"v.image_newline", "image_newline"},
		{"model.image_newline", "image_newline"}, // as the converters of 2024 wrote it
	}
}

// toOurs are the rules from their names to ours, with a prefix before ours.
func toOurs(names []ggufName, prefix string) []checkpoint.Rename {
	var rules []checkpoint.Rename
	for _, n := range names {
		rules = append(rules, checkpoint.Rename{From: numbered(n.theirs), To: strings.ReplaceAll(prefix+n.ours, "#", "${1}")})
	}
	return rules
}

// toTheirs turns one of our names into theirs, or returns "" if they have none.
func toTheirs(names []ggufName, ours string) string {
	for _, n := range names {
		re := regexp.MustCompile(numbered(n.ours))
		if re.MatchString(ours) {
			return re.ReplaceAllString(ours, strings.ReplaceAll(n.theirs, "#", "${1}"))
		}
	}
	return ""
}

// numbered is a regular expression for the start of a name, with the number as its group.
func numbered(start string) string {
	return "^" + strings.ReplaceAll(regexp.QuoteMeta(start), "#", `(\d+)`)
}
