package verify

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// stage1Names turn our names into those of LAVIS's Blip2Qformer, clipNames those of its
// other picture encoder.
var (
	stage1Names = append([][2]string{
		{`^embeddings\.`, "Qformer.bert.embeddings."}, {`^cls\.`, "Qformer.cls."},
		{`^vision_projection`, "vision_proj"}, {`^text_projection`, "text_proj"},
	}, lavisNames...)
	clipNames = [][2]string{
		{`^vision_model\.embeddings\.patch_embedding`, "visual_encoder.conv1"},
		{`^vision_model\.embeddings\.class_embedding`, "visual_encoder.class_embedding"},
		{`^vision_model\.embeddings\.position_embedding\.weight`, "visual_encoder.positional_embedding"},
		{`^vision_model\.pre_layrnorm`, "visual_encoder.ln_pre"},
		{`^vision_model\.encoder\.layers\.(\d+)\.layer_norm`, "visual_encoder.transformer.resblocks.${1}.ln_"},
		{`^vision_model\.encoder\.layers\.(\d+)\.mlp\.fc1`, "visual_encoder.transformer.resblocks.${1}.mlp.c_fc"},
		{`^vision_model\.encoder\.layers\.(\d+)\.mlp\.fc2`, "visual_encoder.transformer.resblocks.${1}.mlp.c_proj"},
		{`^vision_model\.encoder\.layers\.(\d+)\.self_attn\.`, "visual_encoder.transformer.resblocks.${1}.attn."},
	}
)

// stage1 lays a fixture without a language model out as LAVIS does. apart is the name
// of the picture encoder's own file, "" if it has none; edit changes the other file.
func stage1(t *testing.T, fixture, apart string, edit func([]checkpoint.Param) []checkpoint.Param) (file string) {
	t.Helper()
	c, err := checkpoint.OpenDir(fixtures + fixture)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var mind, eye []checkpoint.Param
	for _, p := range joined(params(t, c, slices.DeleteFunc(c.Names(), func(n string) bool { return strings.HasPrefix(n, "gradients") }))) {
		rules := stage1Names
		if fixture == "blip2_stage1" {
			rules = append(clipNames[:len(clipNames):len(clipNames)], stage1Names...)
		}
		for _, r := range rules {
			p.Name = regexp.MustCompile(r[0]).ReplaceAllString(p.Name, r[1])
		}
		for _, p := range splitBias(p) {
			if name, ofEye := strings.CutPrefix(p.Name, "visual_encoder."); apart != "" && ofEye {
				eye = append(eye, checkpoint.Param{Name: name, T: p.T})
			} else {
				mind = append(mind, p)
			}
		}
	}
	dir := t.TempDir()
	if edit != nil {
		mind = edit(mind)
	}
	write("blip2.pth", torchSave(t, mind))(t, dir)
	if apart != "" {
		eye = append(eye, checkpoint.Param{Name: "ln_post.bias", T: tensor.From([]float32{1, 2}, 2)}) // CLIP's own, unless it is EVA's file
		if apart == "eva_vit_g.pth" {
			eye[len(eye)-1].Name = "fc_norm.bias"
		}
		write(apart, torchSave(t, eye))(t, dir)
	}
	heads := `{"vision_config": {"num_attention_heads": 2}, "qformer_config": {"num_attention_heads": 2}}`
	if fixture == "blip2_itm" {
		heads = `{"vision_config": {"num_attention_heads": 3}, "qformer_config": {"num_attention_heads": 2}}`
	}
	write("blip2.json", heads)(t, dir)
	bert := filepath.Join(dir, "bert-base-uncased")
	if err := os.Mkdir(bert, 0o777); err != nil {
		t.Fatal(err)
	}
	move(t, copied(t, fixture), bert, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
	return filepath.Join(dir, "blip2.pth")
}

// joined puts queries, keys and values of CLIP's blocks into one tensor.
func joined(list []checkpoint.Param) (out []checkpoint.Param) {
	byName := map[string]*tensor.Tensor{}
	for _, p := range list {
		byName[p.Name] = p.T
	}
	for _, p := range list {
		switch {
		case strings.Contains(p.Name, "self_attn.k_proj.") || strings.Contains(p.Name, "self_attn.v_proj."):
		case strings.Contains(p.Name, "self_attn.q_proj."):
			whole := slices.Clone(p.T.F32)
			for _, other := range []string{"k_proj.", "v_proj."} {
				whole = append(whole, byName[strings.Replace(p.Name, "q_proj.", other, 1)].F32...)
			}
			shape := append([]int{3 * p.T.Shape[0]}, p.T.Shape[1:]...)
			out = append(out, checkpoint.Param{Name: strings.Replace(p.Name, "q_proj.", "in_proj_", 1), T: tensor.From(whole, shape...)})
		default:
			out = append(out, p)
		}
	}
	return out
}

func TestLAVISStage1(t *testing.T) {
	for name, c := range map[string]struct{ fixture, apart, architecture string }{
		"EVA, one file":  {"blip2_itm", "", "Blip2ForImageTextRetrieval"},
		"EVA apart":      {"blip2_itm", "eva_vit_g.pth", "Blip2ForImageTextRetrieval"},
		"CLIP, one file": {"blip2_stage1", "", "Blip2Qformer"},
		"CLIP apart":     {"blip2_stage1", "clip_vit_L.pth", "Blip2Qformer"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := zoo.OpenLAVIS(stage1(t, c.fixture, c.apart, nil), "")
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if m.Family.Architecture != c.architecture {
				t.Errorf("a %s", m.Family.Architecture)
			}
			r, err := Run(context.Background(), m, os.DirFS(fixtures+c.fixture), Options{Tolerance: Float32()})
			if err != nil {
				t.Fatal(err)
			}
			wantPass(t, r)
		})
	}
}

// TestLAVISWithCLIP opens a BLIP-2 that answers, whose picture encoder is CLIP's.
func TestLAVISWithCLIP(t *testing.T) {
	_, language := lavis(t, "blip2_opt", false)
	file := stage1(t, "blip2_stage1", "", func(list []checkpoint.Param) []checkpoint.Param {
		list = slices.DeleteFunc(list, func(p checkpoint.Param) bool {
			return regexp.MustCompile(`^(temp|itm_head|vision_proj|text_proj|Qformer\.bert\.embeddings\.(word|position))`).MatchString(p.Name)
		})
		const width = 48 // of the language model
		return append(list, checkpoint.Param{Name: "opt_proj.weight", T: tensor.New(width, 24)}, checkpoint.Param{Name: "opt_proj.bias", T: tensor.New(width)})
	})
	m, err := zoo.OpenLAVIS(file, language)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	e, err := golden.Open(os.DirFS(fixtures + "blip2_stage1"))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	r := &runner{m: m, files: os.DirFS(fixtures + "blip2_stage1")}
	images, err := r.pictures(&e.Cases[0])
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{want: &e.Cases[0], tol: Float32(), seen: map[string]Stage{}}
	var tiles []*model.Tiles
	for _, img := range images {
		v, err := m.View(img)
		if err != nil {
			t.Fatal(err)
		}
		tiles = append(tiles, &model.Tiles{Views: *v})
	}
	m.Net.(model.Pictured).Features(&tensor.Ctx{Observer: l.observe}, tiles)
	for _, stage := range []string{"vision.last_hidden_state", "qformer.last_hidden_state"} {
		if s := l.seen[stage]; s.Status != Passed {
			t.Errorf("%s: %+v", stage, s)
		}
	}
}

func TestLAVISStage1Errors(t *testing.T) {
	without := func(prefix string) func([]checkpoint.Param) []checkpoint.Param {
		return func(list []checkpoint.Param) []checkpoint.Param {
			return slices.DeleteFunc(list, func(p checkpoint.Param) bool { return strings.HasPrefix(p.Name, prefix) })
		}
	}
	with := func(name string, shape ...int) func([]checkpoint.Param) []checkpoint.Param {
		return func(list []checkpoint.Param) []checkpoint.Param {
			return append(list, checkpoint.Param{Name: name, T: tensor.New(shape...)})
		}
	}
	for _, c := range []struct {
		edit     func([]checkpoint.Param) []checkpoint.Param
		language string
		want     string
	}{
		{without("itm_head"), "", "no language model; and of what compares pictures with texts itm_head.weight is missing"},
		{without("vision_proj"), "", "vision_proj.weight is missing"},
		{without("Qformer.bert.embeddings.word"), "", "word_embeddings.weight is missing"},
		{without("Qformer.bert.encoder.layer.1.output.dense.weight"), "", "missing: qformer.encoder.layer.1.output.dense.weight"},
		{with("visual_encoder.pos_embed", 1, 10, 16), "", "the file is of two models"},
		{with("something", 2), "", "unexpected: something"},
		{nil, fixtures + "blip2_opt", "trained without a language model: leave that out"},
	} {
		if _, err := zoo.OpenLAVIS(stage1(t, "blip2_stage1", "", c.edit), c.language); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	file := stage1(t, "blip2_stage1", "", nil)
	if err := os.RemoveAll(filepath.Join(filepath.Dir(file), "bert-base-uncased")); err != nil {
		t.Fatal(err)
	}
	if _, err := zoo.OpenLAVIS(file, ""); err == nil || !strings.Contains(err.Error(), "in the directory bert-base-uncased beside the file") {
		t.Errorf("error %v", err)
	}
}

// TestLearnFromLAVIS starts from such a file, whose parameters are then all there.
func TestLearnFromLAVIS(t *testing.T) {
	for _, fixture := range []string{"blip2_stage1", "blip2_itm"} {
		for _, apart := range []string{"", map[string]string{"blip2_stage1": "clip_vit_L.pth", "blip2_itm": "eva_vit_g.pth"}[fixture]} {
			file, dir := stage1(t, fixture, apart, nil), t.TempDir()
			architecture := map[string]string{"blip2_stage1": "Blip2Qformer", "blip2_itm": "Blip2ForImageTextRetrieval"}[fixture]
			write("config.json", `{"architectures": ["`+architecture+`"], "from": "`+filepath.ToSlash(file)+`"}`)(t, dir)
			m, err := zoo.OpenToLearn(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			r, err := Run(context.Background(), m, os.DirFS(fixtures+fixture), Options{Tolerance: Float32()})
			if err != nil {
				t.Fatal(err)
			}
			wantPass(t, r)
		}
	}
}
