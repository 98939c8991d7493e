package zoo

import (
	"fmt"
	"io/fs"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blip2"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/tokenizer"
)

// blip2Family is the row of BLIP-2 or InstructBLIP.
func blip2Family(architecture, modelType string, parse func([]byte) (blip2.Config, error)) Family {
	tied := tiedT5(languagePrefix)
	for _, table := range []string{"model.decoder.embed_tokens.weight", "model.embed_tokens.weight"} { // OPT, Llama
		tied = append(tied, checkpoint.Tied{Name: languagePrefix + "lm_head.weight", To: languagePrefix + table})
	}
	return Family{
		Architecture: architecture, ModelType: modelType,
		New:       declare(parse, blip2.New),
		Processor: openBLIP2,
		Tied:      tied,
		Text:      "text_config",
		Parts: []Part{
			{"vision", "vision_model."}, {"adapter", "query_tokens"}, {"adapter", "qformer."}, {"adapter", "language_projection."},
			{"language", languagePrefix},
		},
	}
}

// blip2Matcher is the row of one of those that tell whether a text belongs to a picture.
func blip2Matcher(architecture string, build func(config []byte) (any, error)) Family {
	return Family{
		Architecture: architecture, ModelType: "blip-2",
		New: build,
		Tied: []checkpoint.Tied{
			{Name: "cls.predictions.decoder.weight", To: "embeddings.word_embeddings.weight"},
			{Name: "cls.predictions.decoder.bias", To: "cls.predictions.bias"},
		},
		Parts: []Part{
			{"vision", "vision_model."}, {"adapter", "query_tokens"}, {"adapter", "qformer."}, {"adapter", "embeddings."},
			{"adapter", "vision_projection."}, {"adapter", "text_projection."}, {"adapter", "itm_head."}, {"adapter", "temp"}, {"adapter", "cls."},
		},
	}
}

// captionStart is the token that LAVIS adds to BERT's, for captions to begin with.
const captionStart = "[DEC]"

// beginCaptions tells a net that writes captions which token they begin with. A
// tokenizer that is BERT's as it was has no such token: LAVIS adds it behind the others.
func (m *Model) beginCaptions() error {
	net, ok := m.Net.(*blip2.Learner)
	if !ok {
		return nil
	}
	id, ok := m.Tokenizer.ID(captionStart)
	if !ok {
		id, ok = m.Tokenizer.BOS()
	}
	if !ok && net.Vocab() > m.Tokenizer.Size() {
		id, ok = int32(m.Tokenizer.Size()), true
	}
	if !ok {
		return fmt.Errorf("the tokenizer has no %s, which captions begin with, and the model no row for one behind the others: add it as bos_token", captionStart)
	}
	net.BeginCaptions(id)
	return nil
}

func openBLIP2(fsys fs.FS, net any) (model.Processor, error) {
	m := net.(*blip2.Model)
	tok, err := tokenizer.OpenFS(fsys, ".")
	if err != nil {
		return nil, err
	}
	pictures, err := openPictures(fsys, m.Config().Vision.ImageSize)
	if err != nil {
		return nil, err
	}
	p := blip2Processor(tok, pictures, m)
	if !m.Config().Instructed {
		return p, nil
	}
	if p.Adapter, err = tokenizer.OpenFS(fsys, "qformer_tokenizer"); err != nil {
		return nil, fmt.Errorf("the tokenizer of the Q-Former: %w", err)
	}
	if err := fits(p.Adapter, m.Config().QFormer.VocabSize, nil); err != nil {
		return nil, fmt.Errorf("qformer_tokenizer: %w", err)
	}
	p.Longest = m.Config().QFormer.MaxPositions
	return p, nil
}

// blip2Processor puts a picture's placeholders ahead of the text.
func blip2Processor(tok *tokenizer.Tokenizer, pictures *imageproc.Processor, m *blip2.Model) *chat.Processor {
	cfg := m.Config()
	return &chat.Processor{Tok: tok, Pictures: pictures, Ahead: true, Marker: cfg.ImageTokenID, Tokens: m.Tokens, Start: cfg.Start}
}

// What BLIP-2 is made of.
var (
	aboutBLIP2 = About{
		System: "BLIP-2", Published: []string{"Salesforce/blip2-opt-2.7b", "Salesforce/blip2-flan-t5-xl"},
		Encoder: "EVA ViT-g at 224 pixels, or CLIP ViT-L", Adapter: "Q-Former and one layer", Language: "OPT or T5",
		Layouts: hubFiles + "; LAVIS's .pth beside a language model's directory", Fixtures: []string{"blip2_opt", "blip2_t5"}, Presets: []string{"blip2-opt-2.7b"},
		Try: []string{`fovea ask --model {model} --image {picture} --max-tokens 20`, `fovea ask --model {model} --image {picture} --max-tokens 10 "Question: how many dogs are there? Answer:"`},
	}
	aboutBLIP2Matcher = About{
		System: "BLIP-2", Published: []string{"Salesforce/blip2-itm-vit-g", "Salesforce/blip2-itm-vit-g-coco"},
		Encoder: "EVA ViT-g at 224 pixels, or CLIP ViT-L", Adapter: "Q-Former that reads text too",
		Layouts: hubFiles + "; LAVIS's .pth", Fixtures: []string{"blip2_itm"},
		Try: []string{`fovea match --model {model} --image {picture} "a cat" "a dog"`, `fovea classify --model {model} --labels cat,dog,bird {picture}`, `fovea embed --model {model} --image {picture}`},
	}
	aboutBLIP2Learner = About{
		System: "BLIP-2, first stage of training", Published: []string{"LAVIS's blip2_pretrained.pth", "LAVIS's blip2_pretrained_vitL.pth"},
		Encoder: "EVA ViT-g at 224 pixels, or CLIP ViT-L", Adapter: "Q-Former that reads and writes text",
		Layouts: "LAVIS's .pth beside BERT's tokenizer; safetensors, in the names of Blip2ForImageTextRetrieval", Fixtures: []string{"blip2_stage1"},
		Try: []string{`fovea match --model {model} --image {picture} "a cat" "a dog"`, `fovea eval retrieval --model {model}`},
	}
	aboutInstruct = About{
		System: "BLIP-2", Published: []string{"Salesforce/instructblip-vicuna-7b", "Salesforce/instructblip-flan-t5-xl"},
		Encoder: "EVA ViT-g at 224 pixels", Adapter: "Q-Former that reads the question, and one layer", Language: "Llama (Vicuna) or T5",
		Layouts: hubFiles + "; LAVIS's .pth beside a language model's directory", Fixtures: []string{"instructblip"}, Presets: []string{"instructblip-vicuna-7b"},
		Try: []string{`fovea ask --model {model} --image {picture} --max-tokens 20 "What is unusual about this picture?"`},
	}
)
