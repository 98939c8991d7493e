package zoo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/tokenizer"
)

// original writes testdata/llava15 as LLaVA's authors keep a model: names and config.json
// of their repository, tokenizer.model alone, and the tower in a directory beside it. The
// tensors that keep returns true for go into the model's file.
func original(t *testing.T, keep func(name string) bool, edit func(config map[string]any)) (dir string) {
	t.Helper()
	const from = "../testdata/llava15/"
	root := t.TempDir()
	dir = filepath.Join(root, "llava-v1.5-7b")
	tower := filepath.Join(root, "clip-vit-large-patch14-336")
	for _, d := range []string{dir, tower} {
		if err := os.Mkdir(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	var hub map[string]map[string]any
	data, err := os.ReadFile(from + "config.json")
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(data, &hub) // the fields that are objects
	config := hub["text_config"]
	for key, value := range map[string]any{
		"architectures": []string{"LlavaLlamaForCausalLM"}, "model_type": "llava", "mm_vision_tower": "openai/clip-vit-large-patch14-336",
		"mm_projector_type": "mlp2x_gelu", "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch", "image_aspect_ratio": "pad",
		"mm_use_im_start_end": false, "mm_hidden_size": 48, "image_grid_pinpoints": nil, "eos_token_id": 2,
	} {
		config[key] = value
	}
	if edit != nil {
		edit(config)
	}
	putJSON(t, filepath.Join(dir, "config.json"), config)
	putJSON(t, filepath.Join(tower, "config.json"), map[string]any{"model_type": "clip", "vision_config": hub["vision_config"]})
	copyFile(t, from+"preprocessor_config.json", filepath.Join(tower, "preprocessor_config.json"))
	copyFile(t, from+"tokenizer.model", filepath.Join(dir, "tokenizer.model"))
	putJSON(t, filepath.Join(dir, "tokenizer_config.json"), map[string]any{
		"tokenizer_class": "LlamaTokenizer", "add_bos_token": true, "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "legacy": true,
	})

	ckpt, err := checkpoint.Open(os.DirFS(from), ".")
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	var mine, eye []checkpoint.Param
	for _, name := range ckpt.Names() {
		info, _ := ckpt.Info(name)
		p := checkpoint.Param{Name: name, T: tensor.Declare(info.Shape...)}
		if err := checkpoint.Bind(ckpt, []checkpoint.Param{p}, nil, checkpoint.BindOptions{Ignore: []string{"*"}}); err != nil {
			t.Fatal(err)
		}
		for _, r := range [][2]string{
			{`^multi_modal_projector\.linear_1\.`, "model.mm_projector.0."}, {`^multi_modal_projector\.linear_2\.`, "model.mm_projector.2."}, {`^language_model\.`, ""},
		} {
			p.Name = regexp.MustCompile(r[0]).ReplaceAllString(p.Name, r[1])
		}
		if rest, ok := strings.CutPrefix(p.Name, "vision_tower."); ok {
			eye = append(eye, checkpoint.Param{Name: rest, T: p.T})
			p.Name = "model.vision_tower.vision_tower." + rest
		}
		if keep(p.Name) {
			mine = append(mine, p)
		}
	}
	for d, params := range map[string][]checkpoint.Param{dir: mine, tower: eye} {
		if len(params) == 0 {
			continue
		}
		if err := checkpoint.Write(filepath.Join(d, checkpoint.FileName), params, nil); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func putJSON(t *testing.T, file string, v any) {
	t.Helper()
	data, err := json.Marshal(v)
	if err == nil {
		err = os.WriteFile(file, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestOriginalLLaVA opens the authors' layout, with the tower beside the model and in it,
// and wants the features and logits of the same weights in Hugging Face's layout.
func TestOriginalLLaVA(t *testing.T) {
	hub, err := OpenDir("../testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	defer hub.Close()
	img, err := imageproc.OpenFile("../testdata/llava15/image0.png", imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tower := func(name string) bool { return strings.HasPrefix(name, "model.vision_tower.") }
	for name, keep := range map[string]func(string) bool{
		"tower beside it": func(name string) bool { return !tower(name) },
		"tower in it":     func(string) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			dir := original(t, keep, nil)
			if !IsOriginalLLaVA(dir) || IsOriginalLLaVA("../testdata/llava15") {
				t.Fatal("the layout is not recognised")
			}
			m, err := OpenOriginalLLaVA(dir, Beside{})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			p, err := m.Processor.Process(user("What is it?", img))
			if err != nil {
				t.Fatal(err)
			}
			checkPrompt(t, m, p)
			// The hub's model reads the same ids and pixels, but for the id of the placeholder.
			mine, theirs := m.Net.(*llava.Model), hub.Net.(*llava.Model)
			same := *p
			same.IDs = slices.Clone(p.IDs)
			for i, id := range same.IDs {
				if id == mine.Config().ImageTokenID {
					same.IDs[i] = theirs.Config().ImageTokenID
				}
			}
			c := &tensor.Ctx{}
			got := mine.Language.Logits(c, mine.Language.Forward(c, mine.Embed(c, p))).F32
			want := theirs.Language.Logits(c, theirs.Language.Forward(c, theirs.Embed(c, &same))).F32
			if !slices.Equal(got, want) {
				t.Error("logits differ from those of the same weights in the hub's layout")
			}
		})
	}
}

// checkPrompt compares with tokenizer_image_token of LLaVA's mm_utils.py: what is before
// and behind the marker is encoded apart, and the beginning-of-sequence token stands once.
func checkPrompt(t *testing.T, m *Model, p *model.Prompt) {
	t.Helper()
	const system = "A chat between a curious user and an artificial intelligence assistant. " +
		"The assistant gives helpful, detailed, and polite answers to the user's questions. "
	want := m.Tokenizer.Encode(system + "USER: ")
	want = append(want, slices.Repeat([]int32{m.Net.(*llava.Model).Config().ImageTokenID}, 16)...)
	want = append(want, m.Tokenizer.Encode("\nWhat is it? ASSISTANT:", tokenizer.Bare)...)
	if !slices.Equal(p.IDs, want) {
		t.Errorf("prompt %v\nwant   %v", p.IDs, want)
	}
}

// TestOriginalProjector opens a projector alone, with the language model and the tower
// that it was trained for.
func TestOriginalProjector(t *testing.T) {
	dir := original(t, func(name string) bool { return strings.HasPrefix(name, "model.mm_projector.") }, nil)
	if err := os.Rename(filepath.Join(dir, checkpoint.FileName), filepath.Join(dir, "mm_projector.bin")); err != nil {
		t.Fatal(err)
	}
	language := original(t, func(name string) bool {
		return !strings.HasPrefix(name, "model.mm_projector.") && !strings.HasPrefix(name, "model.vision_tower.")
	}, nil)
	m, err := OpenOriginalLLaVA(dir, Beside{Language: language})
	if err != nil {
		t.Fatal(err)
	}
	m.Close()
	if _, err := OpenOriginalLLaVA(dir, Beside{}); err == nil {
		t.Error("a projector without its language model opens")
	}
}

func TestOriginalErrors(t *testing.T) {
	whole := func(name string) bool { return !strings.HasPrefix(name, "model.vision_tower.") }
	for want, edit := range map[string]func(map[string]any){
		"put its directory beside it, as siglip-x, or name it (--vision-tower)": func(c map[string]any) { c["mm_vision_tower"] = "google/siglip-x" },
		`mm_projector_type "resampler"`:                                         func(c map[string]any) { c["mm_projector_type"] = "resampler" },
		`anyres with mm_patch_merge_type ""`:                                    func(c map[string]any) { c["image_aspect_ratio"] = "anyres" },
	} {
		dir := original(t, whole, edit)
		if _, err := OpenOriginalLLaVA(dir, Beside{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// TestOriginalLoRA merges LoRA weights onto their base, and wants the sums.
func TestOriginalLoRA(t *testing.T) {
	const target, rank, alpha = "model.layers.1.self_attn.q_proj", 3, 6
	language := original(t, func(name string) bool {
		return !strings.HasPrefix(name, "model.mm_projector.") && !strings.HasPrefix(name, "model.vision_tower.")
	}, nil)
	dir := original(t, func(name string) bool { return strings.HasPrefix(name, "model.mm_projector.") }, nil)
	ckpt, err := openFile(filepath.Join(dir, checkpoint.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer ckpt.Close()
	var trained []checkpoint.Param // under the names that PEFT gives
	for _, name := range ckpt.Names() {
		info, _ := ckpt.Info(name)
		p := checkpoint.Param{Name: name, T: tensor.Declare(info.Shape...)}
		if err := checkpoint.Bind(ckpt, []checkpoint.Param{p}, nil, checkpoint.BindOptions{Ignore: []string{"*"}}); err != nil {
			t.Fatal(err)
		}
		p.Name = "base_model.model." + name
		trained = append(trained, p)
	}
	a, b := tensor.New(rank, 64), tensor.New(64, rank)
	for i := range a.F32 {
		a.F32[i], b.F32[i] = float32(i%7)/7-0.4, float32(i%5)/5-0.3
	}
	lora := []checkpoint.Param{{Name: "base_model.model." + target + ".lora_A.weight", T: a}, {Name: "base_model.model." + target + ".lora_B.weight", T: b}}
	for file, params := range map[string][]checkpoint.Param{"non_lora_trainables.bin": trained, "adapter_model.safetensors": lora} {
		if err := checkpoint.Write(filepath.Join(dir, file), params, nil); err != nil {
			t.Fatal(err)
		}
	}
	putJSON(t, filepath.Join(dir, "adapter_config.json"), map[string]any{"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "bias": "none"})
	if _, err := OpenOriginalLLaVA(dir, Beside{}); err == nil || !strings.Contains(err.Error(), "--language-model") {
		t.Errorf("without the base: error %v", err)
	}
	m, err := OpenOriginalLLaVA(dir, Beside{Language: language})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	base, err := OpenDir("../testdata/llava15")
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	got, before := m.Net.(*llava.Model).Language.Blocks[1], base.Net.(*llava.Model).Language.Blocks[1]
	if got.K.Weight.DType != before.K.Weight.DType || !slices.Equal(got.K.Weight.Raw, before.K.Weight.Raw) {
		t.Error("a weight without LoRA changed")
	}
	w, w0 := floatsOf(got.Q.Weight), floatsOf(before.Q.Weight)
	for i := range w {
		want := float64(w0[i])
		for r := range rank {
			want += alpha / rank * float64(b.F32[i/64*rank+r]) * float64(a.F32[r*64+i%64])
		}
		if d := float64(w[i]) - want; d > 2e-3 || d < -2e-3 { // of F16
			t.Fatalf("element %d is %v, want %v", i, w[i], want)
		}
	}
	for want, config := range map[string]map[string]any{
		"lora_magnitude_vector": {"r": rank, "lora_alpha": alpha, "use_dora": true}, "rank is 0": {"lora_alpha": alpha}, `peft_type "IA3"`: {"peft_type": "IA3", "r": 1},
	} {
		putJSON(t, filepath.Join(dir, "adapter_config.json"), config)
		if _, err := OpenOriginalLLaVA(dir, Beside{Language: language}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// floatsOf is a copy of a tensor in F32.
func floatsOf(t *tensor.Tensor) []float32 {
	out := tensor.Tensor{Shape: t.Shape, DType: t.DType, F32: slices.Clone(t.F32), Raw: t.Raw}
	out.Own()
	return out.F32
}
