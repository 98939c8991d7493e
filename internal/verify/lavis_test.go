package verify

import (
	"context"
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
	{`^qformer\.layernorm`, "Qformer.bert.embeddings.LayerNorm"},
	{`^qformer\.`, "Qformer.bert."},
	{`^(Qformer\..*attention)\.attention\.`, "${1}.self."},
	{`^language_projection`, "opt_proj"},
}

// lavis lays blip2_opt out as LAVIS does: one file beside the language model's
// directory, and the picture encoder in another where apart. The biases of the
// tower's keys are left out: they weigh on all keys alike, and softmax on none.
func lavis(t *testing.T, apart bool) (file, language string) {
	t.Helper()
	source, dir := copied(t, "blip2_opt"), t.TempDir()
	language = filepath.Join(dir, "opt")
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
		for _, r := range lavisNames {
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
	write("blip2.json", `{"image_token_index": 520, "vision_config": {"num_attention_heads": 4}, "qformer_config": {"num_attention_heads": 4}}`)(t, dir)
	if err := checkpoint.Write(filepath.Join(language, checkpoint.FileName), words, nil); err != nil {
		t.Fatal(err)
	}
	config := readObject(t, source, "config.json")["text_config"].(map[string]any)
	config["architectures"] = []string{"OPTForCausalLM"}
	writeObject(t, language, "config.json", config)
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"} {
		data, err := os.ReadFile(filepath.Join(source, name))
		if err != nil {
			t.Fatal(err)
		}
		write(name, string(data))(t, language)
	}
	return file, language
}

// splitBias takes the bias of queries, keys and values apart.
func splitBias(p checkpoint.Param) []checkpoint.Param {
	name, ok := strings.CutSuffix(p.Name, "qkv.bias")
	if !ok {
		return []checkpoint.Param{p}
	}
	n := p.T.Len() / 3
	part := func(i int) *tensor.Tensor {
		return &tensor.Tensor{Shape: []int{n}, DType: kernel.F16, Raw: p.T.Raw[2*i*n : 2*(i+1)*n]}
	}
	return []checkpoint.Param{{Name: name + "q_bias", T: part(0)}, {Name: name + "v_bias", T: part(2)}}
}

func TestLAVIS(t *testing.T) {
	for name, apart := range map[string]bool{"one file": false, "picture encoder apart": true} {
		t.Run(name, func(t *testing.T) {
			file, language := lavis(t, apart)
			m, err := zoo.OpenLAVIS(file, language)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			if eos := m.Generation.EOS; len(eos) != 1 || m.Tokenizer.Token(eos[0]) != "Ċ" {
				t.Errorf("answers end with %v", eos)
			}
			r, err := Run(context.Background(), m, os.DirFS(fixtures+"blip2_opt"), Options{Tolerance: Float32()})
			if err != nil {
				t.Fatal(err)
			}
			wantPass(t, r)
		})
	}
}

func TestLAVISErrors(t *testing.T) {
	whole, language := lavis(t, false)
	apart, _ := lavis(t, true)
	damaged := func(name, text string) string {
		file, _ := lavis(t, false)
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
		{apart, language, "eva_vit_g.pth is not beside it"},
		{damaged("blip2.json", "["), language, "blip2.json: "},
		{damaged("blip2.json", `{"vision_config": {"num_attention_heads": 5}}`), language, "no multiple of num_attention_heads 5"},
		{damaged("blip2.pth", "no archive"), language, "blip2.pth: "},
		{damaged("blip2.pth", torchSave(t, nil)), language, "this is no BLIP-2 of LAVIS"},
	} {
		if _, err := zoo.OpenLAVIS(c.file, c.language); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}
