package llama

import (
	"math"
	"strings"
	"testing"
)

// TestFrequencies compares with transformers 4.51; the frequencies of 8 pairs are
//
//	c = LlamaConfig(hidden_size=32, num_attention_heads=2, max_position_embeddings=most,
//	                rope_theta=theta, rope_scaling=scaling)
//	ROPE_INIT_FUNCTIONS[rope_type](c, "cpu", seq_len=length)[0]
func TestFrequencies(t *testing.T) {
	plain := []float64{1, 0.31622776, 0.1, 0.031622779, 0.0099999998, 0.0031622779, 0.001, 0.00031622779}
	for _, c := range []struct {
		config string
		length int
		want   []float64
	}{
		{`{}`, 0, plain},
		{`{"rope_scaling": null}`, 5000, plain},
		{`{"rope_scaling": {"type": "default"}}`, 0, plain},
		{`{"rope_theta": 500000}`, 0,
			[]float64{1, 0.19392276, 0.037606031, 0.0072926651, 0.0014142134, 0.00027424819, 5.3182957e-05, 1.0313385e-05}},
		{`{"rope_parameters": {"rope_type": "default", "rope_theta": 500000}}`, 0,
			[]float64{1, 0.19392276, 0.037606031, 0.0072926651, 0.0014142134, 0.00027424819, 5.3182957e-05, 1.0313385e-05}},
		{`{"rope_scaling": {"rope_type": "linear", "factor": 4}}`, 0,
			[]float64{0.25, 0.079056941, 0.025, 0.0079056947, 0.0024999999, 0.00079056947, 0.00025000001, 7.9056947e-05}},
		{`{"rope_scaling": {"type": "linear", "factor": 4}}`, 0,
			[]float64{0.25, 0.079056941, 0.025, 0.0079056947, 0.0024999999, 0.00079056947, 0.00025000001, 7.9056947e-05}},
		{`{"rope_scaling": {"rope_type": "dynamic", "factor": 2}}`, 64, plain},
		{`{"rope_scaling": {"rope_type": "dynamic", "factor": 2}}`, 65,
			[]float64{1, 0.3148407, 0.099124663, 0.031208478, 0.009825699, 0.00309353, 0.00097396917, 0.00030664512}},
		{`{"rope_scaling": {"rope_type": "dynamic", "factor": 2}}`, 200,
			[]float64{1, 0.24952847, 0.062264454, 0.015536753, 0.0038768628, 0.00096738752, 0.00024139074, 6.0233862e-05}},
		{`{"rope_theta": 500000, "max_position_embeddings": 131072, "rope_scaling": {"rope_type": "llama3", "factor": 8,
			"low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192}}`, 0,
			[]float64{1, 0.19392276, 0.037606031, 0.0072926651, 0.00052484602, 3.4281024e-05, 6.6478697e-06, 1.2891732e-06}},
		{`{"max_position_embeddings": 2048, "rope_parameters": {"rope_type": "llama3", "factor": 32,
			"low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64}}`, 0,
			[]float64{1, 0.23668711, 0.003725355, 0.00098821183, 0.00031249999, 9.8821183e-05, 3.1250001e-05, 9.8821183e-06}},
	} {
		cfg := parse(t, `{"hidden_size": 32, "num_attention_heads": 2, "max_position_embeddings": 64,`+strings.TrimPrefix(c.config, "{"))
		got := cfg.frequencies(c.length)
		for i, want := range c.want {
			if math.Abs(float64(got[i])-want) > 1e-6*want {
				t.Errorf("%s, %d tokens: frequency %d is %v, want %v", c.config, c.length, i, got[i], want)
			}
		}
	}
}

func parse(t testing.TB, config string) Config {
	t.Helper()
	cfg, err := ParseConfig([]byte(strings.Replace(config, ",}", "}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestDefaults reads the text_config of the released llava-1.5-7b-hf, which
// says little.
func TestDefaults(t *testing.T) {
	cfg := parse(t, `{"_name_or_path": "lmsys/vicuna-7b-v1.5", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 4096,
		"model_type": "llama", "rms_norm_eps": 1e-05, "torch_dtype": "float16", "vocab_size": 32064}`)
	want := Config{VocabSize: 32064, HiddenSize: 4096, IntermediateSize: 11008, NumHiddenLayers: 32, NumAttentionHeads: 32,
		NumKeyValueHeads: 32, HeadDim: 128, HiddenAct: "silu", MaxPositionEmbeddings: 4096, RMSNormEps: 1e-5, RopeTheta: 10000}
	if cfg != want {
		t.Errorf("got %+v, want %+v", cfg, want)
	}
	for config, check := range map[string]func(Config) bool{
		`{"head_dim": null}`:            func(c Config) bool { return c.HeadDim == 128 },
		`{"head_dim": 64}`:              func(c Config) bool { return c.HeadDim == 64 },
		`{"num_key_value_heads": null}`: func(c Config) bool { return c.NumKeyValueHeads == 32 },
		`{"num_key_value_heads": 8}`:    func(c Config) bool { return c.NumKeyValueHeads == 8 },
		`{"hidden_size": 100, "num_attention_heads": 3, "head_dim": 32}`: func(c Config) bool { return c.HeadDim == 32 },
	} {
		if cfg := parse(t, config); !check(cfg) {
			t.Errorf("%s gives %+v", config, cfg)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		``:                                "unexpected end",
		`[]`:                              "cannot unmarshal",
		`{"vocab_size": 0}`:               "vocab_size is 0",
		`{"vocab_size": -1}`:              "vocab_size is -1",
		`{"hidden_size": 0}`:              "hidden_size is 0",
		`{"hidden_size": 2000000000}`:     "hidden_size is 2000000000",
		`{"num_hidden_layers": 16000000}`: "num_hidden_layers is 16000000",
		`{"num_attention_heads": 0}`:      "num_attention_heads is 0",
		`{"num_key_value_heads": -4}`:     "num_key_value_heads -4",
		`{"num_key_value_heads": 5}`:      "num_attention_heads 32 is no multiple of num_key_value_heads 5",
		`{"head_dim": 3}`:                 "head_dim is 3",
		`{"head_dim": -2}`:                "head_dim is -2",
		`{"head_dim": 100000}`:            "head_dim is 100000",
		`{"hidden_size": 8}`:              "head_dim is 0",
		`{"max_position_embeddings": 0}`:  "max_position_embeddings is 0",
		`{"rms_norm_eps": -1}`:            "rms_norm_eps is -1",
		`{"hidden_act": "gelu"}`:          `hidden_act "gelu"`,
		`{"hidden_act": "nonsense"}`:      `hidden_act "nonsense"`,
		`{"rope_theta": 0}`:               "rope_theta is 0",
		`{"rope_scaling": {"rope_type": "yarn", "factor": 2}}`: `unknown type "yarn"`,
		`{"rope_scaling": {"type": "linear"}}`:                 "linear: factor is 0",
		`{"rope_scaling": {"type": "dynamic", "factor": -2}}`:  "dynamic: factor is -2",
		`{"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4,
			"original_max_position_embeddings": 8192}}`: "llama3: factor 8",
		`{"rope_parameters": {"rope_type": "longrope"}}`: `unknown type "longrope"`,
	} {
		_, err := ParseConfig([]byte(config))
		if err == nil || !strings.HasPrefix(err.Error(), "llama: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"hidden_size": 32, "num_attention_heads": 2, "rope_scaling": {"type": "dynamic", "factor": 2}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseConfig(data); err == nil {
			cfg.frequencies(cfg.MaxPositionEmbeddings + 1)
		}
	})
}

// TestFrequencyFactors: the factors stand for the scaling that they were computed from.
func TestFrequencyFactors(t *testing.T) {
	cfg := parse(t, `{"head_dim": 128, "rope_theta": 500000, "rope_scaling": {"rope_type": "llama3", "factor": 8,
		"low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192}}`)
	factors, want := cfg.FrequencyFactors(), cfg.frequencies(0)
	if factors[0] != 1 || factors[63] != 8 {
		t.Errorf("factors %v", factors)
	}
	cfg.RopeScaling = &Scaling{Factors: factors}
	for i, f := range cfg.frequencies(0) {
		if d := f/want[i] - 1; d > 1e-6 || d < -1e-6 {
			t.Errorf("frequency %d is %v, want %v", i, f, want[i])
		}
	}
	plain, linear := parse(t, `{}`), parse(t, `{"rope_scaling": {"type": "linear", "factor": 2}}`)
	if plain.FrequencyFactors() != nil || linear.FrequencyFactors() != nil {
		t.Error("factors without reason")
	}
}
