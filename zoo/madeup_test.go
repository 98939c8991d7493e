package zoo

import (
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/model/projector"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/tensor"
)

// owl is a family that nobody has: what a folder under model/ would hold. It is LLaVA
// under other names.
type owl struct {
	Eye    *clip.Vision   `ckpt:"eye"`
	Nerve  *projector.MLP `ckpt:"nerve"`
	Tongue *llama.Model   `ckpt:"tongue"`

	image int32
}

func newOwl(cfg llava.Config) (*owl, error) {
	eye, err := clip.NewVision(cfg.Vision, vit.Output{Layers: cfg.FeatureLayers, DropClass: true, Stage: "vision."})
	if err != nil {
		return nil, err
	}
	nerve := projector.NewMLP(eye.Width(), cfg.Text.HiddenSize, cfg.ProjectorBias, cfg.ProjectorAct)
	return &owl{eye, nerve, llama.New(cfg.Text), cfg.ImageTokenID}, nil
}

func (o *owl) Decoder() model.Decoder                               { return o.Tongue }
func (o *owl) Tokens(*model.Tiles) int                              { return o.Eye.Rows() }
func (o *owl) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence { return model.EmbedAmong(c, o, p) }

func (o *owl) Features(c *tensor.Ctx, images []*model.Tiles) *tensor.Tensor {
	return o.Nerve.Adapt(c, o.Eye.Encode(c, model.ViewsOf(images)))
}

// owlFamily is the line of the table.
func owlFamily() Family {
	return Family{
		Architecture: "OwlForConditionalGeneration", ModelType: "owl",
		New: declare(llava.ParseConfig, newOwl),
		Processor: func(fsys fs.FS, net any) (model.Processor, error) {
			p, err := openChat(fsys)
			if err != nil {
				return nil, err
			}
			o := net.(*owl)
			p.Marker, p.Tokens = o.image, o.Tokens
			p.Pictures, err = openPictures(fsys, o.Eye.Config().ImageSize)
			return p, err
		},
		Names: []checkpoint.Rename{
			{From: "vision_tower.vision_model.", To: "eye."}, {From: "multi_modal_projector.", To: "nerve."}, {From: "language_model.", To: "tongue."},
		},
		Text:  "text_config",
		Parts: []Part{{"vision", "eye."}, {"adapter", "nerve."}, {"language", "tongue."}},
	}
}

// TestMadeUpFamily opens LLaVA's checkpoint as a family that consists of what stands
// above, and of nothing else in this repository: it answers as LLaVA does.
func TestMadeUpFamily(t *testing.T) {
	const dir = "../testdata/llava15"
	want, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	m := &Model{Name: "owl", Family: owlFamily(), Config: want.Config, files: os.DirFS(dir)}
	if m.Net, err = m.Family.New(m.Config); err != nil {
		t.Fatal(err)
	}
	if err := m.openProcessor(); err != nil {
		t.Fatal(err)
	}
	if m.ckpt, err = checkpoint.Open(m.files, "."); err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := m.bind(); err != nil {
		t.Fatal(err)
	}
	img, err := imageproc.OpenFile(dir+"/image0.png", imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, got, _ := answer(t, m, user("What is it?", img))
	_, exp, _ := answer(t, want, user("What is it?", img))
	if len(got) == 0 || !slices.Equal(got, exp) {
		t.Error("the made-up family answers otherwise than LLaVA, whose weights it has")
	}
	if part := m.Family.PartOf("nerve.linear_1.weight"); part != "adapter" {
		t.Errorf("its adapter is in %q", part)
	}
}
