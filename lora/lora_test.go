package lora

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// TestAttach wants the layers that globs name, an update that changes nothing at first,
// the same from the same seed, and nothing else that learns.
func TestAttach(t *testing.T) {
	for name, c := range map[string]struct {
		cfg    Config
		layers int
	}{
		"suffix":     {Config{Targets: []string{"q_proj"}}, 5},
		"one tower":  {Config{Targets: []string{"vision_tower.**.q_proj"}}, 3},
		"DoRA":       {Config{Targets: []string{"language_model.**.*_proj"}, DoRA: true}, 14},
		"excluded":   {Config{Targets: []string{"language_model.**.*_proj"}, Exclude: []string{"mlp.*"}}, 8},
		"all":        {Config{Targets: []string{allLinear}, DoRA: true}, 34},
		"whole":      {Config{Targets: []string{"v_proj"}, ModulesToSave: []string{"multi_modal_projector"}}, 5},
		"expression": {Config{Pattern: `.*language_model.*\.(q|v)_proj`}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Rank, c.cfg.Alpha, c.cfg.Dropout = 4, 8, 0.1
			m := tiny(t)
			first, _ := samples(t, m)
			before := answer(&tensor.Ctx{}, m, first)
			a, err := Attach(m, c.cfg)
			check(t, err)
			if len(a.Layers) != c.layers {
				t.Errorf("%d layers, want %d", len(a.Layers), c.layers)
			}
			within(t, "logits", answer(&tensor.Ctx{}, m, first), before)
			other := tiny(t)
			b, err := Attach(other, c.cfg)
			check(t, err)
			if !slices.Equal(a.Layers[0].LoRA.A.F32, b.Layers[0].LoRA.A.F32) {
				t.Error("the same seed gives other values")
			}
			if slices.Equal(a.Layers[0].LoRA.A.F32[:4], a.Layers[1].LoRA.A.F32[:4]) {
				t.Error("two layers start alike")
			}
			nn.Walk(m, func(name string, w *tensor.Tensor) {
				if want := Update(name) || c.cfg.ModulesToSave != nil && strings.HasPrefix(name, "multi_modal_projector."); w.NeedsGrad() != want {
					t.Errorf("%s learns: %v, want %v", name, w.NeedsGrad(), want)
				}
			})
		})
	}
}

// TestDropoutRepeats wants the gradients of recomputed blocks to be those of kept ones,
// for which dropout must drop the same; and others where another pass is drawn.
func TestDropoutRepeats(t *testing.T) {
	for _, dora := range []bool{false, true} {
		m := tiny(t)
		a, err := Attach(m, Config{Rank: 2, Alpha: 4, Dropout: 0.3, DoRA: dora, Targets: []string{"q_proj", "fc1", "down_proj"}, Seed: 3})
		check(t, err)
		_, all := samples(t, m)
		gradient := func(recompute bool, draw uint64) []float32 {
			m.SetRecompute(recompute)
			c := &tensor.Ctx{Train: true, Draw: draw}
			a.Freeze()
			for _, l := range a.Layers {
				l.LoRA.B.ZeroGrad()
			}
			c.Backward(model.Loss(c, m, all, 1))
			return slices.Clone(a.Layers[0].LoRA.B.Grad())
		}
		kept := gradient(false, 1)
		if got := gradient(true, 1); !slices.Equal(got, kept) {
			t.Errorf("DoRA %v: the gradient of a recomputed block is another", dora)
		}
		if got := gradient(false, 2); slices.Equal(got, kept) {
			t.Errorf("DoRA %v: two passes drop the same", dora)
		}
	}
}

// TestSavedFiles wants what PEFT's config says in the one that is written.
func TestSavedFiles(t *testing.T) {
	for _, name := range []string{"lora", "rslora", "dora", "vision"} {
		m := tiny(t)
		a, err := Open(filepath.Join("testdata", name), m, Naming{})
		check(t, err)
		out := t.TempDir()
		check(t, a.Save(out, "gradients", Naming{}))
		b, err := Open(out, tiny(t), Naming{})
		check(t, err)
		if len(a.Layers) != len(b.Layers) {
			t.Errorf("%s: %d layers, want %d", name, len(b.Layers), len(a.Layers))
		}
		for i := range a.Layers {
			if x, y := a.Layers[i], b.Layers[i]; x.Name != y.Name || x.Rank != y.Rank || x.Alpha != y.Alpha || x.LoRA.Scale != y.LoRA.Scale {
				t.Errorf("%s: layer %s, rank %d, alpha %v, want %s, %d, %v", name, y.Name, y.Rank, y.Alpha, x.Name, x.Rank, x.Alpha)
			}
		}
		sameWeights(t, filepath.Join(out, weightsFile), filepath.Join("testdata", name, weightsFile))
	}
}

// TestTargetModules wants the shortest word for the layers that are meant.
func TestTargetModules(t *testing.T) {
	all := []string{
		"language_model.layers.0.q_proj", "language_model.layers.0.v_proj", "language_model.layers.1.q_proj",
		"vision_tower.layers.0.q_proj", "vision_tower.layers.0.fc1", "projector.linear_1",
	}
	for want, names := range map[string][]string{
		`["q_proj"]`: {all[0], all[2], all[3]},
		`"(.*\\.)?language_model\\.(.*\\.)?(q_proj)"`:                                               {all[0], all[2]},
		`"(.*\\.)?language_model\\.(.*\\.)?(q_proj|v_proj)|(.*\\.)?projector\\.(.*\\.)?(linear_1)"`: {all[0], all[1], all[2], all[5]},
		`["language_model.layers.1.q_proj"]`:                                                        {all[2]},
	} {
		if got, err := json.Marshal(targetModules(names, all)); err != nil || string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestRows wants rows in the model's order behind reading, and in the file's behind
// writing.
func TestRows(t *testing.T) {
	m := tiny(t)
	turn := Naming{Rows: func(layer string) func(int) int {
		if !strings.HasSuffix(layer, "q_proj") {
			return nil
		}
		return func(row int) int { return (row + 5) % 32 }
	}}
	a, err := Open("testdata/lora", m, turn)
	check(t, err)
	plain, err := Open("testdata/lora", tiny(t), Naming{})
	check(t, err)
	for i, l := range a.Layers {
		want := plain.Layers[i].LoRA.B.Row(0)
		if strings.HasSuffix(l.Name, "q_proj") {
			want = plain.Layers[i].LoRA.B.Row(5)
		}
		if !slices.Equal(l.LoRA.B.Row(0), want) {
			t.Errorf("%s: row 0 is not the one that it should be", l.Name)
		}
	}
	out := t.TempDir()
	check(t, a.Save(out, "", turn))
	sameWeights(t, filepath.Join(out, weightsFile), "testdata/lora/"+weightsFile)
}

func TestBadConfigs(t *testing.T) {
	good := Config{Rank: 2, Alpha: 4, Targets: []string{"q_proj"}}
	for want, change := range map[string]func(*Config){
		"rank is 0":                       func(c *Config) { c.Rank = 0 },
		"rank is -1":                      func(c *Config) { c.Rank = -1 },
		"alpha is NaN":                    func(c *Config) { c.Alpha = math.NaN() },
		"alpha is +Inf":                   func(c *Config) { c.Alpha = math.Inf(1) },
		"dropout is 1":                    func(c *Config) { c.Dropout = 1 },
		"no targets":                      func(c *Config) { c.Targets = nil },
		"near: q_proj":                    func(c *Config) { c.Targets = []string{"qproj"} },
		`"mpl.*" matches no linear layer`: func(c *Config) { c.Exclude = []string{"mpl.*"} },
		"no linear layer is left":         func(c *Config) { c.Exclude = []string{"**"} },
		"syntax error in pattern":         func(c *Config) { c.Targets = []string{"[a"} },
		"error parsing regexp":            func(c *Config) { c.Pattern = "(?=x)" },
		`"projector" matches no module`:   func(c *Config) { c.ModulesToSave = []string{"projector"} },
		"rank 1.5 is no whole number":     func(c *Config) { c.Ranks = Overrides{{Key: "q_proj", Value: 1.5}} },
		"q_proj: rank is 0":               func(c *Config) { c.Ranks = Overrides{{Key: "q_proj", Value: 0}} },
	} {
		cfg := good
		change(&cfg)
		m := tiny(t)
		if _, err := Attach(m, cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	m := tiny(t)
	_, err := Attach(m, good)
	check(t, err)
	if _, err := Attach(m, good); err == nil || !strings.Contains(err.Error(), "has an update already") {
		t.Errorf("twice: error %v", err)
	}
}

// TestBadFiles changes a good adapter, and wants errors that name what is wrong and a
// model that carries nothing then.
func TestBadFiles(t *testing.T) {
	type files struct {
		config map[string]any
		params []checkpoint.Param
	}
	for want, change := range map[string]func(*files){
		`peft_type "IA3", known: LORA`:  func(f *files) { f.config["peft_type"] = "IA3" },
		"rank is 0":                     func(f *files) { f.config["r"] = 0 },
		"alpha is 0":                    func(f *files) { f.config["lora_alpha"] = 0 },
		"fan_in_fan_out":                func(f *files) { f.config["fan_in_fan_out"] = true },
		"trained biases":                func(f *files) { f.config["bias"] = "all" },
		`init_lora_weights "pissa"`:     func(f *files) { f.config["init_lora_weights"] = "pissa" },
		"layer_replication":             func(f *files) { f.config["layer_replication"] = []any{[]any{0, 4}} },
		"shape [4 32], want [3 32]":     func(f *files) { f.config["r"] = 3 },
		"lora_magnitude_vector":         func(f *files) { f.config["use_dora"] = true },
		"PEFT's names begin with":       func(f *files) { f.params[0].Name = "x" },
		"near: language_model.model":    func(f *files) { f.params[0].Name = prefix + "language_model.model.layers.9.mlp.down_proj" + endA },
		"has no parameter \"a.weight\"": func(f *files) { f.params[0].Name = prefix + "a.weight" },
		"kind are not supported":        func(f *files) { f.params[0].Name = prefix + "a.lora_embedding_A" },
		"no weights of an adapter":      func(f *files) { f.params = nil },
	} {
		var f files
		readJSON(t, "testdata/lora/"+ConfigFile, &f.config)
		c, err := checkpoint.Open(os.DirFS("testdata/lora"), weightsFile)
		check(t, err)
		for _, name := range c.Names() {
			w, err := c.Tensor(name)
			check(t, err)
			f.params = append(f.params, checkpoint.Param{Name: name, T: w})
		}
		change(&f)
		dir := t.TempDir()
		check(t, checkpoint.Write(filepath.Join(dir, weightsFile), f.params, nil))
		check(t, c.Close())
		text, err := json.Marshal(f.config)
		check(t, err)
		check(t, os.WriteFile(filepath.Join(dir, ConfigFile), text, 0o644))
		m := tiny(t)
		if _, err := Open(dir, m, Naming{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v, want %q", err, want)
		}
		nn.Linears(m, func(name string, l *nn.Linear) {
			if l.LoRA != nil {
				t.Errorf("%s: %s carries an update behind the error", want, name)
			}
		})
	}
}

// TestMergeKeepsDTypes merges into 16 bits and into blocks.
func TestMergeKeepsDTypes(t *testing.T) {
	m := tiny(t)
	nn.Walk(m, func(name string, w *tensor.Tensor) {
		switch {
		case strings.HasSuffix(name, "q_proj.weight"):
			w.Store(tensor.BF16, nil)
		case strings.HasSuffix(name, "v_proj.weight") && w.Cols() == 32:
			w.Store(kernel.Q8_0, nil)
		}
	})
	a, err := Open("testdata/lora", m, Naming{})
	check(t, err)
	dequantised := a.Merge(nil, func(d tensor.DType) tensor.DType {
		if d.Quantised() {
			return tensor.F16
		}
		return d
	})
	if want := []string{"language_model.model.layers.0.self_attn.v_proj", "language_model.model.layers.1.self_attn.v_proj"}; !slices.Equal(dequantised, want) {
		t.Errorf("dequantised %q, want %q", dequantised, want)
	}
	b := m.Language.Blocks[0]
	for l, want := range map[*nn.Linear]tensor.DType{b.Q: tensor.BF16, b.V: tensor.F16, b.Gate: tensor.F32} {
		if l.Weight.DType != want {
			t.Errorf("a merged weight is %v, want %v", l.Weight.DType, want)
		}
	}
	if err := a.Save(t.TempDir(), "", Naming{}); err == nil || !strings.Contains(err.Error(), "has been merged") {
		t.Errorf("saving a merged adapter: error %v", err)
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, name := range []string{"lora", "rslora", "vision"} {
		text, err := os.ReadFile(filepath.Join("testdata", name, ConfigFile))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"r": 1, "lora_alpha": 1e999, "rank_pattern": {"(": 1}, "target_modules": [1]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg, err := ParseConfig(text)
		if err != nil {
			return
		}
		rank, alpha, err := cfg.of("model.layers.0.self_attn.q_proj")
		if err == nil && (rank < 1 || rank > maxRank || !(alpha > 0)) {
			t.Errorf("rank %d, alpha %v", rank, alpha)
		}
	})
}
