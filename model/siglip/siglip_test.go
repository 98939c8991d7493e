package siglip

import (
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/model/vit"
	"github.com/fovea-ml/fovea/nn"
)

// TestReleasedSize counts the parameters of google/siglip-so400m-patch14-384's tower.
func TestReleasedSize(t *testing.T) {
	const so400m = `{"hidden_size": 1152, "image_size": 384, "intermediate_size": 4304, "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14`
	for fields, want := range map[string]int{`}`: 428225600, `, "vision_use_head": false}`: 412987248} {
		cfg, err := ParseConfig([]byte(so400m + fields))
		if err != nil {
			t.Fatal(err)
		}
		v, err := NewVision(cfg, vit.Output{})
		if err != nil {
			t.Fatal(err)
		}
		if n := nn.Count(v, nil); n != want || v.Rows() != 729 {
			t.Errorf("%s: %d parameters, want %d; %d rows", fields, n, want, v.Rows())
		}
	}
}

func TestNoClassToken(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewVision(cfg, vit.Output{DropClass: true}); err == nil || !strings.Contains(err.Error(), "no class token") {
		t.Errorf("error %v", err)
	}
}

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{`:                          "unexpected end",
		`{"patch_size": 0}`:          "patch_size 0",
		`{"num_channels": 1}`:        "num_channels 1",
		`{"num_attention_heads": 7}`: "hidden_size 768 is no multiple of num_attention_heads 7",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "siglip: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

// TestDualSize counts the parameters of google/siglip-base-patch16-224, whose config leaves all defaults out.
func TestDualSize(t *testing.T) {
	cfg, err := ParseDual([]byte(`{"text_config": {}, "vision_config": {}}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := nn.Count(m, nil); n != 203155970 || m.Context() != 64 || m.Side() != 224 {
		t.Errorf("%d parameters, texts of %d tokens, pictures of %d pixels", n, m.Context(), m.Side())
	}
}

func TestDualConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{"vision_config": {"patch_size": 0}}`:             "vision_config: image_size 224, patch_size 0",
		`{"vision_config": {"vision_use_head": false}}`:    "vision_use_head is false",
		`{"text_config": {"vocab_size": 0}}`:               "text_config: vocab_size 0",
		`{"text_config": {"max_position_embeddings": -1}}`: "max_position_embeddings -1",
		`{"text_config": {"projection_size": 5}}`:          "projection_size is 5, and pictures have 768 values",
	} {
		if _, err := ParseDual([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "siglip: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func FuzzParseDual(f *testing.F) {
	f.Add([]byte(`{"text_config": {"vocab_size": 20, "projection_size": 8}, "vision_config": {"hidden_size": 8, "image_size": 8, "patch_size": 4}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseDual(data); err == nil && (cfg.Vision.Grid() < 1 || cfg.Text.ProjectionSize < 1) {
			t.Error("a grid of no patches, or texts without values")
		}
	})
}
