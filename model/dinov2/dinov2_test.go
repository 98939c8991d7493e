package dinov2

import (
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
)

// TestReleasedSizes counts the parameters of facebook/dinov2-base and -giant.
func TestReleasedSizes(t *testing.T) {
	for config, want := range map[string]int{
		`{"image_size": 518}`: 86580480,
		`{"image_size": 518, "hidden_size": 1536, "num_hidden_layers": 40, "num_attention_heads": 24, "use_swiglu_ffn": true}`: 1136480768,
	} {
		cfg, err := ParseConfig([]byte(config))
		if err != nil {
			t.Fatal(err)
		}
		v, err := NewVision(cfg, vit.Output{})
		if err != nil {
			t.Fatal(err)
		}
		if n := nn.Count(v, nil); n != want {
			t.Errorf("%s: %d parameters, want %d", config, n, want)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`[]`:                              "cannot unmarshal",
		`{"mlp_ratio": 0}`:                "mlp_ratio is 0",
		`{"mlp_ratio": 1e9}`:              "mlp_ratio is 1e+09",
		`{"hidden_size": 99999999}`:       "hidden_size is 99999999",
		`{"patch_size": 300}`:             "image_size 224, patch_size 300",
		`{"hidden_act": "none"}`:          "hidden_act",
		`{"num_hidden_layers": 5000}`:     "num_hidden_layers is 5000",
		`{"num_attention_heads": 768000}`: "no multiple of num_attention_heads",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "dinov2: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}
