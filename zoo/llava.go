package zoo

import (
	"fmt"
	"image"
	"io/fs"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model"
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
		Parts: []Part{{"vision", "vision_tower."}, {"adapter", "multi_modal_projector."}, {"adapter", "image_newline"}, {"language", "language_model."}},
	}
}

func openLLaVA(fsys fs.FS, net any) (model.Processor, error) {
	m := net.(*llava.Model)
	p, err := openChat(fsys)
	if err != nil {
		return nil, err
	}
	p.Marker, p.Tokens = m.Config().ImageTokenID, m.Tokens
	if p.Pictures, err = openPictures(fsys, m.Vision.Config().ImageSize); err != nil {
		return nil, err
	}
	cut := p.Pictures.Tiling()
	switch tiles := m.Config().Tiles; {
	case (tiles == nil) != (cut == nil):
		return nil, fmt.Errorf("preprocessor_config.json cuts pictures into tiles: %v; config.json's model reads tiles: %v", cut != nil, tiles != nil)
	case tiles != nil && !slices.EqualFunc(tiles.Pinpoints, cut.Sizes, func(p []int, s image.Point) bool { return image.Pt(p[1], p[0]) == s }):
		return nil, fmt.Errorf("image_grid_pinpoints differ in config.json and preprocessor_config.json")
	}
	return p, nil
}
