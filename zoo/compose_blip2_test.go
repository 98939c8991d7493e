package zoo

import (
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// composed opens a config.json whose directories are fixtures.
func composed(t *testing.T, config string) (*Model, error) {
	t.Helper()
	root, err := filepath.Abs(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, dir, "config.json", strings.ReplaceAll(config, "DATA", filepath.ToSlash(root)))
	m, err := OpenToLearn(dir)
	if err == nil {
		t.Cleanup(func() { m.Close() })
	}
	return m, err
}

// values are all parameters by name, nil those that have none yet.
func values(net any) map[string][]float32 {
	out := map[string][]float32{}
	nn.Walk(net, func(name string, w *tensor.Tensor) {
		out[name] = nil
		if w.HasData() {
			out[name] = floatsOf(w)
		}
	})
	return out
}

// blank are the names of those that have none, those whose begin alike only once.
func blank(values map[string][]float32) (names []string) {
	for name, v := range values {
		if v == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// TestSecondStage: tower, queries and Q-Former are the first stage's, and only the
// projection has to be learned from nothing.
func TestSecondStage(t *testing.T) {
	opt := t.TempDir()
	language, err := OpenDir(fixtures + "blip2_opt")
	if err != nil {
		t.Fatal(err)
	}
	defer language.Close()
	var config struct {
		Text json.RawMessage `json:"text_config"`
	}
	if err := json.Unmarshal(language.Config, &config); err != nil {
		t.Fatal(err)
	}
	put(t, opt, "config.json", string(config.Text))
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		copyFile(t, filepath.Join(fixtures, "blip2_opt", name), filepath.Join(opt, name))
	}
	var words []checkpoint.Param
	nn.Walk(language.Net, func(name string, w *tensor.Tensor) {
		if rest, ok := strings.CutPrefix(name, languagePrefix); ok {
			words = append(words, checkpoint.Param{Name: rest, T: w})
		}
	})
	if err := checkpoint.Write(filepath.Join(opt, checkpoint.FileName), words, nil); err != nil {
		t.Fatal(err)
	}
	for _, stage1 := range []string{"blip2_stage1", "blip2_itm"} {
		m, err := composed(t, `{"architectures": ["Blip2ForConditionalGeneration"], "from": "DATA/`+stage1+`", "text_config": {"from": "`+filepath.ToSlash(opt)+`"}}`)
		if err != nil {
			t.Fatal(err)
		}
		first, err := OpenDir(fixtures + stage1)
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		got, was, lm := values(m.Net), values(first.Net), values(language.Net)
		if b := blank(got); !slices.Equal(b, []string{"language_projection.bias", "language_projection.weight"}) {
			t.Errorf("%s: without values: %v", stage1, b)
		}
		for name, v := range got {
			from := was
			if strings.HasPrefix(name, languagePrefix) {
				from = lm
			}
			if v != nil && !slices.Equal(v, from[name]) {
				t.Errorf("%s: %s differs", stage1, name)
			}
		}
		if m.Pictures == nil || m.Processor == nil || m.Tokenizer.Size() != language.Tokenizer.Size() {
			t.Errorf("%s: pictures %v, processor %v", stage1, m.Pictures, m.Processor)
		}
	}
}

// TestFirstStageFromParts: CLIP without its last block, and BERT, whose feed-forward
// parts are the queries' too.
func TestFirstStageFromParts(t *testing.T) {
	bert := berts(t)
	m, err := composed(t, `{"architectures": ["Blip2Qformer"], "num_query_tokens": 5, "image_text_hidden_size": 7,
		"vision_config": {"from": "DATA/clip_vision", "num_hidden_layers": 2}, "qformer_config": {"from": "`+bert+`"}}`)
	if err != nil {
		t.Fatal(err)
	}
	got := values(m.Net)
	for _, name := range blank(got) {
		ok := strings.Contains(name, ".crossattention.") || strings.HasPrefix(name, "vision_model.post_layernorm.") || name == "query_tokens"
		for _, head := range []string{"vision_projection.", "text_projection.", "itm_head."} {
			ok = ok || strings.HasPrefix(name, head)
		}
		if !ok {
			t.Errorf("%s has no values", name)
		}
	}
	stored := values(mustOpen(t, "blip2_stage1").Net)
	for name, v := range got {
		switch {
		case v == nil || strings.HasPrefix(name, "vision_model.") || name == "temp":
		case name == "embeddings.word_embeddings.weight":
			want := stored[name]
			if len(v) != len(want)+24 || !slices.Equal(v[:len(want)], want) || slices.Equal(v[len(want):], want[:24]) {
				t.Errorf("%d elements of the table, of BERT's %d", len(v), len(want))
			}
		case name == "cls.predictions.bias":
		case !slices.Equal(v, stored[strings.NewReplacer("_query.", ".").Replace(name)]):
			t.Errorf("%s differs from BERT's", name)
		}
	}
	if got["temp"][0] != 0.07 || m.Tokenizer == nil {
		t.Errorf("temperature %v", got["temp"])
	}
	net := m.Net.(model.PairLearner)
	nn.Initializer{Std: func(string) float64 { return 0.02 }}.Init(m.Net, rand.New(rand.NewPCG(1, 2)))
	_, _, p := openLearner(t, stage1)
	side := m.Net.(interface{ Side() int }).Side()
	for i := range p.Images {
		v, err := m.View(openPicture(t, filepath.Join(stage1, "image1.png")))
		if err != nil || v.Size().X != side {
			t.Fatalf("%v, %v", v, err)
		}
		p.Images[i] = &model.Tiles{Views: *v}
	}
	for _, term := range net.PairLoss(&tensor.Ctx{}, p) {
		if x := term.Value.F32[0]; !(x > 0 && x < 20) {
			t.Errorf("%s is %v", term.Name, x)
		}
	}
}

// berts writes what BERT with its head for masked tokens has, of the fixture's values.
func berts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "config.json", `{"model_type": "bert", "architectures": ["BertForMaskedLM"], "vocab_size": 501, "hidden_size": 24, "num_hidden_layers": 2,
		"num_attention_heads": 2, "intermediate_size": 32, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "max_position_embeddings": 64}`)
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json"} {
		copyFile(t, filepath.Join(stage1, name), filepath.Join(dir, name))
	}
	var list []checkpoint.Param
	nn.Walk(mustOpen(t, "blip2_stage1").Net, func(name string, w *tensor.Tensor) {
		if strings.Contains(name, "_query.") || strings.Contains(name, ".crossattention.") {
			return
		}
		if name, ok := strings.CutPrefix(name, "cls."); ok {
			list = append(list, checkpoint.Param{Name: "cls." + name, T: w})
			return
		}
		if rest, ok := strings.CutPrefix(name, "qformer."); ok {
			name = strings.Replace(strings.Replace(rest, "layernorm.", "embeddings.LayerNorm.", 1), "attention.attention.", "attention.self.", 1)
		} else if !strings.HasPrefix(name, "embeddings.") {
			return
		}
		if strings.Contains(name, "LayerNorm") { // as the first checkpoints have it
			name = strings.NewReplacer(".weight", ".gamma", ".bias", ".beta").Replace(name)
		}
		list = append(list, checkpoint.Param{Name: "bert." + name, T: w})
	})
	list = append(list, checkpoint.Param{Name: "bert.pooler.dense.bias", T: tensor.New(24)}, checkpoint.Param{Name: "cls.seq_relationship.bias", T: tensor.New(2)})
	if err := checkpoint.Write(filepath.Join(dir, checkpoint.FileName), list, nil); err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(dir)
}

func mustOpen(t *testing.T, fixture string) *Model {
	t.Helper()
	m, err := OpenDir(fixtures + fixture)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestComposeBLIP2Refuses(t *testing.T) {
	bert := berts(t)
	for config, want := range map[string]string{
		`"from": "DATA/llava15"`:                   "has no qformer_config: it is no BLIP-2",
		`"from": "nowhere"`:                        "nowhere",
		`"from": "nowhere.pth"`:                    "nowhere.pth",
		`"vision_config": {"from": "DATA/dinov2"}`: "a dinov2; a picture encoder of BLIP-2 is a directory of CLIP",
		`"vision_config": {"from": "nowhere.pth"}`: "nowhere.pth",
		`"qformer_config": {"from": "DATA/qwen2"}`: "a qwen2, want bert",
		`"vision_config": {"from": "DATA/clip_vision", "num_hidden_layers": 9}, "qformer_config": {"from": "` + bert + `"}`:                    "missing: vision_model.encoder.layers.",
		`"vision_config": {"from": "DATA/clip_vision"}, "qformer_config": {"from": "` + bert + `", "vocab_size": 600}`:                         "want 14400 or a row less",
		`"vision_config": {"from": "DATA/clip_vision"}, "qformer_config": {"from": "` + bert + `", "vocab_size": 501}, "num_query_tokens": -1`: "num_query_tokens is -1",
	} {
		if _, err := composed(t, `{"architectures": ["Blip2Qformer"], `+config+`}`); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}
