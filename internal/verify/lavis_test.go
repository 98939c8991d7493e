package verify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// lavisNames turn names of Hugging Face's layout into those of the authors' repository.
var lavisNames = [][2]string{
	{`^vision_model\.embeddings\.class_embedding`, "visual_encoder.cls_token"},
	{`^vision_model\.embeddings\.position_embedding`, "visual_encoder.pos_embed"},
	{`^vision_model\.embeddings\.patch_embedding`, "visual_encoder.patch_embed.proj"},
	{`^vision_model\.encoder\.layers\.(\d+)\.layer_norm`, "visual_encoder.blocks.${1}.norm"},
	{`^vision_model\.encoder\.layers\.(\d+)\.self_attn\.projection`, "visual_encoder.blocks.${1}.attn.proj"},
	{`^vision_model\.encoder\.layers\.(\d+)\.self_attn`, "visual_encoder.blocks.${1}.attn"},
	{`^vision_model\.encoder\.layers\.(\d+)\.mlp`, "visual_encoder.blocks.${1}.mlp"},
	{`^vision_model\.post_layernorm`, "ln_vision"},
	{`^qformer\.(embeddings\.)?layernorm`, "Qformer.bert.embeddings.LayerNorm"},
	{`^qformer\.`, "Qformer.bert."},
	{`^(Qformer\..*attention)\.attention\.`, "${1}.self."},
}

// lavis lays a fixture out as LAVIS does: one file beside the language model's
// directory, and the picture encoder in another where apart. The biases of the
// tower's keys are left out: they weigh on all keys alike, and softmax on none.
func lavis(t *testing.T, fixture string, apart bool) (file, language string) {
	t.Helper()
	source, dir := copied(t, fixture), t.TempDir()
	language = filepath.Join(dir, "lm")
	projection := map[string]string{"blip2_opt": "opt_proj", "blip2_t5": "t5_proj", "instructblip": "llm_proj"}[fixture]
	if err := os.Mkdir(language, 0o777); err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.OpenDir(source)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var mind, eye, words []checkpoint.Param
	for _, p := range params(t, c, c.Names()) {
		if name, ok := strings.CutPrefix(p.Name, "language_model."); ok {
			words = append(words, checkpoint.Param{Name: name, T: p.T})
			continue
		}
		for _, r := range append(lavisNames, [2]string{"^language_projection", projection}) {
			p.Name = regexp.MustCompile(r[0]).ReplaceAllString(p.Name, r[1])
		}
		for _, p := range splitBias(p) {
			name, ofEye := strings.CutPrefix(p.Name, "visual_encoder.")
			if apart && ofEye {
				eye = append(eye, checkpoint.Param{Name: name, T: p.T})
			} else {
				mind = append(mind, checkpoint.Param{Name: "model." + p.Name, T: p.T})
			}
		}
	}
	file = filepath.Join(dir, "blip2.pth")
	write("blip2.pth", torchSave(t, mind))(t, dir)
	if apart {
		write("eva_vit_g.pth", torchSave(t, eye))(t, dir)
	}
	whole := readObject(t, source, "config.json")
	write("blip2.json", fmt.Sprintf(`{"image_token_index": %v, "vision_config": {"num_attention_heads": 4}, "qformer_config": {"num_attention_heads": 4}}`, whole["image_token_index"]))(t, dir)
	if err := checkpoint.Write(filepath.Join(language, checkpoint.FileName), words, nil); err != nil {
		t.Fatal(err)
	}
	writeObject(t, language, "config.json", whole["text_config"].(map[string]any))
	move(t, source, language, "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
	if fixture == "instructblip" {
		if err := os.Rename(filepath.Join(source, "qformer_tokenizer"), filepath.Join(dir, "bert-base-uncased")); err != nil {
			t.Fatal(err)
		}
	}
	return file, language
}

// move moves files to another directory.
func move(t *testing.T, from, to string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// splitBias takes the bias of queries, keys and values apart.
func splitBias(p checkpoint.Param) []checkpoint.Param {
	name, ok := strings.CutSuffix(p.Name, "qkv.bias")
	if !ok {
		return []checkpoint.Param{p}
	}
	n := p.T.Len() / 3
	part := func(i int) *tensor.Tensor {
		if p.T.DType == kernel.F32 {
			return tensor.From(p.T.F32[i*n:(i+1)*n], n)
		}
		return &tensor.Tensor{Shape: []int{n}, DType: kernel.F16, Raw: p.T.Raw[2*i*n : 2*(i+1)*n]}
	}
	return []checkpoint.Param{{Name: name + "q_bias", T: part(0)}, {Name: name + "v_bias", T: part(2)}}
}

func TestLAVIS(t *testing.T) {
	for name, c := range map[string]struct {
		fixture, end string
		apart        bool
	}{
		"one file":              {"blip2_opt", "Ċ", false},
		"picture encoder apart": {"blip2_opt", "Ċ", true},
		"T5":                    {"blip2_t5", "</s>", false},
	} {
		t.Run(name, func(t *testing.T) {
			m := openLAVIS(t, c.fixture, c.apart)
			if eos := m.Generation.EOS; len(eos) != 1 || m.Tokenizer.Token(eos[0]) != c.end {
				t.Errorf("answers end with %v", eos)
			}
			r, err := Run(context.Background(), m, os.DirFS(fixtures+c.fixture), Options{Tolerance: Float32()})
			if err != nil {
				t.Fatal(err)
			}
			wantPass(t, r)
		})
	}
}

func openLAVIS(t *testing.T, fixture string, apart bool) *zoo.Model {
	t.Helper()
	m, err := zoo.OpenLAVIS(lavis(t, fixture, apart))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestLAVISInstruct: InstructBLIP's authors begin texts for Vicuna with its end
// token. All that comes before the language model is as in the other layout.
func TestLAVISInstruct(t *testing.T) {
	m := openLAVIS(t, "instructblip", true)
	r, err := Run(context.Background(), m, os.DirFS(fixtures+"instructblip"), Options{Tolerance: Float32()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Cases {
		for _, s := range c.Stages {
			behind := s.Name == "input_ids" || strings.HasPrefix(s.Name, "lm.") || strings.Contains(s.Name, "logits") ||
				s.Name == "generated" || strings.HasPrefix(s.Name, "text")
			if !behind && s.Status != Passed {
				t.Errorf("%s: %s: %s", s.Name, s.Status, s.Detail)
			}
		}
	}
	p, err := m.Processor.ProcessText("Describe the RED car.", nil)
	if err != nil {
		t.Fatal(err)
	}
	if eos, _ := m.Tokenizer.EOS(); p.IDs[0] != eos || eos != 2 {
		t.Errorf("the text begins with %v, and ends with %d", p.IDs[0], eos)
	}
}

func TestLAVISErrors(t *testing.T) {
	whole, language := lavis(t, "blip2_opt", false)
	apart, _ := lavis(t, "blip2_opt", true)
	damaged := func(name, text string) string {
		file, _ := lavis(t, "blip2_opt", false)
		write(name, text)(t, filepath.Dir(file))
		return file
	}
	if err := os.Remove(filepath.Join(filepath.Dir(apart), "eva_vit_g.pth")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, language, want string }{
		{whole, "", "name the directory"},
		{whole, fixtures + "blip2_opt", "model_type opt, and that of the directory is blip-2"},
		{whole, t.TempDir(), "config.json"},
		{apart, language, "neither eva_vit_g.pth nor clip_vit_L.pth is beside it"},
		{damaged("blip2.json", "["), language, "blip2.json: "},
		{damaged("blip2.json", `{"vision_config": {"num_attention_heads": 5}}`), language, "no multiple of num_attention_heads 5"},
		{damaged("blip2.json", `{"architectures": ["LlamaForCausalLM"]}`), language, "makes it a LlamaForCausalLM"},
		{damaged("blip2.pth", "no archive"), language, "blip2.pth: "},
		{damaged("blip2.pth", torchSave(t, nil)), language, "this is no BLIP-2 of LAVIS"},
	} {
		if _, err := zoo.OpenLAVIS(c.file, c.language); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
