package zoo

import (
	"io/fs"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blip"
	"github.com/fovea-ml/fovea/model/chat"
)

// blipFamily is the row of one of BLIP's architectures.
func blipFamily(architecture string, build func(config []byte) (any, error), open func(fs.FS, any) (model.Processor, error)) Family {
	return Family{
		Architecture: architecture, ModelType: "blip",
		New: build, Processor: open,
		Names: []checkpoint.Rename{{From: "text_decoder.cls.predictions.decoder.bias", To: "text_decoder.cls.predictions.bias"}},
		Tied:  []checkpoint.Tied{{Name: "text_decoder.cls.predictions.decoder.weight", To: "text_decoder.bert.embeddings.word_embeddings.weight"}},
		Text:  "text_config",
		Parts: []Part{
			{"vision", "vision_model."}, {"language", "text_encoder."}, {"language", "text_decoder."},
			{"adapter", "vision_proj."}, {"adapter", "text_proj."}, {"adapter", "itm_head."},
		},
	}
}

// openCaptioner reads text as the beginning of a caption: its first token is the
// one that captions begin with, and nothing ends it.
func openCaptioner(fsys fs.FS, net any) (model.Processor, error) {
	cfg := net.(*blip.Captioner).Config()
	p, err := openBLIP(fsys, cfg)
	if err != nil {
		return nil, err
	}
	p.Frame = func(ids []int32) []int32 {
		if len(ids) < 2 {
			return []int32{cfg.Text.StartID}
		}
		return append([]int32{cfg.Text.StartID}, ids[1:len(ids)-1]...)
	}
	return p, nil
}

// openAnswerer reads a question whole, and begins the answer.
func openAnswerer(fsys fs.FS, net any) (model.Processor, error) {
	cfg := net.(*blip.Answerer).Config()
	p, err := openBLIP(fsys, cfg)
	if err != nil {
		return nil, err
	}
	p.Start = []int32{cfg.Text.StartID}
	return p, nil
}

// openBLIP opens what BLIP's models have in common.
func openBLIP(fsys fs.FS, cfg blip.Config) (*chat.Processor, error) {
	p, err := openChat(fsys)
	if err != nil {
		return nil, err
	}
	p.Ahead, p.EOS = true, p.Tok.Token(cfg.Text.EndID)
	p.Pictures, err = openPictures(fsys, cfg.Vision.ImageSize)
	return p, err
}
