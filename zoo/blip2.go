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
		Encoder: "EVA ViT-g at 224 pixels", Adapter: "Q-Former and one layer", Language: "OPT or T5",
		Layouts: hubFiles + "; LAVIS's .pth beside a language model's directory", Fixtures: []string{"blip2_opt", "blip2_t5"}, Presets: []string{"blip2-opt-2.7b"},
		Try: []string{`fovea ask --model {model} --image {picture} --max-tokens 20`, `fovea ask --model {model} --image {picture} --max-tokens 10 "Question: how many dogs are there? Answer:"`},
	}
	aboutInstruct = About{
		System: "BLIP-2", Published: []string{"Salesforce/instructblip-vicuna-7b", "Salesforce/instructblip-flan-t5-xl"},
		Encoder: "EVA ViT-g at 224 pixels", Adapter: "Q-Former that reads the question, and one layer", Language: "Llama (Vicuna) or T5",
		Layouts: hubFiles + "; LAVIS's .pth beside a language model's directory", Fixtures: []string{"instructblip"}, Presets: []string{"instructblip-vicuna-7b"},
		Try: []string{`fovea ask --model {model} --image {picture} --max-tokens 20 "What is unusual about this picture?"`},
	}
)
