package zoo

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/opt"
	"github.com/fovea-ml/fovea/model/t5"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/tokenizer"
)

// languageModel makes a decoder alone a model that can be prompted with text.
type languageModel struct {
	*llama.Model `ckpt:""`
}

func (m *languageModel) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return &model.Sequence{X: m.Model.Embed(c, p.IDs), Starts: p.Starts, Branches: p.Branches}
}

func (m *languageModel) Decoder() model.Decoder { return m.Model }

// optModel is the same of OPT.
type optModel struct {
	Language *opt.Model `ckpt:""`
}

func (m *optModel) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return &model.Sequence{X: m.Language.Embed(c, p.IDs), Starts: p.Starts, Branches: p.Branches}
}

func (m *optModel) Decoder() model.Decoder { return m.Language }

// t5Model makes T5 a model that can be prompted with text for its encoder.
type t5Model struct {
	Language *t5.Model `ckpt:""`
}

func (m *t5Model) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return m.Language.Sequence(c, p, m.Language.Embed(c, p.IDs))
}

func (m *t5Model) Decoder() model.Decoder { return m.Language }

func openT5(fsys fs.FS, net any) (model.Processor, error) {
	p, err := openChat(fsys)
	if err != nil {
		return nil, err
	}
	cfg := net.(*t5Model).Language.Config()
	p.Start = []int32{cfg.Start()}
	return p, nil
}

// openChat reads the tokenizer and, if there is one, the chat template.
func openChat(fsys fs.FS) (*chat.Processor, error) {
	tok, err := tokenizer.OpenFS(fsys, ".")
	if err != nil {
		return nil, err
	}
	p := &chat.Processor{Tok: tok}
	if tok.HasChatTemplate("") {
		p.Template, err = tok.ChatTemplate("")
	}
	return p, err
}

// openPictures reads the picture pipeline and checks that it makes of a picture the one view that the tower reads.
func openPictures(fsys fs.FS, side int) (*imageproc.Processor, error) {
	p, err := openTiles(fsys, side)
	if err == nil && p.Tiling() != nil {
		err = errors.New("preprocessor_config.json cuts pictures into tiles, and config.json's model reads one view of each")
	}
	return p, err
}

// openTiles is the same for a model that may read tiles beside the whole.
func openTiles(fsys fs.FS, side int) (*imageproc.Processor, error) {
	p, err := imageproc.OpenProcessor(fsys)
	if err != nil {
		return nil, err
	}
	if w, h := p.OutputSize(side, side); w != side || h != side {
		return nil, fmt.Errorf("preprocessor_config.json makes pictures of %d×%d pixels, and config.json's vision tower reads %d×%d", w, h, side, side)
	}
	if d := p.Dynamic(); d != nil {
		return nil, fmt.Errorf("preprocessor_config.json makes %v of a picture, which this model does not read", d)
	}
	return p, nil
}
