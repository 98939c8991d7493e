package zoo

import (
	"maps"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/tokenizer"
)

const (
	imageMarker = "<image>"

	// As tokenizer.ggml.token_type has them.
	controlToken, unusedToken int32 = 3, 5

	// vicuna is the chat template of LLaVA-1.5, for files without one.
	vicuna = "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}" +
		"{% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}" +
		"{% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' '}}{% endfor %}" +
		"{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)

// ggufChat makes the tokenizer and, if there is one, the chat template of the metadata.
func ggufChat(kv map[string]any) (*chat.Processor, error) {
	tok, err := tokenizer.FromGGUF(kv)
	if err != nil {
		return nil, err
	}
	p := &chat.Processor{Tok: tok}
	if !tok.HasChatTemplate("") {
		return p, nil
	}
	if p.Template, err = tok.ChatTemplate(""); err != nil {
		return nil, err
	}
	inText := tokenizer.Message{Role: "user", Text: probe}
	inParts := tokenizer.Message{Role: "user", Parts: []tokenizer.Part{{Type: "image"}, {Type: "text", Text: probe}}}
	p.Parted = !writes(p.Template, inText, probe) && writes(p.Template, inParts, probe)
	p.Inline = !p.Parted && !writes(p.Template, inParts, imageMarker, probe)
	return p, nil
}

const probe = "What is this?"

// writes tries whether a template turns a message into a prompt that contains the texts. Templates of files are written
// for text, for parts or for both.
func writes(t *tokenizer.Template, m tokenizer.Message, texts ...string) bool {
	got, err := t.Render([]tokenizer.Message{m}, true, nil)
	return err == nil && !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(got, text) })
}

// withMarker returns the metadata with a token that marks pictures in text, and its id. Files made of LLaVA's original
// repository have none: it gets the first free id, for which there is no embedding because none is looked up.
func withMarker(kv map[string]any) (map[string]any, int) {
	tokens, _ := kv[keyTokens].([]string)
	if i := slices.Index(tokens, imageMarker); i >= 0 {
		return kv, i
	}
	kv = maps.Clone(kv)
	kv[keyTokens] = append(slices.Clone(tokens), imageMarker)
	if kinds, ok := kv[keyTokenTypes].([]int32); ok {
		kv[keyTokenTypes] = append(slices.Clone(kinds), controlToken)
	}
	if scores, ok := kv[keyScores].([]float32); ok {
		kv[keyScores] = append(slices.Clone(scores), 0)
	}
	return kv, len(tokens)
}

// ggufLLaVA is the Processor of LLaVA. Templates written for text see a picture as its marker in the text.
func ggufLLaVA(kv map[string]any, m *llava.Model, norm imageproc.Normalize) (model.Processor, error) {
	if kv[keyTemplate] == nil {
		kv = maps.Clone(kv)
		kv[keyTemplate] = vicuna
	}
	p, err := ggufChat(kv)
	if err != nil {
		return nil, err
	}
	p.Marker = m.Config().ImageTokenID
	p.Tokens = m.Tokens
	p.Pictures, err = ggufPictures(m.Config(), norm)
	return p, err
}

// ggufNormalize reads how pixels are normalised.
func ggufNormalize(k *ggufKeys) imageproc.Normalize {
	n := imageproc.Normalize{Rescale: 1.0 / 255, Mean: k.triple("clip.vision.image_mean"), Std: k.triple("clip.vision.image_std")}
	for _, s := range n.Std {
		if !(s > 0) {
			k.refuse("clip.vision.image_std", "positive numbers")
			break
		}
	}
	return n
}

// ggufPictures is CLIP's picture pipeline, of which the files tell the size and the normalisation only, and where pictures
// are cut into tiles that of LLaVA-NeXT.
func ggufPictures(cfg llava.Config, norm imageproc.Normalize) (*imageproc.Processor, error) {
	side := cfg.Vision.ImageSize
	steps := []imageproc.Step{imageproc.ResizeShortest{Edge: side, Filter: imageproc.Bicubic}, imageproc.CenterCrop{W: side, H: side}}
	if cfg.Tiles == nil {
		return imageproc.NewPipeline(norm, steps...), nil
	}
	tiling, err := imageproc.NewTiling(cfg.Tiles.Pinpoints, side, imageproc.Bicubic)
	if err != nil {
		return nil, err
	}
	whole := append([]imageproc.Step{imageproc.ResizeTo{W: side, H: side, Filter: imageproc.Bicubic}}, steps...)
	return imageproc.NewPipeline(norm, whole...).Tiled(tiling, steps...), nil
}

// endTokens are those that the metadata names, and those of known names: files often name only one of several.
func endTokens(k *ggufKeys, tok *tokenizer.Tokenizer) []int32 {
	var ids []int32
	for _, key := range []string{"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"} {
		if k.has(key) {
			ids = append(ids, int32(k.integer(key)))
		}
	}
	if eos, ok := tok.EOS(); ok {
		ids = append(ids, eos)
	}
	for _, name := range []string{"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>"} {
		if id, ok := tok.ID(name); ok && tok.Special(id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
