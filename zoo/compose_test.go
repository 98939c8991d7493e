package zoo

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	composedCLIP = `{"from": "CLIP"}`
	composedText = `"text_config": {"from": "LLAMA"}`
)

// composing writes a config.json whose parts come from fixtures.
func composing(t *testing.T, config string) (dir string) {
	t.Helper()
	data, err := filepath.Abs(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for name, fixture := range map[string]string{"CLIP": "clip_vision", "DINO": "dinov2", "LLAMA": "stories260k", "BLIP2": "blip2_opt", "LLAVA": "llava15"} {
		from := filepath.ToSlash(filepath.Join(data, fixture))
		if rel, err := filepath.Rel(dir, from); err == nil && name == "DINO" {
			from = filepath.ToSlash(rel)
		}
		config = strings.ReplaceAll(config, `"`+name+`"`, `"`+from+`"`)
	}
	put(t, dir, "config.json", `{"architectures": ["EnsembleForConditionalGeneration"], `+config+`}`)
	return dir
}

// TestCompose: parts have the values of where they come from, adapters none yet.
func TestCompose(t *testing.T) {
	dir := composing(t, `"vision": {"image_size": 56, "join": "tokens", "encoders": [{"encoders": [`+composedCLIP+`, {"from": "DINO"}]}, {"from": "BLIP2"}]}, `+composedText)
	m, err := OpenToLearn(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var blank []string
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		if !w.HasData() {
			blank = append(blank, name)
		}
	})
	if strings.Join(blank, " ") != "adapters.0.weight adapters.0.bias adapters.1.weight adapters.1.bias" {
		t.Errorf("without values: %v", blank)
	}
	tower, err := OpenDir(fixtures + "dinov2")
	if err != nil {
		t.Fatal(err)
	}
	defer tower.Close()
	theirs := map[string]*tensor.Tensor{}
	nn.Walk(tower.Net, func(name string, w *tensor.Tensor) { theirs[name] = w })
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		if rest, ok := strings.CutPrefix(name, "vision.groups.0.encoders.1."); ok && (theirs[rest] == nil || theirs[rest].String() != w.String()) {
			t.Errorf("%s differs", name)
		}
	})
	if m.Tokenizer == nil || !strings.Contains(string(m.Config), `"blip_2_qformer"`) || strings.Contains(string(m.Config), `"from": "`) {
		t.Errorf("config %s", m.Config)
	}
}

func TestComposeRefuses(t *testing.T) {
	vision := func(encoders string) string {
		return `"vision": {"image_size": 56, "encoders": [` + encoders + `]}, ` + composedText
	}
	for config, want := range map[string]string{
		`"vision": {"image_size": 56, "encoders": [{"model_type": "dinov2"}]}, "text_config": {}`: `where its parts come "from"`,
		vision(`{"from": "nowhere"}`):                                      "nowhere",
		vision(`7`):                                                        "encoders: 0 is no object",
		vision(`{"from": "LLAVA"}`):                                        `model_type "llava_vision_model"`,
		vision(`{"from": "LLAMA"}`):                                        `model_type "llama"`,
		vision(`{"from": "CLIP", "hidden_size": 128}`):                     "misshapen",
		vision(`{"from": "CLIP", "image_size": 112}`):                      "misshapen",
		`"vision": {"image_size": 56, "encoders": [` + composedCLIP + `]}`: "text_config: false",
		`"vision": {"image_size": 56, "encoders": [` + composedCLIP + `]}, "text_config": {"from": "DINO"}`: `model_type "dinov2"`,
	} {
		if m, err := OpenToLearn(composing(t, config)); err == nil || !strings.HasPrefix(err.Error(), "zoo: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q; %v", config, err, want, m)
		}
	}
}
