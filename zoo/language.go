package zoo

import (
	"fmt"
	"io/fs"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/model/llama"
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

// openPictures reads the picture pipeline and checks that what it makes is what the tower reads.
func openPictures(fsys fs.FS, side int) (*imageproc.Processor, error) {
	p, err := imageproc.OpenProcessor(fsys)
	if err != nil {
		return nil, err
	}
	if w, h := p.OutputSize(side, side); w != side || h != side {
		return nil, fmt.Errorf("preprocessor_config.json makes pictures of %d×%d pixels, and config.json's vision tower reads %d×%d", w, h, side, side)
	}
	return p, nil
}
