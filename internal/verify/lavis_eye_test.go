package verify

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// seeing opens a first stage of BLIP-2 whose picture encoder is a file of LAVIS, all
// else as a fixture has it.
func seeing(t *testing.T, fixture, file string, heads int) (*zoo.Model, error) {
	t.Helper()
	var config map[string]any
	text, err := os.ReadFile(filepath.Join(fixtures, fixture, "config.json"))
	if err == nil {
		err = json.Unmarshal(text, &config)
	}
	if err != nil {
		t.Fatal(err)
	}
	config["vision_config"] = map[string]any{"from": filepath.ToSlash(file), "num_attention_heads": heads}
	if text, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write("config.json", string(text))(t, dir)
	move(t, copied(t, fixture), dir, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
	m, err := zoo.OpenToLearn(dir)
	if err == nil {
		t.Cleanup(func() { m.Close() })
	}
	return m, err
}

// lend gives a model the other's values where it has none, and returns their names.
func lend(m, other *zoo.Model) (names []string) {
	theirs := map[string]*tensor.Tensor{}
	nn.Walk(other.Net, func(name string, w *tensor.Tensor) { theirs[name] = w })
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		if !w.HasData() {
			*w = *theirs[name]
			names = append(names, name)
		}
	})
	return names
}

// TestPictureEncoderOfLAVIS: as a part, a file of the picture encoder alone or of a whole
// BLIP-2 sees the bits that the tower which it was made of sees.
func TestPictureEncoderOfLAVIS(t *testing.T) {
	for name, c := range map[string]struct {
		fixture, apart string
		heads          int
	}{
		"EVA":        {"blip2_itm", "eva_vit_g.pth", 3},
		"EVA within": {"blip2_itm", "", 3},
		"CLIP":       {"blip2_stage1", "clip_vit_L.pth", 2},
	} {
		t.Run(name, func(t *testing.T) {
			file := stage1(t, c.fixture, c.apart, nil)
			if c.apart != "" {
				file = filepath.Join(filepath.Dir(file), c.apart)
			}
			m, err := seeing(t, c.fixture, file, c.heads)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := zoo.OpenDir(fixtures + c.fixture)
			if err != nil {
				t.Fatal(err)
			}
			defer whole.Close()
			var seen []string
			for _, name := range lend(m, whole) {
				if strings.HasPrefix(name, "vision_model.") {
					seen = append(seen, name)
				}
			}
			if want := []string{"vision_model.post_layernorm.weight", "vision_model.post_layernorm.bias"}; !slices.Equal(seen, want) {
				t.Errorf("without values: %v, want %v", seen, want)
			}
			if got, want := see(t, m, c.fixture), see(t, withoutKeyBias(whole), c.fixture); !slices.Equal(got, want) {
				t.Errorf("%d features differ from the %d of the tower", len(got), len(want))
			}
		})
	}
}

// withoutKeyBias takes the biases of EVA's keys away, which files of LAVIS have none of:
// they weigh on all keys alike, but for what is rounded.
func withoutKeyBias(m *zoo.Model) *zoo.Model {
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		if n := w.Len() / 3; strings.HasSuffix(name, "self_attn.qkv.bias") {
			w.F32 = slices.Concat(w.F32[:n], make([]float32, n), w.F32[2*n:])
		}
	})
	return m
}

// see is what the tower makes of a fixture's picture.
func see(t *testing.T, m *zoo.Model, fixture string) []float32 {
	t.Helper()
	img, err := imageproc.OpenFile(filepath.Join(fixtures, fixture, "image1.png"), imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := m.View(img)
	if err != nil {
		t.Fatal(err)
	}
	eye := m.Net.(interface {
		See(c *tensor.Ctx, v *model.Views) *model.Features
	})
	return slices.Clone(eye.See(&tensor.Ctx{}, v).X.F32)
}

func TestPictureEncoderOfLAVISErrors(t *testing.T) {
	named := func(name string, shape ...int) checkpoint.Param {
		return checkpoint.Param{Name: name, T: tensor.New(shape...)}
	}
	const neither = "the picture encoder is neither EVA's ViT-g nor CLIP's ViT-L: patch_embed.proj.weight is not there"
	whole := []checkpoint.Param{
		named("cls_token", 1, 1, 24), named("pos_embed", 1, 10, 24), named("patch_embed.proj.weight", 24, 3, 14, 14), named("patch_embed.proj.bias", 24),
		named("blocks.0.norm1.weight", 24), named("blocks.0.mlp.fc1.weight", 40, 24),
	}
	for name, c := range map[string]struct {
		list []checkpoint.Param
		want string
	}{
		"a transformer of other names": {[]checkpoint.Param{named("encoder.layers.0.weight", 24, 24)}, neither},
		"patches of one dimension":     {[]checkpoint.Param{named("patch_embed.proj.weight", 24), named("pos_embed", 1, 10, 24)}, neither},
		"no blocks":                    {whole[:4], "blocks.0.mlp.fc1.weight is not there"},
		"half a block":                 {whole, "missing: vision_model.encoder.layers.0."},
		"both":                         {append([]checkpoint.Param{named("positional_embedding", 10, 24)}, whole...), "the file is of two models"},
	} {
		dir := t.TempDir()
		write("eva_vit_g.pth", torchSave(t, c.list))(t, dir)
		_, err := seeing(t, "blip2_itm", filepath.Join(dir, "eva_vit_g.pth"), 3)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "eva_vit_g.pth") {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
	dir := t.TempDir()
	write("eva_vit_g.pth", "no archive")(t, dir)
	if _, err := seeing(t, "blip2_itm", filepath.Join(dir, "eva_vit_g.pth"), 3); err == nil || !strings.Contains(err.Error(), "eva_vit_g.pth") {
		t.Errorf("no archive: error %v", err)
	}
}
