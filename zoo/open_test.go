package zoo

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

const fixtures = "../testdata/"

// copied is a fixture's directory that a test may change.
func copied(t *testing.T, fixture string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(fixtures+fixture)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// setConfig changes fields of a directory's config.json; a path of two fields
// is joined by a dot, and nil deletes.
func setConfig(t *testing.T, dir string, set map[string]any) {
	t.Helper()
	file := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	for path, value := range set {
		in, key := config, path
		if outer, inner, ok := strings.Cut(path, "."); ok {
			in, key = config[outer].(map[string]any), inner
		}
		if in[key] = value; value == nil {
			delete(in, key)
		}
	}
	if data, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// editWeights rewrites model.safetensors; f returns nil for tensors to drop.
func editWeights(t *testing.T, dir string, f func(checkpoint.Param) []checkpoint.Param) {
	t.Helper()
	c, err := checkpoint.Open(os.DirFS(dir), ".")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var list []checkpoint.Param
	for _, name := range c.Names() {
		x, err := c.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, f(checkpoint.Param{Name: name, T: x})...)
	}
	if err := checkpoint.Write(filepath.Join(dir, checkpoint.FileName), list, nil); err != nil {
		t.Fatal(err)
	}
}

func TestOpenFixtures(t *testing.T) {
	for name, want := range map[string]struct {
		architecture             string
		text, pictures, generate bool
		eos                      []int32
	}{
		"llava15":       {"LlavaForConditionalGeneration", true, true, true, []int32{2}},
		"blip2_opt":     {"Blip2ForConditionalGeneration", true, true, true, []int32{202}},
		"blip2_t5":      {"Blip2ForConditionalGeneration", true, true, true, []int32{1}},
		"instructblip":  {"InstructBlipForConditionalGeneration", true, true, true, []int32{2}},
		"clip":          {"CLIPModel", true, true, false, nil},
		"clip_vision":   {"CLIPVisionModel", false, true, false, nil},
		"siglip_vision": {"SiglipVisionModel", false, true, false, nil},
		"dinov2":        {"Dinov2Model", false, true, false, nil},
		"convnext":      {"ConvNextModel", false, true, false, nil},
		"stories260k":   {"LlamaForCausalLM", true, false, true, []int32{2}},
		"qwen2":         {"Qwen2ForCausalLM", true, false, true, []int32{560, 561}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := OpenDir(fixtures + name)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			_, generates := m.VLM()
			if m.Family.Architecture != want.architecture || (m.Tokenizer != nil) != want.text || (m.Pictures != nil) != want.pictures || generates != want.generate {
				t.Errorf("%s, tokenizer %v, pictures %v, generates %v", m.Family.Architecture, m.Tokenizer != nil, m.Pictures != nil, generates)
			}
			if generates && !slices.Equal(m.Generation.EOS, want.eos) {
				t.Errorf("end tokens %v", m.Generation.EOS)
			}
		})
	}
}

// TestChatPrompts renders conversations with the checkpoint's template and wants
// the ids that the reference made of them.
func TestChatPrompts(t *testing.T) {
	m, err := OpenDir(fixtures + "qwen2")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var expected struct {
		Cases []struct {
			Messages []struct{ Role, Content string }
			InputIDs []int32 `json:"input_ids"`
		}
	}
	data, err := os.ReadFile(fixtures + "qwen2/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for i, c := range expected.Cases {
		var conv []model.Turn
		for _, m := range c.Messages {
			conv = append(conv, model.Turn{Role: m.Role, Text: m.Content})
		}
		if conv == nil {
			continue
		}
		tried++
		if p, err := m.Processor.Process(conv); err != nil || !slices.Equal(p.IDs, c.InputIDs) {
			t.Errorf("case %d: %v, want %v; %v", i, p, c.InputIDs, err)
		}
	}
	if tried != 2 {
		t.Errorf("%d conversations", tried)
	}
}

func TestOpenByModelType(t *testing.T) {
	dir := copied(t, "clip_vision")
	setConfig(t, dir, map[string]any{"architectures": nil})
	m, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
}

// TestOpenRefuses wants one error that says what is wrong and where.
func TestOpenRefuses(t *testing.T) {
	set := func(path string, value any) func(*testing.T, string) {
		return func(t *testing.T, dir string) { setConfig(t, dir, map[string]any{path: value}) }
	}
	window := func(t *testing.T, dir string) {
		setConfig(t, dir, map[string]any{"use_sliding_window": true, "sliding_window": 8, "max_window_layers": 2})
	}
	remove := func(file string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
		}
	}
	pictures := func(config string) func(*testing.T, string) {
		return func(t *testing.T, dir string) { put(t, dir, "preprocessor_config.json", config) }
	}
	const internVL = `{"image_processor_type": "GotOcr2ImageProcessor", "size": {"height": 56, "width": 56}, "crop_to_patches": true, "max_patches": 6}`
	const next = `{"image_processor_type": "LlavaNextImageProcessor", "size": {"shortest_edge": 56}, "crop_size": {"height": 56, "width": 56}, "image_grid_pinpoints": [[56, 112]]}`
	for name, test := range map[string]struct {
		fixture string
		damage  func(*testing.T, string)
		want    []string
	}{
		"dynamic tiles":     {"llava15", pictures(internVL), []string{"preprocessor_config.json makes 1 to 6 tiles 56x56 and thumbnail of a picture"}},
		"tiles for a tower": {"siglip_vision", pictures(next), []string{"preprocessor_config.json cuts pictures into tiles"}},
		"unknown architecture": {"llava15", set("architectures", []string{"FooForBar"}),
			[]string{`config.json: unknown architecture "FooForBar"`, "known: ", "LlavaForConditionalGeneration", "LlamaForCausalLM", "Qwen2ForCausalLM", "CLIPModel", "CLIPVisionModel", "SiglipVisionModel", "Dinov2Model", "ConvNextModel"}},
		"unknown tower":       {"llava15", set("vision_config.model_type", "vit"), []string{`model_type "vit"`, "clip_vision_model, siglip_vision_model"}},
		"tower without class": {"llava15", set("vision_config.model_type", "siglip_vision_model"), []string{"siglip: the tower has no class token"}},
		"class among tiles":   {"llava_next", set("vision_feature_select_strategy", "full"), []string{"vision_feature_select_strategy must be default"}},
		"other tiles":         {"llava_next", set("image_grid_pinpoints", [][]int{{28, 56}}), []string{"image_grid_pinpoints differ in config.json and preprocessor_config.json"}},
		"no tiles":            {"llava_onevision", set("architectures", []string{"LlavaForConditionalGeneration"}), []string{"preprocessor_config.json cuts pictures into tiles, and config.json's model reads whole pictures"}},
		"other patches":       {"qwen2_vl", set("vision_config.spatial_merge_size", 1), []string{"multiples of 28", "reads multiples of 14 pixels"}},
		"pooling":             {"llava_onevision", set("vision_aspect_ratio", "pad"), []string{`vision_aspect_ratio "pad"`}},
		"no config":           {"llava15", remove("config.json"), []string{"config.json"}},
		"no weights":          {"llava15", remove("model.safetensors"), []string{"model.safetensors"}},
		"no pictures":         {"llava15", remove("preprocessor_config.json"), []string{"processor_config.json"}},
		"wider":               {"stories260k", set("intermediate_size", 176), []string{"0 tensors missing, 0 unexpected, 15 misshapen", "shape [172 64], want [176 64]"}},
		"deeper":              {"stories260k", set("num_hidden_layers", 6), []string{"9 tensors missing", "model.layers.5.self_attn.o_proj.weight"}},
		"shallower":           {"stories260k", set("num_hidden_layers", 4), []string{"9 unexpected", "model.layers.4.mlp.up_proj.weight"}},
		"absurd":              {"stories260k", set("hidden_size", 1<<40), []string{"config.json", "hidden_size is"}},
		"heads":               {"stories260k", set("num_key_value_heads", 3), []string{"num_attention_heads 8 is no multiple of num_key_value_heads 3"}},
		"window":              {"qwen2", window, []string{"config.json: qwen2: config: sliding window attention is not supported", "sliding_window 8"}},
		"window in a VLM":     {"llava_next_mistral", set("text_config.sliding_window", 511), []string{"text_config: mistral: config: sliding window attention is not supported: sliding_window 511 below max_position_embeddings 512"}},
		"other picture size":  {"llava15", set("vision_config.image_size", 84), []string{"56×56", "84×84"}},
		"tower's size":        {"siglip_vision", set("image_size", 84), []string{"56×56", "84×84"}},
		"feature layer":       {"llava15", set("vision_feature_layer", 7), []string{"feature layer 7 of a tower with 3 layers"}},
		"not an object":       {"llava15", set("text_config", 5), []string{"config.json", "text_config"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, test.fixture)
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
	if _, err := OpenDir(fixtures + "llava15/config.json"); err == nil || !strings.Contains(err.Error(), "is a file") {
		t.Errorf("a file: %v", err)
	}
	if _, err := OpenDir(t.TempDir() + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

func TestOpenTellsEverythingAtOnce(t *testing.T) {
	dir := copied(t, "llava15")
	editWeights(t, dir, func(p checkpoint.Param) []checkpoint.Param {
		switch p.Name {
		case "language_model.model.norm.weight", "multi_modal_projector.linear_1.bias":
			return nil
		case "language_model.lm_head.weight":
			return []checkpoint.Param{p, {Name: "something.else", T: tensor.From([]float32{1}, 1)}}
		case "multi_modal_projector.linear_2.bias":
			p.T = tensor.From(make([]float32, 65), 65)
		}
		return []checkpoint.Param{p}
	})
	_, err := OpenDir(dir)
	var all *checkpoint.BindError
	if !errors.As(err, &all) {
		t.Fatalf("error %v", err)
	}
	if len(all.Missing) != 2 || !slices.Equal(all.Unexpected, []string{"something.else"}) || len(all.Misshapen) != 1 {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{"2 tensors missing, 1 unexpected, 1 misshapen", "language_model.model.norm.weight", "something.else", "multi_modal_projector.linear_2.bias", "shape [65], want [64]"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nlacks %q", err, want)
		}
	}
}

// TestSharedTensors are written under either name, or under both: a file of PyTorch's
// has both, and safetensors leave one out.
func TestSharedTensors(t *testing.T) {
	const bias, bias2 = "text_decoder.cls.predictions.bias", "text_decoder.cls.predictions.decoder.bias"
	const table, head = "text_decoder.bert.embeddings.word_embeddings.weight", "text_decoder.cls.predictions.decoder.weight"
	for name, change := range map[string]func(p checkpoint.Param) []checkpoint.Param{
		"both biases": func(p checkpoint.Param) []checkpoint.Param {
			if p.Name == bias {
				return []checkpoint.Param{p, {Name: bias2, T: p.T}}
			}
			return []checkpoint.Param{p}
		},
		"the other bias": func(p checkpoint.Param) []checkpoint.Param {
			if p.Name == bias {
				p.Name = bias2
			}
			return []checkpoint.Param{p}
		},
		"no head": func(p checkpoint.Param) []checkpoint.Param {
			if p.Name == head {
				return nil
			}
			return []checkpoint.Param{p}
		},
	} {
		t.Run(name, func(t *testing.T) {
			was, err := OpenDir(fixtures + "blip_caption")
			if err != nil {
				t.Fatal(err)
			}
			defer was.Close()
			dir := copied(t, "blip_caption")
			editWeights(t, dir, change)
			m, err := OpenDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			want := map[string]*tensor.Tensor{}
			for _, p := range was.params() {
				want[p.Name] = p.T
			}
			if name == "no head" {
				want[head] = want[table]
			}
			for _, p := range m.params() {
				if !slices.Equal(p.T.F32, want[p.Name].F32) {
					t.Errorf("%s differs", p.Name)
				}
			}
		})
	}
}

// TestGenerationSettings reads generation_config.json.
func TestGenerationSettings(t *testing.T) {
	for config, want := range map[string]Generation{
		`{}`: {Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1, Beams: 1, LengthPenalty: 1, EarlyStopping: "false"},
		`{"num_beams": 5, "length_penalty": -0.5, "early_stopping": "never", "max_new_tokens": 9}`: {
			Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1, MaxNewTokens: 9, Beams: 5, LengthPenalty: -0.5, EarlyStopping: "never"},
		`{"num_beams": 1, "early_stopping": true, "do_sample": true, "temperature": 0.5, "top_k": 3, "top_p": 0.8, "repetition_penalty": 1.2}`: {
			DoSample: true, Temperature: 0.5, TopK: 3, TopP: 0.8, RepetitionPenalty: 1.2, Beams: 1, LengthPenalty: 1, EarlyStopping: "true"},
	} {
		dir := copied(t, "stories260k")
		if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		m.Generation.EOS = nil
		if got := m.Generation; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", config, got, want)
		}
		m.Close()
	}
	dir := copied(t, "stories260k")
	if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(`{"early_stopping": "soon"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), "generation_config.json: early_stopping is soon") {
		t.Errorf("error %v", err)
	}
}
