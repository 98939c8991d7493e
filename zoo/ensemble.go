package zoo

import (
	"fmt"
	"io/fs"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/grounding"
	"github.com/fovea-ml/fovea/model/sphinx"
)

// ensembleFamily is the row of models whose config.json lists encoders. SPHINX
// checkpoints are opened as such ones.
func ensembleFamily(architecture, modelType string, boxes *grounding.Dialect) Family {
	return Family{
		Architecture: architecture, ModelType: modelType,
		New:       declare(sphinx.ParseConfig, sphinx.New),
		Processor: openEnsemble,
		Tied:      []checkpoint.Tied{{Name: languagePrefix + "lm_head.weight", To: languagePrefix + "model.embed_tokens.weight"}},
		Text:      "text_config",
		Boxes:     boxes,
		Parts:     []Part{{"vision", "vision."}, {"adapter", "adapters."}, {"adapter", "view_"}, {"language", languagePrefix}},
	}
}

func openEnsemble(fsys fs.FS, net any) (model.Processor, error) {
	m := net.(*sphinx.Model)
	p, err := openChat(fsys)
	if err != nil {
		return nil, err
	}
	if p.Pictures, err = openPictures(fsys, m.Vision.Side()); err != nil {
		return nil, err
	}
	if got, want := p.Pictures.Normalize(), m.Vision.Normalize(); got.Mean != want.Mean || got.Std != want.Std {
		return nil, fmt.Errorf("preprocessor_config.json normalises by %v and %v, and config.json's vision by %v and %v", got.Mean, got.Std, want.Mean, want.Std)
	}
	p.Pictures = p.Pictures.Cut(m.Vision.Grid())
	p.Tokens = m.Tokens
	if token := m.Config().ImageToken; token != nil {
		p.Marker = *token
		return p, nil
	}
	p.Marker, p.Ahead, p.Second, p.Inline = noToken, true, true, true
	return p, nil
}

// noToken stands for placeholders where no token of the vocabulary does.
const noToken = -1

// What SPHINX is made of, and what may be made like it.
var (
	aboutSPHINX = About{
		System: "SPHINX", Published: []string{"Alpha-VLLM/SPHINX", "SPHINX-1k", "SPHINX-v2-1k", "SPHINX-2k", "SPHINX-Tiny", "SPHINX-Tiny-1k"},
		Encoder: "CLIP, ConvNeXt, DINOv2 and BLIP-2's Q-Former over the whole and its parts", Adapter: "two projections", Language: "Llama",
		Layouts:  "its authors' meta.json with consolidated.NN-of-NN.model.pth, or safetensors of this repository",
		Fixtures: []string{"sphinx_1k", "sphinx_tiny"}, Presets: []string{"sphinx-2k", "sphinx-tiny"}, Try: []string{tryAsk},
	}
	aboutEnsemble = About{
		System: "SPHINX", Published: []string{"your own: docs/ensembles.md"},
		Encoder: "any list of CLIP, SigLIP, DINOv2, ConvNeXt and Q-Formers", Adapter: "linear or MLP, one for each group", Language: "Llama, Mistral or Qwen2",
		Layouts: "safetensors of this repository; begun from the directories of the parts",
	}
)
