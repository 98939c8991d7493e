package zoo

import (
	"fmt"
	"io/fs"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/model/grounding"
	"github.com/fovea-ml/fovea/model/qwen2vl"
)

// qwen2VLFamily is the row of Qwen2-VL or Qwen2.5-VL.
func qwen2VLFamily(architecture, modelType string, parse func([]byte) (qwen2vl.Config, error), boxes *grounding.Dialect) Family {
	return Family{
		Architecture: architecture, ModelType: modelType,
		New:       declare(parse, qwen2vl.New),
		Processor: openQwen2VL,
		Boxes:     boxes,
		Names: []checkpoint.Rename{ // transformers 4.52 and later
			{From: "model.visual.", To: "visual."},
			{From: "model.language_model.", To: "model."},
		},
		Tied:  tiedText,
		Text:  "text_config",
		Parts: []Part{{"vision", "visual.patch_embed."}, {"vision", "visual.blocks."}, {"adapter", "visual.merger."}, {"language", ""}},
	}
}

// qwen3VLFamily is the row of Qwen3-VL, whose names are those of transformers 4.52 and later from the first.
func qwen3VLFamily() Family {
	const tower = "model.visual."
	return Family{
		Architecture: "Qwen3VLForConditionalGeneration", ModelType: "qwen3_vl",
		New:       declare(qwen2vl.Parse3, qwen2vl.New),
		Processor: openQwen2VL,
		Boxes:     grounding.Qwen3VL(),
		Tied:      []checkpoint.Tied{{Name: "lm_head.weight", To: "model.language_model.embed_tokens.weight"}},
		Text:      "text_config",
		Parts: []Part{
			{"vision", tower + "patch_embed."}, {"vision", tower + "pos_embed."}, {"vision", tower + "blocks."}, {"adapter", tower}, {"language", ""},
		},
	}
}

func openQwen2VL(fsys fs.FS, net any) (model.Processor, error) {
	m := net.(*qwen2vl.Model)
	p, err := openChat(fsys)
	if err != nil {
		return nil, err
	}
	p.Tokens = m.Tokens
	if err := markAs(p, m.Config().ImageTokenID, "<|image_pad|>"); err != nil {
		return nil, err
	}
	if p.Pictures, err = imageproc.OpenProcessor(fsys); err != nil {
		return nil, err
	}
	v := m.Config().Vision
	if s, ok := p.Pictures.Smart(); !ok || s.Factor != v.PatchSize*v.Merge {
		return nil, fmt.Errorf("preprocessor_config.json makes pictures by %v, and config.json's vision tower reads multiples of %d pixels", p.Pictures, v.PatchSize*v.Merge)
	}
	recipe, ok := qwenVideos(p, m.Config())
	if !ok {
		return p, nil
	}
	if p.Videos, err = imageproc.OpenVideoProcessor(fsys, recipe); err != nil {
		return nil, err
	}
	if f, ok := p.Videos.Factor(); !ok || f != v.PatchSize*v.Merge {
		return nil, fmt.Errorf("videos are prepared by %v, and config.json's vision tower reads multiples of %d pixels", p.Videos, v.PatchSize*v.Merge)
	}
	return p, nil
}

// qwenVideos prepares a Processor for videos, if its tokenizer has the token of them,
// and tells how they are seen. Qwen3-VL writes the time before every view.
func qwenVideos(p *chat.Processor, cfg qwen2vl.Config) (recipe imageproc.VideoRecipe, ok bool) {
	if id, ok := p.Tok.ID("<|video_pad|>"); !ok || id != cfg.VideoTokenID || cfg.Vision.Frames != 2 {
		return recipe, false
	}
	p.VideoMarker = cfg.VideoTokenID
	if !cfg.Vision.Third() {
		return imageproc.Qwen2Video(), true
	}
	p.Stamps = &chat.Stamps{Start: cfg.StartTokenID, End: cfg.EndTokenID}
	return imageproc.Qwen3Video(), true
}

const qwenSees = "two frames a second, 4 to 768, in pairs"

// What Qwen-VL has been made of since.
var (
	aboutQwen2VL = About{
		System: "Qwen-VL", Published: []string{"Qwen/Qwen2-VL-2B-Instruct", "Qwen/Qwen2-VL-7B-Instruct"},
		Encoder: "ViT over pictures of any size", Adapter: "patch merger", Language: "Qwen2, positions in three axes",
		Layouts: ggufFiles, Fixtures: []string{"qwen2_vl"}, Presets: []string{"qwen2-vl-2b"}, Videos: qwenSees, Try: []string{tryAsk, tryFilm},
	}
	aboutQwen25VL = About{
		System: "Qwen-VL", Published: []string{"Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"},
		Encoder: "ViT over pictures of any size, attention in windows", Adapter: "patch merger", Language: "Qwen2, positions in three axes",
		Layouts: ggufFiles, Fixtures: []string{"qwen2_5_vl"}, Presets: []string{"qwen2.5-vl-3b"}, Videos: qwenSees + ", positions by the second", Try: []string{tryAsk, tryFilm},
	}
	aboutQwen3VL = About{
		System: "Qwen-VL", Published: []string{"Qwen/Qwen3-VL-2B-Instruct", "Qwen/Qwen3-VL-8B-Instruct"},
		Encoder: "ViT over pictures of any size, features of several layers (DeepStack)", Adapter: "patch mergers", Language: "Qwen3, positions in three axes",
		Layouts: ggufFiles, Fixtures: []string{"qwen3_vl"}, Presets: []string{"qwen3-vl-2b"}, Videos: qwenSees + ", each behind its time as text", Try: []string{tryAsk, tryFilm},
	}
)
