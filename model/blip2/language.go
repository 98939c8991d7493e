package blip2

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/opt"
	"github.com/fovea-ml/fovea/model/t5"
	"github.com/fovea-ml/fovea/tensor"
)

// encoderDecoder is a language model whose encoder reads the prompt.
type encoderDecoder interface {
	model.Decoder
	Sequence(c *tensor.Ctx, p *model.Prompt, x *tensor.Tensor) *model.Sequence
}

// language is what a text_config says.
type language struct {
	width, vocab int
	start        []int32 // what the decoder reads first; nil for decoders alone
	build        func() model.Decoder
}

// parseLanguage reads a text_config, whose model_type says which language model
// it is; missing is the reference's choice where it does not.
func parseLanguage(data json.RawMessage, missing string) (language, error) {
	kind := struct {
		ModelType string `json:"model_type"`
	}{missing}
	if err := json.Unmarshal(data, &kind); err != nil {
		return language{}, err
	}
	switch kind.ModelType {
	case "opt":
		cfg, err := opt.ParseConfig(data)
		return language{width: cfg.HiddenSize, vocab: cfg.VocabSize, build: func() model.Decoder { return opt.New(cfg) }}, err
	case "t5":
		cfg, err := t5.ParseConfig(data)
		return language{cfg.Width, cfg.VocabSize, []int32{cfg.Start()}, func() model.Decoder { return t5.New(cfg) }}, err
	case "llama":
		cfg, err := llama.ParseConfig(data)
		return language{width: cfg.HiddenSize, vocab: cfg.VocabSize, build: func() model.Decoder { return llama.New(cfg) }}, err
	}
	return language{}, fmt.Errorf("model_type %q, known here: opt, t5, llama", kind.ModelType)
}
