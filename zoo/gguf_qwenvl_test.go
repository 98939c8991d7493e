package zoo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
)

func openPicture(t *testing.T, path string) *imageproc.RGB {
	t.Helper()
	img, err := imageproc.OpenFile(fixtures+path, imageproc.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// TestGGUFQwenVL wants the logits and tokens of the safetensors, with pictures and without, also when the language model
// is opened alone and when files are written again as they were read.
func TestGGUFQwenVL(t *testing.T) {
	for _, fixture := range []string{"qwen2_vl", "qwen2_5_vl", "qwen3_vl"} {
		t.Run(fixture, func(t *testing.T) {
			hf, gguf := converted(t, fixture, true, asF32)
			a, b := openPicture(t, fixture+"/image0.png"), openPicture(t, fixture+"/image1.png")
			for _, conv := range [][]model.Turn{user("<image>\nWhat? <image>", a, b), user("Hello")} {
				same(t, gguf, hf, conv)
			}
			same(t, reopened(t, gguf, true, nil), hf, user("What is this?", b))
			film, err := imageproc.OpenVideoFile("../testdata/qwen2_vl_video/film.gif", imageproc.VideoOptions{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, gguf, hf, []model.Turn{{Role: "user", Text: "In <video>?", Videos: []*imageproc.Video{film}}})
			if gguf.Pictures.String() != hf.Pictures.String() || gguf.Family.Architecture != hf.Family.Architecture {
				t.Errorf("%s, pictures %v, want %v", gguf.Family.Architecture, gguf.Pictures, hf.Pictures)
			}
			text, err := OpenGGUF(gguf.Name, "")
			if err != nil {
				t.Fatal(err)
			}
			defer text.Close()
			same(t, text, hf, user("Hello"))
			same(t, reopened(t, text, false, nil), hf, user("Hello"))
		})
	}
}

// TestGGUFQwenVLStored keeps what the checkpoint stores, bfloat16, and quantises what blocks divide.
func TestGGUFQwenVLStored(t *testing.T) {
	hf, gguf := converted(t, "qwen2_vl", true, nil)
	same(t, gguf, hf, user("What?", openPicture(t, "qwen2_vl/image0.png")))
	for name, want := range map[string]kernel.DType{"v.blk.0.attn_q.weight": kernel.BF16, "v.blk.0.attn_q.bias": kernel.F32, "v.patch_embd.weight.1": kernel.F32} {
		if info, _ := gguf.mmproj.Info(name); info.DType != want {
			t.Errorf("%s is %v, want %v", name, info.DType, want)
		}
	}
	quantised := reopened(t, hf, true, func(_ string, shape []int) kernel.DType {
		if shape[len(shape)-1]%32 == 0 {
			return kernel.Q8_0
		}
		return kernel.F16
	})
	if info, _ := quantised.mmproj.Info("v.blk.1.attn_k.weight"); info.DType != kernel.Q8_0 {
		t.Errorf("keys are %v", info.DType)
	}
	_, want, _ := answer(t, hf, user("Hello"))
	_, got, _ := answer(t, quantised, user("Hello"))
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 0.3 {
			t.Fatalf("logit %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// TestGGUFQwenVLAsReference compares names and bytes of all tensors, in both files, with those that llama.cpp's
// convert_hf_to_gguf.py (2026-10, --outtype f32, and with --mmproj) makes of the same directories. (It maps names of the
// merger only if there are more than two blocks: for qwen2_vl its table was made longer.)
func TestGGUFQwenVLAsReference(t *testing.T) {
	for fixture, want := range map[string]string{
		"qwen2_vl":   "645f35fb60bcee709f805445878e2836d51347f737e389debd330b091691c498",
		"qwen2_5_vl": "91df17b13d759ffcc7203aa012d3be89961a7db4a78a358d4d7f25f924d2db34",
		"qwen3_vl":   "4ed2d32d123e6f830f7618bc9d3c47990041c50c73a257b8004001c4c9376513",
	} {
		_, gguf := converted(t, fixture, true, asF32)
		if got := sumOf(t, gguf.ckpt, gguf.mmproj); got != want {
			t.Errorf("%s: %s, want %s", fixture, got, want)
		}
	}
}

func sumOf(t *testing.T, files ...*checkpoint.Checkpoint) string {
	t.Helper()
	sum := sha256.New()
	for _, c := range files {
		for _, name := range c.Names() {
			f, err := c.Floats(name)
			if err != nil {
				t.Fatal(err)
			}
			raw := make([]byte, 4*len(f))
			kernel.FromF32(raw, f, kernel.F32)
			sum.Write([]byte(name))
			sum.Write(raw)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TestGGUFOlderQwen2VL reads what the converter of 2024 wrote: another key for the projector, ffn_up and ffn_down
// swapped, no limits of pictures.
func TestGGUFOlderQwen2VL(t *testing.T) {
	hf, gguf := converted(t, "qwen2_vl", true, asF32)
	swap := strings.NewReplacer("ffn_up", "ffn_down", "ffn_down", "ffn_up")
	mmproj := edited(t, filepath.Join(filepath.Dir(gguf.Name), "mmproj.gguf"), map[string]any{
		"clip.projector_type": nil, "clip.has_qwen2vl_merger": true, keyMinPixels: nil, keyMaxPixels: nil, "clip.vision.spatial_merge_size": nil,
	}, func(x checkpoint.GGUFTensor) []checkpoint.GGUFTensor {
		x.Name = swap.Replace(x.Name)
		return []checkpoint.GGUFTensor{x}
	})
	old, err := OpenGGUF(gguf.Name, mmproj)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if s, _ := old.Pictures.Smart(); s.Min != 8*28*28 || s.Max != 4096*28*28 {
		t.Errorf("pictures %v", old.Pictures)
	}
	same(t, old, hf, user("Hello"))
	img := &imageproc.RGB{W: 84, H: 84, Pix: make([]uint8, 3*84*84)} // within all limits
	for i := range img.Pix {
		img.Pix[i] = uint8(i * i)
	}
	same(t, old, hf, user("What?", img))
}

func TestGGUFQwenVLRefuses(t *testing.T) {
	_, both := converted(t, "qwen2_5_vl", true, nil)
	_, third := converted(t, "qwen3_vl", true, nil)
	_, llava := converted(t, "llava15", true, nil)
	of := func(m *Model) string { return filepath.Join(filepath.Dir(m.Name), "mmproj.gguf") }
	set := func(m *Model, key string, value any) string { return edited(t, of(m), map[string]any{key: value}, nil) }
	lm := func(key string, value any) string { return edited(t, both.Name, map[string]any{key: value}, nil) }
	for name, c := range map[string]struct{ lm, mmproj, want string }{
		"another tower":  {both.Name, of(llava), `projector of type "mlp", which goes with another language model`},
		"another model":  {llava.Name, of(both), `projector of type "qwen2.5vl_merger", known is mlp`},
		"not a tower":    {both.Name, both.Name, `architecture "qwen2vl", want clip`},
		"generations":    {both.Name, of(third), `projector of type "qwen3vl_merger", which goes with another language model than qwen2vl`},
		"sections":       {lm("qwen2vl.rope.dimension_sections", []int32{2, 3, 3, 1}), "", "want three int32, and 0"},
		"other sections": {lm("qwen2vl.rope.dimension_sections", []int32{2, 3, 4, 0}), "", "mrope_section [2 3 4]"},
		"no marker":      {lm(keyTokens, make([]string, 576)), of(both), "the vocabulary has no <|image_pad|>"},
		"deep":           {third.Name, set(third, "clip.vision.is_deepstack_layers", "all"), "want a list of bool"},
		"deeper":         {third.Name, set(third, "clip.vision.is_deepstack_layers", []bool{true, true, true, true}), "deepstack_visual_indexes [0 1 2 3]"},
		"no limits":      {both.Name, set(both, keyMinPixels, "few"), `key "clip.vision.image_min_pixels" is few`},
		"limits":         {both.Name, set(both, keyMaxPixels, uint32(7)), "pictures of 6272 to 7 pixels"},
		"depth":          {both.Name, set(both, "clip.vision.block_count", uint32(1<<31-1)), "depth is 2147483647"},
		"one block more": {both.Name, set(both, "clip.vision.block_count", uint32(5)), "visual.blocks.4.norm1.weight"},
		"pattern":        {both.Name, set(both, "clip.vision.n_wa_pattern", nil), `key "clip.vision.n_wa_pattern" is missing`},
		"window":         {both.Name, set(both, "clip.vision.window_size", uint32(1)), "window_size is 1"},
	} {
		t.Run(name, func(t *testing.T) { refusedGGUF(t, c.lm, c.mmproj, c.want) })
	}
}

func TestWriteGGUFQwenVLRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	for name, c := range map[string]struct {
		fixture string
		set     map[string]any
		want    string
	}{
		"frames":     {"qwen2_vl", map[string]any{"vision_config.temporal_patch_size": 1}, "patches of 2 pictures in time only, not 1"},
		"activation": {"qwen2_vl", map[string]any{"vision_config.hidden_act": "gelu"}, "hidden_act gelu"},
		"blocks":     {"qwen2_5_vl", map[string]any{"vision_config.fullatt_block_indexes": []int{0, 3}}, "blocks [0 3] of 4"},
		"no weights": {"qwen2_vl", nil, "the tower has no weights"},
	} {
		t.Run(name, func(t *testing.T) { refusesToWrite(t, c.fixture, c.set, path, path, c.want) })
	}
}

// TestGGUFQwenVLAsLlamaCpp wants the tokens that llama.cpp (llama-cpp-python 0.3.36) generates greedily from the same
// files and prompts, for a picture of a size that neither changes.
func TestGGUFQwenVLAsLlamaCpp(t *testing.T) {
	const system = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
	for fixture, c := range map[string]struct {
		w, h   int
		system string
		want   []int32
	}{
		"qwen2_vl":   {112, 56, system, []int32{59, 404, 316, 249, 547, 249, 232}},
		"qwen2_5_vl": {112, 56, system, []int32{59, 314, 356, 402, 390, 161, 59}},
		"qwen3_vl":   {128, 64, "", []int32{528, 12, 488, 446, 377, 451, 366}},
	} {
		_, m := converted(t, fixture, true, asF32)
		img := &imageproc.RGB{W: c.w, H: c.h, Pix: make([]uint8, 3*c.w*c.h)}
		for i := range img.Pix {
			img.Pix[i] = uint8(i * 7 % 251)
		}
		p, err := m.Processor.ProcessText(c.system+"<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>What is in the picture?<|im_end|>\n<|im_start|>assistant",
			[]*imageproc.RGB{img})
		if err != nil {
			t.Fatal(err)
		}
		vlm, _ := m.VLM()
		s := generate.NewSession(vlm, 0, nil)
		logits, err := s.Prefill(context.Background(), p)
		var got []int32
		for err == nil && len(got) < len(c.want) {
			got = append(got, int32(slices.Index(logits, slices.Max(logits))))
			logits, err = s.Step(got[len(got)-1])
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v; %v", fixture, got, c.want, err)
		}
	}
}
