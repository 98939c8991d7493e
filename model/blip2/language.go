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
	declare      func() model.Decoder
}

// parseLanguage reads a text_config, whose model_type says which language model
// it is; the reference's choice where it does not is OPT.
func parseLanguage(data json.RawMessage) (l language, err error) {
	var kind struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return l, err
	}
	switch kind.ModelType {
	case "opt", "":
		var cfg opt.Config
		if cfg, err = opt.ParseConfig(data); err == nil && cfg.EmbedSize != cfg.HiddenSize {
			err = fmt.Errorf("word_embed_proj_dim %d differs from hidden_size %d, the width of the projection", cfg.EmbedSize, cfg.HiddenSize)
		}
		l = language{cfg.HiddenSize, cfg.VocabSize, nil, func() model.Decoder { return opt.New(cfg) }}
	case "t5":
		var cfg t5.Config
		cfg, err = t5.ParseConfig(data)
		l = language{cfg.Width, cfg.VocabSize, []int32{cfg.Start()}, func() model.Decoder { return t5.New(cfg) }}
	case "llama":
		var cfg llama.Config
		cfg, err = llama.ParseConfig(data)
		l = language{cfg.HiddenSize, cfg.VocabSize, nil, func() model.Decoder { return llama.New(cfg) }}
	default:
		err = fmt.Errorf("model_type %q, known here: opt, t5, llama", kind.ModelType)
	}
	return l, err
}
