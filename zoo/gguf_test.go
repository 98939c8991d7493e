package zoo

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

func asF32(string, []int) kernel.DType { return kernel.F32 }

// converted writes a fixture as GGUF, and returns it and the model opened from the files.
func converted(t *testing.T, fixture string, pictured bool, choose Choose) (hf, gguf *Model) {
	t.Helper()
	hf, err := OpenDir(fixtures + fixture)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { hf.Close() })
	return hf, reopened(t, hf, pictured, choose)
}

func reopened(t *testing.T, m *Model, pictured bool, choose Choose) *Model {
	t.Helper()
	path, mmproj := filepath.Join(t.TempDir(), "m.gguf"), ""
	if pictured {
		mmproj = filepath.Join(filepath.Dir(path), "mmproj.gguf")
	}
	if err := WriteGGUF(m, path, mmproj, choose); err != nil {
		t.Fatal(err)
	}
	gguf, err := OpenGGUF(path, mmproj)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gguf.Close() })
	return gguf
}

// answer runs a conversation and returns the logits of the prompt and some greedy tokens.
func answer(t *testing.T, m *Model, conv []model.Turn) (ids []int32, logits []float32, tokens []int32) {
	t.Helper()
	vlm, ok := m.VLM()
	if !ok {
		t.Fatalf("%s does not generate", m.Name)
	}
	p, err := m.Processor.Process(conv)
	if err != nil {
		t.Fatal(err)
	}
	ids = slices.Clone(p.IDs)
	for range 4 {
		c := &tensor.Ctx{}
		d := vlm.Decoder()
		all := d.Logits(c, d.Forward(c, vlm.Embed(c, p)))
		if logits == nil {
			logits = slices.Clone(all.F32)
		}
		last := all.Row(all.Rows() - 1)
		best := int32(slices.Index(last, slices.Max(last)))
		tokens, p.IDs = append(tokens, best), append(p.IDs, best)
	}
	return ids, logits, tokens
}

// same compares two models on a conversation.
func same(t *testing.T, got, want *Model, conv []model.Turn) {
	t.Helper()
	wantIDs, wantLogits, wantTokens := answer(t, want, conv)
	ids, logits, tokens := answer(t, got, conv)
	if !slices.Equal(ids, wantIDs) {
		t.Fatalf("prompt %v, want %v", ids, wantIDs)
	}
	if !slices.Equal(tokens, wantTokens) {
		t.Errorf("tokens %v, want %v", tokens, wantTokens)
	}
	most := max(slices.Max(wantLogits), -slices.Min(wantLogits))
	for i, l := range logits {
		if d := math.Abs(float64(l - wantLogits[i])); !(d <= 1e-5*float64(most)) {
			t.Fatalf("logit %d is %v, want %v", i, l, wantLogits[i])
		}
	}
}

func user(text string, images ...*imageproc.RGB) []model.Turn {
	return []model.Turn{{Role: "user", Text: text, Images: images}}
}

func TestGGUFLanguageModels(t *testing.T) {
	for fixture, text := range map[string]string{
		"stories260k": "Once upon a time, Zoë had 3 dogs.", "qwen2": "What's this? 123 你好", "qwen2_untied": "What's this?",
	} {
		t.Run(fixture, func(t *testing.T) {
			hf, gguf := converted(t, fixture, false, asF32)
			same(t, gguf, hf, user(text))
			same(t, reopened(t, gguf, false, nil), hf, user(text)) // written again as it was read
			if gguf.Family.Architecture != hf.Family.Architecture || gguf.Tokenizer == nil || gguf.Pictures != nil {
				t.Errorf("family %s", gguf.Family.Architecture)
			}
			if !slices.Contains(gguf.Generation.EOS, hf.Generation.EOS[0]) {
				t.Errorf("end tokens %v, want %v", gguf.Generation.EOS, hf.Generation.EOS)
			}
		})
	}
}

func TestGGUFPictures(t *testing.T) {
	hf, gguf := converted(t, "llava15", true, asF32)
	img, err := imageproc.OpenFile(fixtures+"llava15/image0.png", imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, conv := range [][]model.Turn{user("<image>\nWhat? <image>", img, img), user("Hello")} {
		same(t, gguf, hf, conv)
	}
	same(t, reopened(t, gguf, true, nil), hf, user("What is this?", img))
	if gguf.Pictures.String() != hf.Pictures.String() {
		t.Errorf("pictures %v, want %v", gguf.Pictures, hf.Pictures)
	}
	text, err := OpenGGUF(gguf.Name, "")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	same(t, text, gguf, user("Hello"))
}

// TestGGUFTiles wants the same of pictures that are cut, also from what the converters of 2024 wrote.
func TestGGUFTiles(t *testing.T) {
	dir := copied(t, "llava_next")
	if err := os.WriteFile(filepath.Join(dir, "chat_template.jinja"), []byte(vicuna), 0o666); err != nil {
		t.Fatal(err)
	}
	hf, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer hf.Close()
	gguf := reopened(t, hf, true, asF32)
	var imgs []*imageproc.RGB
	for _, name := range []string{"image0.png", "image2.png"} {
		imgs = append(imgs, openPicture(t, "llava_next/"+name))
	}
	same(t, gguf, hf, user("<image>\nWhat? <image>", imgs...))
	same(t, reopened(t, gguf, true, nil), hf, user("What?", imgs[1]))
	mmproj := edited(t, filepath.Join(filepath.Dir(gguf.Name), "mmproj.gguf"), map[string]any{"clip.vision.mm_patch_merge_type": nil},
		func(x checkpoint.GGUFTensor) []checkpoint.GGUFTensor {
			x.Name = strings.Replace(x.Name, "v.image_newline", "model.image_newline", 1)
			return []checkpoint.GGUFTensor{x}
		})
	old, err := OpenGGUF(gguf.Name, mmproj)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	same(t, old, hf, user("What?", imgs[0]))
	if got, want := old.Pictures.String(), hf.Pictures.String(); got != want {
		t.Errorf("pictures %s, want %s", got, want)
	}
}

// TestGGUFQuantised quantises what blocks divide, and wants the answer to stay near.
func TestGGUFQuantised(t *testing.T) {
	hf, err := OpenDir(fixtures + "llava15")
	if err != nil {
		t.Fatal(err)
	}
	defer hf.Close()
	weighed := 0
	o := GGUFOptions{
		FileType: 7,
		DType: func(name string, shape []int) kernel.DType {
			if shape[1]%32 == 0 || name == "v.patch_embd.weight" { // which has other rows in the file
				return kernel.Q8_0
			}
			return kernel.BF16
		},
		Importance: func(string) []float32 { weighed++; return nil },
	}
	dir := t.TempDir()
	lm, mmproj := filepath.Join(dir, "lm.gguf"), filepath.Join(dir, "mmproj.gguf")
	if err := o.Write(hf, lm, mmproj); err != nil {
		t.Fatal(err)
	}
	m, err := OpenGGUF(lm, mmproj)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	img, err := imageproc.OpenFile(fixtures+"llava15/image0.png", imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := answer(t, hf, user("What is this?", img))
	_, got, _ := answer(t, m, user("What is this?", img))
	most := slices.Max(want)
	for i := range want {
		if d := got[i] - want[i]; d > 0.05*most || d < -0.05*most {
			t.Fatalf("logit %d is %v, want %v", i, got[i], want[i])
		}
	}
	for name, dtype := range map[string]kernel.DType{"blk.0.attn_q.weight": kernel.Q8_0, "output_norm.weight": kernel.F32, "blk.2.ffn_down.weight": kernel.BF16} {
		if info, _ := m.ckpt.Info(name); info.DType != dtype {
			t.Errorf("%s is %v", name, info.DType)
		}
	}
	if info, _ := m.mmproj.Info("v.patch_embd.weight"); info.DType != kernel.F16 {
		t.Errorf("patch embedding %v", info.DType)
	}
	if m.ckpt.GGUF()["general.file_type"] != uint32(7) || m.ckpt.GGUF()["general.quantization_version"] != uint32(2) || weighed == 0 {
		t.Errorf("metadata %v, %d weighed", m.ckpt.GGUF()["general.file_type"], weighed)
	}
}

// TestGGUFAsReference compares names, shapes, order of rows and bytes of all tensors with those in the files that
// llama.cpp's convert_hf_to_gguf.py (2026-08, --outtype f32) makes of the same directories.
func TestGGUFAsReference(t *testing.T) {
	for fixture, want := range map[string]string{
		"stories260k": "d7b66a5a33302f46949f0186934262182800a0f73fe3bb8f110ef280fc7d4b0a",
		"llava15":     "d68eedd73072a24bc2617debfbd72a3948c9706b7c2346bfe878936fc00d09ec",
	} {
		_, gguf := converted(t, fixture, false, asF32)
		sum := sha256.New()
		for _, name := range gguf.ckpt.Names() {
			f, err := gguf.ckpt.Floats(name)
			if err != nil {
				t.Fatal(err)
			}
			raw := make([]byte, 4*len(f))
			kernel.FromF32(raw, f, kernel.F32)
			sum.Write([]byte(name))
			sum.Write(raw)
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != want {
			t.Errorf("%s: %s, want %s", fixture, got, want)
		}
	}
}

// edited writes a GGUF file again with other metadata and tensors.
func edited(t *testing.T, path string, set map[string]any, tensors func(checkpoint.GGUFTensor) []checkpoint.GGUFTensor) string {
	t.Helper()
	c, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	kv := c.GGUF()
	for key, value := range set {
		if kv[key] = value; value == nil {
			delete(kv, key)
		}
	}
	var metadata []checkpoint.KV
	for key, value := range kv {
		metadata = append(metadata, checkpoint.KV{Key: key, Value: value})
	}
	var list []checkpoint.GGUFTensor
	for _, name := range c.Names() {
		x, err := c.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		one := checkpoint.GGUFTensor{Name: name, T: x, DType: x.DType}
		if tensors == nil {
			list = append(list, one)
		} else {
			list = append(list, tensors(one)...)
		}
	}
	out := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := checkpoint.WriteGGUF(out, metadata, list); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestGGUFOfOlderConverter reads what the converters of 2023 wrote: no feature layer, ffn_up and ffn_down swapped, no
// marker of pictures among the tokens and no chat template.
func TestGGUFOfOlderConverter(t *testing.T) {
	hf, gguf := converted(t, "llava15", true, asF32)
	img, err := imageproc.OpenFile(fixtures+"llava15/image1.png", imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	tokens := slices.Clone(gguf.ckpt.GGUF()[keyTokens].([]string))
	tokens[slices.Index(tokens, imageMarker)] = "[PAD600]"
	mmproj := filepath.Join(filepath.Dir(gguf.Name), "mmproj.gguf")
	lm := edited(t, gguf.Name, map[string]any{keyTokens: tokens, keyTemplate: nil}, nil)
	swap := strings.NewReplacer("ffn_up", "ffn_down", "ffn_down", "ffn_up")
	mmproj = edited(t, mmproj, map[string]any{"clip.vision.feature_layer": nil}, func(x checkpoint.GGUFTensor) []checkpoint.GGUFTensor {
		x.Name = swap.Replace(x.Name)
		return []checkpoint.GGUFTensor{x}
	})
	old, err := OpenGGUF(lm, mmproj)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	ids, logits, greedy := answer(t, old, user("What is this?", img))
	wantIDs, wantLogits, wantGreedy := answer(t, hf, user("What is this?", img))
	for i, id := range wantIDs {
		if id == 600 {
			wantIDs[i] = int32(len(tokens))
		}
	}
	if !slices.Equal(ids, wantIDs) || !slices.Equal(greedy, wantGreedy) {
		t.Errorf("prompt %v and answer %v, want %v and %v", ids, greedy, wantIDs, wantGreedy)
	}
	if d := logits[len(logits)-1] - wantLogits[len(wantLogits)-1]; d > 1e-5 || d < -1e-5 {
		t.Errorf("logits differ by %v", d)
	}
}

// A template written for text gets the marker within the text.
func TestGGUFTextTemplate(t *testing.T) {
	_, gguf := converted(t, "llava15", true, asF32)
	img, err := imageproc.OpenFile(fixtures+"llava15/image0.png", imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lm := edited(t, gguf.Name, map[string]any{keyTemplate: "{% for m in messages %}{{ m.role }}: {{ m['content'] | trim }} {% endfor %}ASSISTANT:"}, nil)
	m, err := OpenGGUF(lm, filepath.Join(filepath.Dir(gguf.Name), "mmproj.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := m.Processor.Process(user("What?", img))
	if err != nil {
		t.Fatal(err)
	}
	text := m.Tokenizer.Decode(p.IDs, false)
	if n := strings.Count(text, imageMarker); n != 16 || !strings.Contains(text, "user: ") || !strings.HasSuffix(text, "What? ASSISTANT:") {
		t.Errorf("%d markers in %q", n, text)
	}
}

func TestGGUFRopeFactors(t *testing.T) {
	dir := copied(t, "stories260k")
	setConfig(t, dir, map[string]any{"rope_scaling": map[string]any{"rope_type": "llama3", "factor": 8.0,
		"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}})
	hf, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer hf.Close()
	gguf := reopened(t, hf, false, nil)
	if !stored(gguf.ckpt, ropeFactors) {
		t.Error("no factors are stored")
	}
	same(t, gguf, hf, user("Once upon a time there was a little dog"))
	setConfig(t, dir, map[string]any{"rope_scaling": map[string]any{"type": "linear", "factor": 2.0}})
	linear, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer linear.Close()
	same(t, reopened(t, linear, false, nil), linear, user("Once upon a time"))
}

func TestOpenGGUFRefuses(t *testing.T) {
	_, text := converted(t, "stories260k", false, nil)
	_, both := converted(t, "llava15", true, nil)
	mmproj := filepath.Join(filepath.Dir(both.Name), "mmproj.gguf")
	set := func(key string, value any) map[string]any { return map[string]any{key: value} }
	drop := func(name string) func(checkpoint.GGUFTensor) []checkpoint.GGUFTensor {
		return func(x checkpoint.GGUFTensor) []checkpoint.GGUFTensor {
			if x.Name == name {
				return nil
			}
			return []checkpoint.GGUFTensor{x}
		}
	}
	for name, c := range map[string]struct {
		lm, mmproj string
		want       string
	}{
		"architecture":    {edited(t, text.Name, set(keyArchitecture, "mamba"), nil), "", `unknown architecture "mamba"; known are llama, qwen2, qwen3, qwen2vl and qwen3vl`},
		"no architecture": {edited(t, text.Name, set(keyArchitecture, nil), nil), "", `unknown architecture ""`},
		"mmproj alone":    {mmproj, "", "give it as mmproj, beside a language model"},
		"two models":      {both.Name, text.Name, `architecture "llama", want clip`},
		"missing keys":    {edited(t, text.Name, map[string]any{"llama.block_count": nil, "llama.context_length": "long"}, nil), "", `key "llama.block_count" is missing; key "llama.context_length" is long of type string, want an integer`},
		"huge":            {edited(t, text.Name, set("llama.block_count", uint64(1<<40)), nil), "", `key "llama.block_count" is 1099511627776`},
		"epsilon":         {edited(t, text.Name, set("llama.attention.layer_norm_rms_epsilon", float32(math.NaN())), nil), "", "want a finite float32"},
		"heads":           {edited(t, text.Name, set("llama.attention.head_count", uint32(0)), nil), "", "num_attention_heads is 0"},
		"partly rotated":  {edited(t, text.Name, set("llama.rope.dimension_count", uint32(4)), nil), "", "want the width of a head, 8"},
		"experts":         {edited(t, text.Name, set("llama.expert_count", uint32(8)), nil), "", "mixtures of experts are not supported"},
		"yarn":            {edited(t, text.Name, map[string]any{"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": float32(4)}, nil), "", `unknown type "yarn"`},
		"no tokens":       {edited(t, text.Name, set(keyTokens, nil), nil), "", `key "tokenizer.ggml.tokens" is missing`},
		"fewer tokens":    {edited(t, text.Name, set("llama.feed_forward_length", uint32(176)), nil), "", "shape [172 64], want [176 64]"},
		"missing tensor":  {edited(t, text.Name, nil, drop("blk.3.ffn_norm.weight")), "", "model.layers.3.post_attention_layernorm.weight"},
		"rope factors": {edited(t, text.Name, nil, func(x checkpoint.GGUFTensor) []checkpoint.GGUFTensor {
			return append([]checkpoint.GGUFTensor{x}, map[bool][]checkpoint.GGUFTensor{true: {{Name: ropeFactors, T: tensor.New(4)}}}[x.Name == "output.weight"]...)
		}), "", "rope_freqs.weight"},
		"projector":       {both.Name, edited(t, mmproj, set("clip.projector_type", "ldp"), nil), `projector of type "ldp", known is mlp`},
		"tiles":           {both.Name, edited(t, mmproj, set(keyPinpoints, []int32{1, 2}), nil), "[2 1] is no height and width in whole tiles"},
		"odd tiles":       {both.Name, edited(t, mmproj, set(keyPinpoints, []int32{28, 28, 28}), nil), "two for each size"},
		"flat tiles":      {both.Name, edited(t, mmproj, map[string]any{keyPinpoints: []int32{56, 56}, "clip.vision.mm_patch_merge_type": "flat"}, nil), `joined by "flat"`},
		"no newline":      {both.Name, edited(t, mmproj, set(keyPinpoints, []int32{56, 56}), nil), "image_newline"},
		"no colours":      {both.Name, edited(t, mmproj, set("clip.vision.image_mean", nil), nil), `key "clip.vision.image_mean" is missing`},
		"colours":         {both.Name, edited(t, mmproj, set("clip.vision.image_std", []float32{1, 0, 1}), nil), "want positive numbers"},
		"layers":          {both.Name, edited(t, mmproj, set("clip.vision.feature_layer", "last"), nil), "want a list of int32"},
		"no number":       {both.Name, edited(t, mmproj, set("clip.vision.image_mean", []float32{0, 0, float32(math.Inf(1))}), nil), "want finite numbers"},
		"no second layer": {both.Name, edited(t, mmproj, nil, drop("mm.2.weight")), "multi_modal_projector.linear_2.weight"},
		"feature layer":   {both.Name, edited(t, mmproj, set("clip.vision.feature_layer", []int32{7}), nil), "feature layer 7"},
		"safetensors":     {fixtures + "stories260k/model.safetensors", "", "not a GGUF file"},
		"nothing":         {filepath.Join(t.TempDir(), "x.gguf"), "", "no such file"},
	} {
		t.Run(name, func(t *testing.T) { refusedGGUF(t, c.lm, c.mmproj, c.want) })
	}
}

// refusedGGUF wants an error that names the file of the language model.
func refusedGGUF(t *testing.T, lm, mmproj, want string) {
	t.Helper()
	m, err := OpenGGUF(lm, mmproj)
	if err == nil {
		m.Close()
		t.Fatal("opened")
	}
	if !strings.HasPrefix(err.Error(), "zoo: "+lm+": ") || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v\nlacks %q", err, want)
	}
}

// refusesToWrite wants an error for a fixture some of whose config is set otherwise.
func refusesToWrite(t *testing.T, fixture string, set map[string]any, path, mmproj, want string) {
	t.Helper()
	from := copied(t, fixture)
	setConfig(t, from, set)
	m, err := Declare(os.DirFS(from), from)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteGGUF(m, path, mmproj, nil); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestWriteGGUFRefuses(t *testing.T) {
	dir := t.TempDir()
	path, mmproj := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "mmproj.gguf")
	for name, c := range map[string]struct {
		fixture string
		set     map[string]any
		mmproj  string
		want    string
	}{
		"tower":        {"clip_vision", nil, "", "a CLIPVisionModel cannot be written as GGUF"},
		"no tower":     {"stories260k", nil, mmproj, "no picture encoder to write"},
		"class token":  {"llava15", map[string]any{"vision_feature_select_strategy": "full"}, mmproj, "class token"},
		"layers":       {"llava15", map[string]any{"vision_feature_layer": []int{2, 1}}, mmproj, "feature layers [2 1]"},
		"tower's kind": {"llava_onevision", nil, mmproj, "CLIP towers only"},
		"family":       {"qwen_vl", nil, "", "a QWenLMHeadModel cannot be written as GGUF"},
		"activation":   {"llava15", map[string]any{"projector_hidden_act": "silu"}, mmproj, "GELU only"},
	} {
		t.Run(name, func(t *testing.T) { refusesToWrite(t, c.fixture, c.set, path, c.mmproj, c.want) })
	}
	m, err := Declare(os.DirFS(fixtures+"stories260k"), "stories")
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteGGUF(m, path, "", nil); err == nil || !strings.Contains(err.Error(), `parameter "model.embed_tokens.weight" has no weights`) {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}
