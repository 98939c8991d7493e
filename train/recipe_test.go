package train

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRecipesOfTheRepository(t *testing.T) {
	var names []string
	for folder, least := range map[string]int{"": 9, "tiny": 9, "forgetting": 4} {
		found, err := filepath.Glob(filepath.Join("../recipes", folder, "*.json"))
		check(t, err)
		if len(found) < least {
			t.Errorf("%d recipes in %q", len(found), folder)
		}
		names = append(names, found...)
	}
	for _, name := range append(names, "testdata/bench.json", "testdata/tiny.json") {
		if _, err := ReadRecipe(name); err != nil {
			t.Error(err)
		}
	}
}

// TestNumbersOfThePapers compares the recipes with what the papers and scripts say.
func TestNumbersOfThePapers(t *testing.T) {
	const all = "vision adapter language"
	type numbers struct {
		train             string
		batch             int
		lr, least         float64
		steps             int
		epochs            float64
		warmSteps         int
		warmShare, decay  float64
		beta2, clip       float64
		tokens, toPack    int
		epochsWarm, tower float64
	}
	for name, want := range map[string][]numbers{
		"blip2-stage1": {{train: "adapter", batch: 1680, lr: 1e-4, steps: 250000, warmSteps: 2000, decay: 0.05, beta2: 0.98, tokens: 32}},
		"blip2-stage2": {{train: "adapter", batch: 1920, lr: 1e-4, least: 5e-5, steps: 80000, warmSteps: 2000, decay: 0.05, beta2: 0.98}},
		"llava-1.5": {
			{train: "adapter", batch: 256, lr: 1e-3, epochs: 1, warmShare: 0.03, beta2: 0.999, clip: 1, tokens: 2048},
			{train: "adapter language", batch: 128, lr: 2e-5, epochs: 1, warmShare: 0.03, beta2: 0.999, clip: 1, tokens: 2048},
		},
		"llava-1.5-lora": {{train: "lora adapter", batch: 128, lr: 2e-4, epochs: 1, warmShare: 0.03, beta2: 0.999, clip: 1, tokens: 2048, tower: 2e-5}},
		"llava-next": {
			{train: "adapter", batch: 256, lr: 1e-3, epochs: 1, warmShare: 0.03, beta2: 0.999, clip: 1, tokens: 2048},
			{train: all, batch: 128, lr: 1e-5, epochs: 1, warmShare: 0.03, beta2: 0.999, clip: 1, tokens: 32768, tower: 2e-6},
		},
		"qwen-vl": {
			{train: "vision adapter", batch: 30720, lr: 2e-4, least: 1e-6, steps: 50000, warmSteps: 500, decay: 0.05, beta2: 0.98, clip: 1, tokens: 512},
			{train: all, batch: 4096, lr: 5e-5, least: 1e-5, steps: 19000, warmSteps: 400, decay: 0.05, beta2: 0.98, clip: 1, toPack: 2048},
			{train: "adapter language", batch: 128, lr: 1e-5, least: 1e-6, steps: 8000, warmSteps: 3000, decay: 0.05, beta2: 0.98, clip: 1, tokens: 2048},
		},
		"sphinx-1-real":      {{train: "adapter language", batch: 672, lr: 5e-5, least: 5e-6, steps: 180000, warmSteps: 2000, beta2: 0.95, clip: 8, tokens: 2048}},
		"sphinx-1-synthetic": {{train: "adapter language", batch: 672, lr: 5e-5, least: 5e-6, steps: 180000, warmSteps: 2000, beta2: 0.95, clip: 8, tokens: 2048}},
		"sphinx-2":           {{train: "adapter language", batch: 128, lr: 2e-5, epochs: 1, beta2: 0.999, clip: 8, tokens: 3072, epochsWarm: 0.03}},
	} {
		r, err := ReadRecipe("../recipes/" + name + ".json")
		check(t, err)
		if len(r.Stages) != len(want) {
			t.Fatalf("%s: %d stages", name, len(r.Stages))
		}
		for i, s := range r.Stages {
			got := numbers{
				train: strings.Join(s.Train, " "), batch: s.Batch * s.Accumulate, lr: s.LR, least: s.MinLR, steps: s.Steps, epochs: s.Epochs,
				warmSteps: s.WarmupSteps, warmShare: s.Warmup, epochsWarm: s.WarmupEpochs, decay: s.Decay, beta2: s.Betas[1], clip: s.Clip, tokens: s.MaxTokens,
			}
			if s.Pack != nil {
				got.toPack = s.Pack.Tokens
			}
			if len(s.Groups) > 0 && s.Groups[0].LR != nil {
				got.tower = *s.Groups[0].LR
			}
			if got != want[i] {
				t.Errorf("%s, stage %d: %+v, want %+v", name, i+1, got, want[i])
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	r, err := ParseRecipe([]byte(recipeWith(``, `"steps": 1, "batch": 1, "lr": 1`, `"format": "scenes", "count": 1`)))
	check(t, err)
	s := r.Stages[0]
	if r.Save != 500 || r.Keep != 2 || r.DType != "F32" || s.Accumulate != 1 || s.Betas != [2]float64{0.9, 0.999} || s.Eps != 1e-8 {
		t.Errorf("%+v", r)
	}
}

// recipeWith is a recipe of one stage with further fields.
func recipeWith(run, stage, source string) string {
	if run != "" {
		run += ","
	}
	if !strings.Contains(stage, `"train"`) {
		stage += `, "train": ["adapter"]`
	}
	return fmt.Sprintf(`{"output": "x", %s "model": {"from": "y"}, "stages": [{"name": "s", "warmup": 0, "weight_decay": 0, "clip": 0, %s, "data": [{%s}]}]}`, run, stage, source)
}

func TestRecipesThatAreWrong(t *testing.T) {
	const stage, source = `"steps": 1, "batch": 1, "lr": 1`, `"format": "scenes", "count": 1`
	for _, tc := range []struct{ name, recipe, want string }{
		{"nothing", ``, "EOF"},
		{"no JSON", `recipe`, "invalid character"},
		{"two", recipeWith(``, stage, source) + `{}`, "text after the recipe"},
		{"unknown field", recipeWith(`"learning_rate": 1`, stage, source), `unknown field "learning_rate"`},
		{"unknown field of a stage", recipeWith(``, stage+`, "scheduler": "step"`, source), `unknown field "scheduler"`},
		{"unknown optimizer", recipeWith(``, stage+`, "optimizer": "sgd"`, source), `optimizer "sgd", want adamw, muon or adafactor`},
		{"unknown field of a source", recipeWith(``, stage, source+`, "shuffle": true`), `unknown field "shuffle"`},
		{"wrong kind", recipeWith(`"seed": "one"`, stage, source), "seed"},
		{"no output", recipeWith(`"output": ""`, stage, source), "output is missing"},
		{"save_every", recipeWith(`"save_every": 0`, stage, source), "save_every is 0"},
		{"keep", recipeWith(`"keep": -1`, stage, source), "keep is -1"},
		{"dtype", recipeWith(`"dtype": "F8"`, stage, source), `dtype "F8"`},
		{"no stages", `{"output": "x", "model": {"from": "y"}}`, "stages is empty"},
		{"no model", `{"output": "x", "stages": [{}]}`, "model needs either from or config"},
		{"two models", `{"output": "x", "model": {"from": "y", "config": {}}, "stages": [{}]}`, "model needs either from or config"},
		{"no data", `{"output": "x", "model": {"from": "y"}, "stages": [{"name": "s"}]}`, "stage 1 (s): data is empty"},
		{"nothing learns", recipeWith(``, stage+`, "train": []`, source), "train is empty"},
		{"no steps", recipeWith(``, `"batch": 1, "lr": 1`, source), "either steps or epochs"},
		{"steps and epochs", recipeWith(``, stage+`, "epochs": 1`, source), "either steps or epochs"},
		{"too many steps", recipeWith(``, `"steps": 2000000000, "batch": 1, "lr": 1`, source), "at most"},
		{"too many epochs", recipeWith(``, `"epochs": 1e300, "batch": 1, "lr": 1`, source), "at most"},
		{"batch", recipeWith(``, `"steps": 1, "lr": 1`, source), "batch 0"},
		{"accumulate", recipeWith(``, stage+`, "accumulate": -1`, source), "accumulate -1"},
		{"lr", recipeWith(``, `"steps": 1, "batch": 1`, source), "lr 0"},
		{"min_lr", recipeWith(``, stage+`, "min_lr": 2`, source), "min_lr 2"},
		{"warmup", recipeWith(``, stage+`, "warmup": 100`, source), "warmup is 100, want a share"},
		{"weight_decay", recipeWith(``, stage+`, "weight_decay": -1`, source), "weight_decay -1"},
		{"clip", recipeWith(``, stage+`, "clip": -1`, source), "clip -1"},
		{"eps", recipeWith(``, stage+`, "eps": -1`, source), "eps -1"},
		{"ema", recipeWith(``, stage+`, "ema": 1`, source), "ema is 1, want a decay of 0 to 1"},
		{"diverge", recipeWith(``, stage+`, "diverge": 0.5`, source), "diverge is 0.5, want a number above 1"},
		{"betas", recipeWith(``, stage+`, "betas": [0.9, 1]`, source), "betas are [0.9 1]"},
		{"max_tokens", recipeWith(``, stage+`, "max_tokens": -1`, source), "max_tokens is -1"},
		{"nearest key", recipeWith(``, stage+`, "warm_up": 1`, source), `the nearest known is "warmup"`},
		{"two warm-ups", recipeWith(``, stage+`, "warmup_epochs": 1, "warmup_steps": 3`, source), "want one of warmup, warmup_steps and warmup_epochs"},
		{"schedule", recipeWith(``, stage+`, "schedule": "step"`, source), `schedule "step", want cosine, linear or constant`},
		{"glob", recipeWith(``, stage+`, "train": ["layers.[0-"]`, source), `train: "layers.[0-"`},
		{"group of nothing", recipeWith(``, stage+`, "groups": [{"lr": 1}]`, source), "group 1: params is empty"},
		{"group's rate", recipeWith(``, stage+`, "groups": [{"params": ["vision"], "lr": -1}]`, source), "group 1: lr and weight_decay"},
		{"group's layer_decay", recipeWith(``, stage+`, "groups": [{"params": ["vision"], "layer_decay": 1.5}]`, source), "group 1: layer_decay is 1.5"},
		{"some weights", strings.Replace(recipeWith(``, stage, source), `"data": [{`, `"data": [{"weight": 1, "format": "scenes", "count": 1}, {`, 1), "1 of 2 sources have a weight"},
		{"weight", recipeWith(``, stage, source+`, "weight": -1`), "weight is -1"},
		{"loss", recipeWith(``, stage+`, "loss": "mse"`, source), `loss "mse", want answers, pairs or preferences`},
		{"pair of one", recipeWith(``, stage+`, "loss": "pairs"`, source), "needs batch, of 2 or more"},
		{"packed preferences", recipeWith(``, `"steps": 1, "lr": 1, "pack": {"tokens": 9}, "loss": "preferences"`, source), "not packed"},
		{"beta of answers", recipeWith(``, stage+`, "beta": 0.1`, source), "beta is 0.1"},
		{"quant without lora", recipeWith(`"model": {"quant": "q4_0"}`, stage, source), "quant and merge are for lora"},
		{"lora and load", recipeWith(`"model": {"load": [{"from": "z", "params": ["vision"]}], "lora": {"rank": 1, "alpha": 1, "targets": ["q_proj"]}}`, stage, source), "lora and load"},
		{"alike", recipeWith(``, stage+`, "alike": "size"`, source), `alike "size", want source, type, modality or length`},
		{"batch and pack", recipeWith(``, `"steps": 1, "batch": 2, "lr": 1, "pack": {"tokens": 9}`, source), "want either batch or pack"},
		{"epochs of pack", recipeWith(``, `"epochs": 1, "lr": 1, "pack": {"tokens": 9}`, source), "pack needs steps"},
		{"pack", recipeWith(``, `"steps": 1, "lr": 1, "pack": {"tokens": 0}`, source), "pack: tokens 0"},
		{"whiten", recipeWith(`"model": {"init": {"whiten": -1}}`, stage, source), "init: whiten is -1"},
		{"format", recipeWith(``, stage, `"format": "coc"`), `data 1: format "coc"; the nearest known is coco`},
		{"count", recipeWith(``, stage, `"format": "scenes"`), "count is 0"},
		{"path", recipeWith(``, stage, `"format": "llava"`), "llava: path is missing"},
		{"types of llava", recipeWith(``, stage, `"format": "llava", "path": "x", "types": ["colour"]`), "types are for"},
		{"rejected of llava", recipeWith(``, stage, `"format": "llava", "path": "x", "rejected": true`), "llava: rejected is for scenes"},
		{"ask", recipeWith(``, stage, source+`, "ask": -1`), "ask -1"},
		{"shift", recipeWith(``, stage, source+`, "augment": {"shift": -1}`), "shift -1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := ParseRecipe([]byte(tc.recipe)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

func TestErrorsNameTheFile(t *testing.T) {
	for _, name := range []string{"testdata/none.json", "testdata/golden.jsonl"} {
		if _, err := ReadRecipe(name); err == nil || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("error %v", err)
		}
	}
}

func TestEveryFieldIsDocumented(t *testing.T) {
	page := readText(t, "../docs/recipes.md")
	for _, v := range []any{Recipe{}, Start{}, Special{}, Init{}, Stage{}, Source{}, Augment{}, Validate{}, Step{}, Load{}, Measure{}, Forget{}, Measured{}, Metric{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("docs/recipes.md does not tell of %s of a %T", name, v)
			}
		}
	}
}

func TestExampleOfTheDocumentation(t *testing.T) {
	_, rest, _ := strings.Cut(readText(t, "../docs/recipes.md"), "```json\n")
	example, _, ok := strings.Cut(rest, "```")
	if _, err := ParseRecipe([]byte(example)); !ok || err != nil {
		t.Error(err)
	}
}

func FuzzParseRecipe(f *testing.F) {
	f.Add([]byte(recipeWith(``, `"steps": 1, "batch": 1, "lr": 1`, `"format": "scenes", "count": 1`)))
	f.Add([]byte(`{"model": {"config": null, "init": {"std": {"*": 1}}}, "stages": [{"betas": [0]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRecipe(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		check(t, err)
		if _, err := ParseRecipe(again); err != nil {
			t.Errorf("%v of what was written:\n%s", err, again)
		}
	})
}
