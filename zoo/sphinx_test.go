package zoo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
)

// put writes a file of a directory.
func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestSPHINXRefuses(t *testing.T) {
	const first, second = "consolidated.00-of-02.model.pth", "consolidated.01-of-02.model.pth"
	rename := func(from, to string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	both := func(a, b string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			rename(first, a)(t, dir)
			rename(second, b)(t, dir)
		}
	}
	file := func(name, text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { put(t, dir, name, text) }
	}
	for name, test := range map[string]struct {
		damage func(*testing.T, string)
		want   []string
	}{
		"missing shard": {rename(second, "second"), []string{first, "missing shard 1 of 2"}},
		"wrong count":   {rename(second, "consolidated.01-of-03.model.pth"), []string{"do not belong to one set"}},
		"other run": {func(t *testing.T, dir string) {
			data, err := os.ReadFile(fixtures + "sphinx_tiny/consolidated.00-of-01.model.pth")
			if err != nil {
				t.Fatal(err)
			}
			put(t, dir, second, string(data))
		}, []string{"not shards of one checkpoint", "which is not split, differs between", first, second}},
		"not a file of torch": {file(second, "PK\x03\x04 and more"), []string{second}},
		"differences":         {both("consolidated.00-of-02.model-diff.pth", "consolidated.01-of-02.model-diff.pth"), []string{"differences from a base model"}},
		"Meta's":              {both("consolidated.00.pth", "consolidated.01.pth"), []string{"a Llama of Meta's"}},
		"no weights":          {both("a", "b"), []string{"no consolidated.00-of-NN.model.pth"}},
		"unknown type":        {file("meta.json", `{"llama_type": "mixtral_sparse_ens"}`), []string{"meta.json", `llama_type "mixtral_sparse_ens"`, "llama_ens5_light"}},
		"no JSON":             {file("meta.json", `llama_ens`), []string{"meta.json: invalid character"}},
		"others' meta.json":   {file("meta.json", `{"title": "x"}`), []string{"unknown architecture"}},
		"no config":           {rename("config.json", "c"), []string{"params.json"}},
		"wide":                {file("config.json", `{"dim": 1099511627776}`), []string{"dim is 1099511627776"}},
		"other width":         {file("config.json", `{"dim": 128, "n_layers": 2, "n_heads": 4, "multiple_of": 16}`), []string{"31 misshapen", "qformer_proj.0.weight", "shape [64 40], want [128 40]"}},
		"rope":                {file("config.json", `{"dim": 64, "n_layers": 2, "n_heads": 4, "multiple_of": 16, "rope_scaling": -1}`), []string{"rope_scaling is -1"}},
		"towers":              {file("towers.json", `{"clip": {"layers": 4}}`), []string{"missing"}},
		"towers' JSON":        {file("towers.json", `[]`), []string{"towers.json"}},
		"no encoders":         {file("meta.json", `{"llama_type": "llama_ens_light"}`), []string{"unexpected: model.llma.clip.visual.", "shape [64 160], want [64 96]"}},
		"no tokenizer":        {rename("tokenizer.model", "t"), []string{"tokenizer"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, "sphinx_1k")
			test.damage(t, dir)
			m, err := OpenDir(dir)
			if err == nil {
				m.Close()
				t.Fatal("opened")
			}
			for _, want := range append(test.want, dir) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v\nlacks %q", err, want)
				}
			}
		})
	}
}

// TestSPHINXPublished counts the parameters of what is in the authors' code: no
// weights are needed for that.
func TestSPHINXPublished(t *testing.T) {
	tokens, err := os.ReadFile(fixtures + "sphinx_1k/tokenizer.model")
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]struct {
		config   string
		language int
		tokens   int
	}{
		"llama_ens5":       {`{"dim": 5120, "n_layers": 40, "n_heads": 40, "multiple_of": 256, "vocab_size": 32000}`, 13015864320, 5 * 291},
		"llama_ens10":      {`{"dim": 5120, "n_layers": 40, "n_heads": 40, "multiple_of": 256, "vocab_size": 32000}`, 13015864320, 10 * 291},
		"llama_ens5_light": {`{"dim": 2048, "n_layers": 22, "n_heads": 32, "n_kv_heads": 4, "multiple_of": 256, "ffn_dim_multiplier": 1.0, "vocab_size": 32000, "rope_scaling": 0.5, "max_seq_len": 2048}`, 1100048384, 5 * 259},
	} {
		dir := t.TempDir()
		put(t, dir, "meta.json", `{"llama_type": "`+kind+`"}`)
		put(t, dir, "config.json", want.config)
		put(t, dir, "tokenizer.model", string(tokens))
		m, err := Declare(os.DirFS(dir), dir)
		if err != nil {
			t.Fatal(err)
		}
		count := func(prefix string) int {
			return nn.Count(m.Net, func(name string) bool { return strings.HasPrefix(name, prefix) })
		}
		towers := map[string]int{
			// EVA's ViT-g of BLIP-2, ViT-L/14 of CLIP, ConvNeXt-XXL without its classifier, ViT-g/14 of DINOv2
			"vision.groups.0.encoders.0.vision_model.": 985952256, "vision.groups.1.encoders.0.": 303179776,
			"vision.groups.1.encoders.1.": 843398016, "vision.groups.1.encoders.2.": 1136480768,
		}
		if strings.HasSuffix(kind, "light") {
			towers = map[string]int{"vision.groups.0.encoders.1.": 1136480768}
		}
		for prefix, n := range towers {
			if got := count(prefix); got != n {
				t.Errorf("%s: %s has %d parameters, want %d", kind, prefix, got, n)
			}
		}
		if got := count("language_model."); got != want.language {
			t.Errorf("%s: %d parameters of the language model, want %d", kind, got, want.language)
		}
		if got := m.Net.(interface{ TokensPerImage() int }).TokensPerImage(); got != want.tokens {
			t.Errorf("%s: %d tokens, want %d", kind, got, want.tokens)
		}
		if strings.Contains(string(m.Config), `"attends_across_views": true`) {
			t.Errorf("%s: attention across views, which the published weights did not learn", kind)
		}
		if !strings.HasSuffix(kind, "light") != strings.Contains(string(m.Config), `"blip_2_qformer"`) {
			t.Errorf("%s: %s", kind, m.Config)
		}
	}
}

// TestSPHINXPrompt: the picture's place is behind the first token, two have none.
func TestSPHINXPrompt(t *testing.T) {
	m, err := OpenDir(fixtures + "sphinx_tiny")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	img := imageproc.NewRGB(20, 10)
	p, err := m.Processor.Process([]model.Turn{{Role: "user", Text: "<image>\nWhat?", Images: []*imageproc.RGB{img}}})
	if err != nil {
		t.Fatal(err)
	}
	if p.At[0] != 1 || p.IDs[1] != noToken || p.IDs[259] != noToken || p.IDs[260] == noToken {
		t.Errorf("picture at %v of %v", p.At, p.IDs)
	}
	spoken := m.Tokenizer.Decode(append(p.IDs[:1:1], p.IDs[260:]...), true)
	if !strings.HasSuffix(spoken, "questions.\n\n### Human: What?\n### Assistant:") {
		t.Errorf("the prompt is %q", spoken)
	}
	if _, err := m.Processor.Process([]model.Turn{{Role: "user", Text: "What?", Images: []*imageproc.RGB{img, img}}}); err == nil || !strings.Contains(err.Error(), "takes one picture") {
		t.Errorf("two pictures: %v", err)
	}
	learn, err := m.Processor.Learn([]model.Turn{{Role: "user", Text: "What?", Images: []*imageproc.RGB{img}}, {Role: "assistant", Text: "this"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range learn.Labels {
		if i < 300 && l >= 0 {
			t.Errorf("token %d is taught", i)
		}
	}
	if learn.Labelled() == 0 || m.Generation.Stop[0] != "\n###" || len(m.Generation.EOS) != 1 {
		t.Errorf("%d labels, %+v", learn.Labelled(), m.Generation)
	}
}
