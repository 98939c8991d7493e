package zoo

import (
	"fmt"
	"image"
	"io/fs"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/model/grounding"
	"github.com/fovea-ml/fovea/model/llava"
)

// llavaFamily is the row of one of LLaVA's architectures.
func llavaFamily(architecture, modelType string, parse func([]byte) (llava.Config, error)) Family {
	return Family{
		Architecture: architecture, ModelType: modelType,
		New:       declare(parse, llava.New),
		Processor: openLLaVA,
		Names: []checkpoint.Rename{ // transformers 4.52 and later
			{From: "model.vision_tower.", To: "vision_tower."},
			{From: "model.multi_modal_projector.", To: "multi_modal_projector."},
			{From: "model.image_newline", To: "image_newline"},
			{From: "model.language_model.", To: "language_model.model."},
			{From: "lm_head.", To: "language_model.lm_head."},
			{From: `^vision_tower\.(embeddings|encoder|pre_layrnorm|post_layernorm|head)\.`, To: "vision_tower.vision_model.${1}."},
		},
		Tied:  []checkpoint.Tied{{Name: "language_model.lm_head.weight", To: "language_model.model.embed_tokens.weight"}},
		Text:  "text_config",
		Boxes: grounding.LLaVA(),
		Parts: []Part{{"vision", "vision_tower."}, {"adapter", "multi_modal_projector."}, {"adapter", "image_newline"}, {"language", "language_model."}},
	}
}

func openLLaVA(fsys fs.FS, net any) (model.Processor, error) {
	m := net.(*llava.Model)
	p, err := openChat(fsys)
	if err != nil {
		return nil, err
	}
	p.Tokens = m.Tokens
	if err := markAs(p, m.Config().ImageTokenID, "<image>"); err != nil {
		return nil, err
	}
	if p.Pictures, err = openTiles(fsys, m.Vision.Config().ImageSize); err != nil {
		return nil, err
	}
	switch tiles, cut := m.Config().Tiles, p.Pictures.Tiling(); {
	case cut == nil: // the whole picture alone, as LLaVA-NeXT's projector is taught
	case tiles == nil:
		return nil, fmt.Errorf("preprocessor_config.json cuts pictures into tiles, and config.json's model reads whole pictures")
	case !slices.EqualFunc(tiles.Pinpoints, cut.Sizes, func(p []int, s image.Point) bool { return image.Pt(p[1], p[0]) == s }):
		return nil, fmt.Errorf("image_grid_pinpoints differ in config.json and preprocessor_config.json")
	}
	return p, openLLaVAVideos(fsys, p, m)
}

// openLLaVAVideos is for LLaVA-OneVision, if the tokenizer has the token of videos.
func openLLaVAVideos(fsys fs.FS, p *chat.Processor, m *llava.Model) (err error) {
	cfg := m.Config()
	if id, ok := p.Tok.ID("<video>"); !ok || cfg.VideoTokenID == 0 || id != cfg.VideoTokenID {
		return nil
	}
	p.VideoMarker = cfg.VideoTokenID
	if p.Videos, err = imageproc.OpenVideoProcessor(fsys, imageproc.OneVisionVideo()); err != nil {
		return err
	}
	side := cfg.Vision.ImageSize
	if w, h := p.Videos.FrameSize(side, side); w != side || h != side {
		return fmt.Errorf("videos are prepared by %v, and config.json's vision tower reads %d×%d pixels", p.Videos, side, side)
	}
	return nil
}

// What LLaVA is made of.
var (
	aboutLLaVA15 = About{
		System: "LLaVA", Published: []string{"llava-hf/llava-1.5-7b-hf", "llava-hf/llava-1.5-13b-hf"},
		Encoder: "CLIP ViT-L/14 at 336 pixels, or SigLIP", Adapter: "two layers, or one", Language: "Llama (Vicuna), Mistral or Qwen2",
		Layouts: ggufFiles + "; its authors' repository: whole, a projector or LoRA weights, beside language model and tower", Fixtures: []string{"llava15"}, Presets: []string{"llava-1.5-7b"}, Try: []string{tryAsk, `fovea chat --model {model} --image {picture}`},
	}
	aboutLLaVANext = About{
		System: "LLaVA", Published: []string{
			"llava-hf/llava-v1.6-vicuna-7b-hf", "llava-hf/llava-v1.6-mistral-7b-hf", "llava-hf/llama3-llava-next-8b-hf", "llava-hf/llava-next-72b-hf",
		},
		Encoder: "CLIP ViT-L/14 at 336 pixels, over the picture and its tiles", Adapter: "two layers", Language: "Llama (Vicuna, Llama 3), Mistral or Qwen2",
		Layouts: ggufFiles + "; its authors' repository", Fixtures: []string{"llava_next", "llava_next_mistral", "llava_next_llama3", "llava_next_qwen"}, Presets: []string{"llava-v1.6-vicuna-7b"},
		Try: []string{tryAsk, `fovea inspect {model} --image {picture} --draw tiles.png`},
	}
	aboutOneVision = About{
		System: "LLaVA", Published: []string{"llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "llava-hf/llava-onevision-qwen2-7b-ov-hf"},
		Encoder: "SigLIP so400m at 384 pixels, over the picture and its tiles", Adapter: "two layers", Language: "Qwen2",
		Layouts: hubFiles, Fixtures: []string{"llava_onevision"}, Presets: []string{"llava-onevision-qwen2-0.5b"}, Videos: "up to 32 frames, evenly spaced", Try: []string{tryAsk, tryFilm},
	}
)
