package zoo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model/blip2"
	"github.com/fovea-ml/fovea/tokenizer"
)

// OpenLAVIS opens BLIP-2 or InstructBLIP as its authors' repository, LAVIS, keeps
// it: a file of torch.save with the Q-Former, the projection and, where it was
// trained, the picture encoder; else that is in evaFile or clipFile beside it. The
// language model, which was not trained, is in a Hugging Face directory; language is ""
// for files of the first stage of training, which go without. The tokenizer of a
// Q-Former that reads text is in the directory bertDir beside the file. The config is
// made of the shapes of the tensors and of the language model's; a JSON file of the
// same name beside the file may set what shapes do not tell, as a config.json would.
func OpenLAVIS(path, language string) (*Model, error) {
	m := &Model{Name: path, files: os.DirFS(filepath.Dir(path))}
	if err := m.openLAVIS(path, language); err != nil {
		m.Close() // the reason is err
		return nil, fmt.Errorf("zoo: %s: %w", path, err)
	}
	return m, nil
}

// Beside the file: the picture encoders, as the authors publish them, and BERT's tokenizer.
const (
	evaFile  = "eva_vit_g.pth"
	clipFile = "clip_vit_L.pth"
	bertDir  = "bert-base-uncased"
)

func (m *Model) openLAVIS(path, language string) (err error) {
	if m.ckpt, err = openFile(path); err != nil {
		return err
	}
	l := newLAVIS(m.ckpt)
	if !l.q.has("query_tokens") {
		return errors.New("no query_tokens in it: this is no BLIP-2 of LAVIS")
	}
	switch alone := l.language() == ""; {
	case alone && language != "":
		return errors.New("it was trained without a language model: leave that out")
	case !alone && language == "":
		return errors.New("the file has no language model: name the directory of the one that it was trained with")
	}
	if err := m.openEye(l, filepath.Dir(path)); err != nil {
		return err
	}
	over := besideLAVIS(path)
	if language == "" {
		return m.openStage1(l, over)
	}
	lm := os.DirFS(language)
	text, err := fs.ReadFile(lm, "config.json")
	if err != nil {
		return fmt.Errorf("%s: %w", language, err)
	}
	config, err := l.config(text)
	if err == nil {
		err = override(config, m.files, over)
	}
	if err != nil {
		return err
	}
	if err := m.configured(config); err != nil {
		return err
	}
	if m.Net, err = m.Family.New(m.Config); err != nil {
		return err
	}
	if _, ok := m.Net.(*blip2.Model); !ok {
		return fmt.Errorf("the JSON file beside it makes it a %s", m.Family.Architecture)
	}
	c, err := checkpoint.Open(lm, ".")
	if err != nil {
		return fmt.Errorf("%s: %w", language, err)
	}
	m.others = append(m.others, c)
	names := []checkpoint.Rename{{From: "^", To: languagePrefix}} // the language model's file has it alone
	if err := errors.Join(l.bind(m.params()), m.bindPart(c, languagePrefix, names, nil)); err != nil {
		return err
	}
	return m.processLAVIS(l, lm)
}

// besideLAVIS is the name of the JSON file beside a file of LAVIS.
func besideLAVIS(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + ".json"
}

// openEye finds the picture encoder, in the file or beside it.
func (m *Model) openEye(l *lavis, dir string) error {
	if l.eye == nil {
		for _, name := range []string{evaFile, clipFile} {
			c, err := openFile(filepath.Join(dir, name))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return err
			}
			m.others = append(m.others, c)
			if l.eye == nil || !l.sees() {
				l.eye = &part{c: c}
			}
		}
	}
	switch {
	case l.eye == nil:
		return fmt.Errorf("the file has no picture encoder, and neither %s nor %s is beside it", evaFile, clipFile)
	case l.eye.has(evaPositions) && l.eye.has(clipPositions):
		return fmt.Errorf("its picture encoder has both %s, of EVA, and %s, of CLIP: the file is of two models", evaPositions, clipPositions)
	}
	return l.eye.c.SplitRows(`^(.*transformer\.resblocks\.\d+\.attn\.)in_proj_(weight|bias)$`, "${1}q_proj.${2}", "${1}k_proj.${2}", "${1}v_proj.${2}")
}

// processLAVIS opens what turns conversations into prompts: the language model's
// tokenizer, and pictures as LAVIS prepares them to answer.
func (m *Model) processLAVIS(l *lavis, lm fs.FS) error {
	net := m.Net.(*blip2.Model)
	tok, err := tokenizer.OpenFS(lm, ".")
	if err != nil {
		return err
	}
	eos, ok := tok.EOS()
	if l.language() == "llama" && ok {
		tok = tok.WithBOS(eos) // as the authors have it
	}
	side := net.Config().Vision.ImageSize
	pictures := imageproc.NewPipeline(imageproc.CLIPNormalize(), imageproc.ResizeTo{W: side, H: side, Filter: imageproc.Bicubic})
	p := blip2Processor(tok, pictures, net)
	if net.Config().Instructed {
		if p.Adapter, err = tokenizer.OpenFS(m.files, bertDir); err != nil {
			return fmt.Errorf("the Q-Former reads text, and its tokenizer must be in the directory %s beside the file: %w", bertDir, err)
		}
		p.Longest = net.Config().QFormer.MaxPositions
	}
	m.Processor, m.Tokenizer, m.Pictures = p, tok, pictures
	if m.Generation, err = readGeneration(lm, m); err != nil {
		return err
	}
	if line := tok.Encode("\n", tokenizer.Bare); len(line) > 0 && l.language() == "opt" {
		m.Generation.EOS = line[len(line)-1:] // OPT answers a line
	}
	return nil
}
