package zoo

import (
	"io/fs"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blip"
	"github.com/fovea-ml/fovea/model/blip2"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/convnext"
	"github.com/fovea-ml/fovea/model/dinov2"
	"github.com/fovea-ml/fovea/model/grounding"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/model/opt"
	"github.com/fovea-ml/fovea/model/qwen2vl"
	"github.com/fovea-ml/fovea/model/siglip"
	"github.com/fovea-ml/fovea/model/t5"
	"github.com/fovea-ml/fovea/model/vit"
)

// Family is a row of the table: how a checkpoint of one architecture is read.
type Family struct {
	Architecture string // as config.json lists it under "architectures"
	ModelType    string // as config.json says under "model_type"

	// New declares the model; its parameters are those that nn.Walk finds.
	New func(config []byte) (any, error)
	// Processor opens what turns conversations into prompts; nil for models that generate nothing.
	Processor func(fsys fs.FS, net any) (model.Processor, error)

	Names  []checkpoint.Rename // other dialects of tensor names, turned into ours
	Tied   []checkpoint.Tied   // of which the config says whether they are
	Shared []checkpoint.Tied   // of which the file shows it, by leaving one out
	Text   string              // field of config.json that holds the language model's part, "" if all of it

	Parts []Part // in the order of the data's way through the model

	Boxes *grounding.Dialect // how the model writes down where something is; nil: it does not

	About About
}

// Part is a named group of parameters: those whose name starts with Prefix. A
// name may stand in several rows.
type Part struct{ Name, Prefix string }

// PartOf names the part that a parameter belongs to.
func (f *Family) PartOf(param string) string {
	for _, p := range f.Parts {
		if strings.HasPrefix(param, p.Prefix) {
			return p.Name
		}
	}
	return ""
}

// Families lists every architecture that can be opened.
func Families() []Family {
	return []Family{
		llavaFamily("LlavaForConditionalGeneration", "llava", llava.ParseConfig).about(aboutLLaVA15),
		llavaFamily("LlavaNextForConditionalGeneration", "llava_next", llava.ParseNext).about(aboutLLaVANext),
		llavaFamily("LlavaOnevisionForConditionalGeneration", "llava_onevision", llava.ParseOneVision).about(aboutOneVision),
		blipFamily("BlipForConditionalGeneration", declare(blip.ParseConfig, blip.NewCaptioner), openCaptioner).about(aboutCaptioner),
		blipFamily("BlipForQuestionAnswering", declare(blip.ParseConfig, blip.NewAnswerer), openAnswerer).about(aboutAnswerer),
		blipFamily("BlipForImageTextRetrieval", declare(blip.ParseConfig, blip.NewMatcher), nil).about(aboutMatcher),
		blip2Family("Blip2ForConditionalGeneration", "blip-2", blip2.ParseConfig).about(aboutBLIP2),
		blip2Matcher(matcherArchitecture, declare(blip2.ParseMatcher, blip2.NewMatcher)).about(aboutBLIP2Matcher),
		blip2Matcher(learnerArchitecture, declare(blip2.ParseMatcher, blip2.NewLearner)).about(aboutBLIP2Learner),
		blip2Family("InstructBlipForConditionalGeneration", "instructblip", blip2.ParseInstruct).about(aboutInstruct),
		qwenVLFamily().about(aboutQwenVL),
		qwen2VLFamily("Qwen2VLForConditionalGeneration", "qwen2_vl", qwen2vl.Parse2, grounding.Qwen2VL()).about(aboutQwen2VL),
		qwen2VLFamily("Qwen2_5_VLForConditionalGeneration", "qwen2_5_vl", qwen2vl.Parse25, grounding.Qwen25VL()).about(aboutQwen25VL),
		qwen3VLFamily().about(aboutQwen3VL),
		ensembleFamily("SphinxForConditionalGeneration", "sphinx", grounding.SPHINX()).about(aboutSPHINX),
		ensembleFamily("EnsembleForConditionalGeneration", "ensemble", nil).about(aboutEnsemble),
		{
			Architecture: "LlamaForCausalLM", ModelType: "llama",
			New:       declareText(llama.ParseConfig),
			Processor: openText, Tied: tiedText, Parts: []Part{{"language", ""}},
			About: About{Language: "Llama", Published: []string{"meta-llama/Llama-2-7b-hf", "TinyLlama/TinyLlama-1.1B-Chat-v1.0"}, Layouts: textFiles, Fixtures: []string{"stories260k"}, Presets: []string{"llama-2-7b"}, Try: []string{tryText}},
		},
		{
			Architecture: "Qwen2ForCausalLM", ModelType: "qwen2",
			New:       declareText(llama.ParseQwen2),
			Processor: openText, Tied: tiedText, Parts: []Part{{"language", ""}},
			About: About{Language: "Qwen2, Qwen2.5", Published: []string{"Qwen/Qwen2-0.5B-Instruct"}, Layouts: textFiles, Fixtures: []string{"qwen2", "qwen2_untied"}, Presets: []string{"qwen2-0.5b"}, Try: []string{tryText}},
		},
		{
			Architecture: "OPTForCausalLM", ModelType: "opt",
			New:       declare(opt.ParseConfig, func(cfg opt.Config) (*optModel, error) { return &optModel{opt.New(cfg)}, nil }),
			Processor: openText, Tied: tiedOPT, Parts: []Part{{"language", ""}},
			Names: []checkpoint.Rename{{From: `^decoder\.`, To: "model.decoder."}}, // as the first checkpoints have it
			About: About{Language: "OPT", Published: []string{"facebook/opt-125m"}, Layouts: hubFiles},
		},
		{
			Architecture: "T5ForConditionalGeneration", ModelType: "t5",
			New:       declare(t5.ParseConfig, func(cfg t5.Config) (*t5Model, error) { return &t5Model{t5.New(cfg)}, nil }),
			Processor: openT5, Tied: tiedT5(""), Parts: []Part{{"language", ""}},
			About: About{Language: "T5, T5 1.1, Flan-T5", Published: []string{"google/flan-t5-base"}, Layouts: hubFiles},
		},
		{
			Architecture: "Qwen3ForCausalLM", ModelType: "qwen3",
			New:       declareText(llama.ParseQwen3),
			Processor: openText, Tied: tiedText, Parts: []Part{{"language", ""}},
			About: About{Language: "Qwen3", Published: []string{"Qwen/Qwen3-0.6B"}, Layouts: textFiles, Fixtures: []string{"qwen3"}, Try: []string{tryText}},
		},
		{
			Architecture: "CLIPModel", ModelType: "clip",
			New: func(config []byte) (any, error) {
				return declare(clip.ParseConfig, clip.New)(config)
			},
			Parts: []Part{{"vision", "vision_model."}, {"text", "text_model."}, {"adapter", ""}},
			About: About{Encoder: "CLIP, pictures and texts", Published: []string{"openai/clip-vit-base-patch32"}, Layouts: hubFiles, Fixtures: []string{"clip"}, Presets: []string{"clip-vit-b-32"}, Try: []string{`fovea match --model {model} --image {picture} "a cat" "a dog"`, `fovea classify --model {model} --labels cat,dog,bird {picture}`, `fovea embed --model {model} --image {picture}`}},
		},
		{
			Architecture: "CLIPVisionModel", ModelType: "clip_vision_model",
			New: func(config []byte) (any, error) {
				cfg, err := clip.ParseVision(config)
				if err != nil {
					return nil, err
				}
				v, err := clip.NewVision(cfg, vit.Output{})
				return &clip.VisionModel{Vision: v}, err
			},
			Names: []checkpoint.Rename{
				{From: `^(embeddings|encoder|pre_layrnorm|post_layernorm)\.`, To: "vision_model.${1}."},
			},
			Parts: visionOnly,
			About: About{Encoder: "CLIP's picture tower", Published: []string{"openai/clip-vit-large-patch14-336"}, Layouts: hubFiles, Fixtures: []string{"clip_vision"}, Presets: []string{"clip-vit-l-14-336"}},
		},
		{
			Architecture: "SiglipModel", ModelType: "siglip",
			New:   declare(siglip.ParseDual, siglip.New),
			Parts: []Part{{"vision", "vision_model."}, {"text", "text_model."}, {"adapter", ""}},
			About: About{Encoder: "SigLIP, pictures and texts", Published: []string{"google/siglip-base-patch16-224", "google/siglip-so400m-patch14-384"}, Layouts: hubFiles, Fixtures: []string{"siglip"}, Try: []string{`fovea match --model {model} --image {picture} "a cat" "a dog"`, `fovea classify --model {model} --labels cat,dog,bird {picture}`, `fovea embed --model {model} --image {picture}`}},
		},
		{
			Architecture: "SiglipVisionModel", ModelType: "siglip_vision_model",
			New: func(config []byte) (any, error) {
				cfg, err := siglip.ParseConfig(config)
				if err != nil {
					return nil, err
				}
				v, err := siglip.NewVision(cfg, vit.Output{})
				return &siglip.VisionModel{Vision: v}, err
			},
			Names: []checkpoint.Rename{
				{From: `^(embeddings|encoder|post_layernorm|head)\.`, To: "vision_model.${1}."},
			},
			Parts: visionOnly,
			About: About{Encoder: "SigLIP's picture tower", Published: []string{"google/siglip-so400m-patch14-384"}, Layouts: hubFiles, Fixtures: []string{"siglip_vision"}},
		},
		{
			Architecture: "Dinov2Model", ModelType: "dinov2",
			New: declare(dinov2.ParseConfig, func(cfg dinov2.Config) (*dinov2.Vision, error) {
				return dinov2.NewVision(cfg, vit.Output{})
			}),
			Parts: visionOnly,
			About: About{Encoder: "DINOv2", Published: []string{"facebook/dinov2-large", "facebook/dinov2-giant"}, Layouts: hubFiles, Fixtures: []string{"dinov2"}},
		},
		{
			Architecture: "ConvNextModel", ModelType: "convnext",
			New:   declare(convnext.ParseConfig, convnext.New),
			Parts: visionOnly,
			About: About{Encoder: "ConvNeXt", Published: []string{"facebook/convnext-base-224"}, Layouts: hubFiles, Fixtures: []string{"convnext"}},
		},
	}
}

// visionOnly are the parts of an encoder alone.
var visionOnly = []Part{{"vision", ""}}

// declare joins the two steps of most families: config, then model.
func declare[C, M any](parse func([]byte) (C, error), build func(C) (M, error)) func([]byte) (any, error) {
	return func(config []byte) (any, error) {
		cfg, err := parse(config)
		if err != nil {
			return nil, err
		}
		return build(cfg)
	}
}

// tiedText is a head that may be the embedding table of a language model alone.
var tiedText = []checkpoint.Tied{{Name: "lm_head.weight", To: "model.embed_tokens.weight"}}

// tiedOPT is the same for OPT.
var tiedOPT = []checkpoint.Tied{{Name: "lm_head.weight", To: "model.decoder.embed_tokens.weight"}}

// tiedT5 are the copies of the embedding table that a checkpoint of T5 may have.
func tiedT5(prefix string) (list []checkpoint.Tied) {
	for _, name := range []string{"lm_head.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"} {
		list = append(list, checkpoint.Tied{Name: prefix + name, To: prefix + "shared.weight"})
	}
	return list
}

// declareText declares a decoder alone.
func declareText(parse func([]byte) (llama.Config, error)) func([]byte) (any, error) {
	return func(config []byte) (any, error) {
		cfg, err := parse(config)
		if err != nil {
			return nil, err
		}
		return &languageModel{llama.New(cfg)}, nil
	}
}

func openText(fsys fs.FS, _ any) (model.Processor, error) {
	p, err := openChat(fsys)
	if err != nil {
		return nil, err
	}
	return p, nil
}

var _ model.Processor = (*chat.Processor)(nil)
