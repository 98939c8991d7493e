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
		Shared: []checkpoint.Tied{
			{Name: "text_decoder.cls.predictions.decoder.weight", To: "text_decoder.bert.embeddings.word_embeddings.weight"},
			{Name: "text_decoder.cls.predictions.decoder.bias", To: "text_decoder.cls.predictions.bias"},
		},
		Text: "text_config",
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
	p.Start, p.Longest = []int32{cfg.Text.StartID}, cfg.Text.MaxPositions
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

// What BLIP is made of.
var (
	aboutCaptioner = About{
		System: "BLIP", Published: []string{"Salesforce/blip-image-captioning-base", "Salesforce/blip-image-captioning-large"},
		Encoder: "ViT", Adapter: "cross-attention", Language: "BERT's layers, as a decoder",
		Layouts: hubFiles, Fixtures: []string{"blip_caption"}, Presets: []string{"blip-captioning-base"},
		Try: []string{`fovea ask --model {model} --image {picture} --max-tokens 20`, `fovea ask --model {model} --image {picture} --max-tokens 20 --beams 3 "a photo of"`},
	}
	aboutAnswerer = About{
		System: "BLIP", Published: []string{"Salesforce/blip-vqa-base", "Salesforce/blip-vqa-capfilt-large"},
		Encoder: "ViT", Adapter: "cross-attention", Language: "BERT's layers, as an encoder of the question and a decoder of the answer",
		Layouts: hubFiles, Fixtures: []string{"blip_vqa"}, Try: []string{`fovea ask --model {model} --image {picture} --max-tokens 10 "how many dogs are there?"`},
	}
	aboutMatcher = About{
		System: "BLIP", Published: []string{"Salesforce/blip-itm-base-coco", "Salesforce/blip-itm-large-flickr"},
		Encoder: "ViT", Adapter: "cross-attention", Language: "BERT's layers, as an encoder",
		Layouts: hubFiles, Fixtures: []string{"blip_itm"},
		Try: []string{`fovea match --model {model} --image {picture} "a cat" "a dog"`, `fovea classify --model {model} --labels cat,dog,bird {picture}`},
	}
)
