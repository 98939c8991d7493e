package blip2

import (
	"encoding/json"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blipvit"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/tensor"
)

// stage begins the names under which the towers are observed.
const stage = "vision."

// vision is what a vision_config says.
type vision struct {
	cfg     vit.Config
	declare func() (vit.Tower, error)
}

// parseTower reads a vision_config: EVA's ViT-g, or where its model_type says so CLIP's
// tower, which BLIP-2's authors took before.
func parseTower(data []byte) (t vision, err error) {
	var kind struct {
		ModelType string `json:"model_type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return t, err
	}
	if kind.ModelType == "clip_vision_model" {
		t.cfg, err = clip.ParseVision(data)
		t.declare = func() (vit.Tower, error) { return newCLIP(t.cfg) }
		return t, err
	}
	cfg, err := blipvit.ParseConfig(data, blipvit.DefaultEVA())
	return vision{cfg.Config, func() (vit.Tower, error) { return blipvit.New(cfg, stage) }}, err
}

// clipTower is CLIP's, cut off behind the block that BLIP-2 reads. All rows of that go
// through a norm, which is BLIP-2's own and stands in the place of CLIP's.
type clipTower struct {
	*clip.Vision `ckpt:""`
}

func newCLIP(cfg vit.Config) (*clipTower, error) {
	v, err := clip.NewVision(cfg, vit.Output{Stage: stage, Norm: true})
	if err != nil {
		return nil, err
	}
	v.Bare = false
	return &clipTower{v}, nil
}

// Encode returns the normalised last layer of every view, the class token first.
func (t *clipTower) Encode(c *tensor.Ctx, views *model.Views) *model.Features {
	f := t.Vision.Encode(c, views)
	c.Observe(t.Stage("last_hidden_state"), f.X)
	return f
}
