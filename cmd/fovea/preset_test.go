package main

import (
	"math"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// TestPresetSizes counts parameters as the models' papers and pages do.
func TestPresetSizes(t *testing.T) {
	for name, want := range map[string]float64{
		"llava-1.5-7b": 7.06e9, "llama-2-7b": 6.74e9, "tinyllama-1.1b": 1.10e9, "qwen2-0.5b": 0.494e9, "qwen2-1.5b": 1.54e9,
		"clip-vit-l-14-336": 0.304e9, "llava-qwen2-0.5b": 0.80e9, "clip-vit-b-32": 0.0875e9,
		"blip-captioning-base": 0.2474e9, "blip2-opt-2.7b": 3.745e9, "instructblip-vicuna-7b": 7.914e9,
		"llava-v1.6-vicuna-7b": 7.06e9, "llava-onevision-qwen2-0.5b": 0.894e9, "qwen-vl-chat": 9.657e9,
		"qwen2-vl-2b": 2.209e9, "qwen2.5-vl-3b": 3.755e9, "qwen3-vl-2b": 2.1275e9,
		// Llama-2 13B or TinyLlama, CLIP-L, ConvNeXt-XXL, DINOv2-g, the Q-Former and its ViT-g
		"sphinx-2k": 13.02e9 + 0.304e9 + 0.843e9 + 1.136e9 + 0.105e9 + 0.986e9, "sphinx-tiny": 1.1e9 + 0.843e9 + 1.136e9,
		"llava-20m": 20.93e6,
	} {
		m := blank(t, name)
		n := 0
		nn.Walk(m.Net, func(_ string, t *tensor.Tensor) { n += t.Len() })
		if math.Abs(float64(n)-want) > 0.006*want {
			t.Errorf("%s: %d parameters, want %.3g", name, n, want)
		}
	}
	if have := len(presetNames()); have != 20 {
		t.Errorf("%d presets, and sizes of 20 are tested", have)
	}
}

func blank(t *testing.T, preset string) *zoo.Model {
	t.Helper()
	config, err := presets.ReadFile("presets/" + preset + ".json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := zoo.Blank(config, preset)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPresetTypes wants every preset to be stored in 16 bits, and those with a Llama in 4.
func TestPresetTypes(t *testing.T) {
	other := map[string]bool{"blip-captioning-base": true, "blip2-opt-2.7b": true}
	for _, name := range presetNames() {
		for _, quant := range []string{"bf16", "q4_0"} {
			x, err := checkpoint.ParseMixture(quant)
			if err != nil {
				t.Fatal(err)
			}
			f, err := newFiller(blank(t, name), x)
			if (err == nil) != (quant == "bf16" || !other[name]) {
				t.Errorf("%s as %s: %v", name, quant, err)
			}
			if err == nil && f.dtypeOf("vision", tensor.Declare(8, 8)) != map[string]tensor.DType{"bf16": tensor.BF16, "q4_0": tensor.F16}[quant] {
				t.Errorf("%s as %s: stored in %v", name, quant, f.base)
			}
		}
	}
}

// TestLoads compares the counted work with counts by hand.
func TestLoads(t *testing.T) {
	m := blank(t, "clip-vit-l-14-336") // 24 blocks of width 1024, 24·24 patches of 14·14 pixels and a class token
	const rows, width, blocks = 577, 1024, 24
	want := 2*rows*(3*14*14*width+blocks*12*width*width) + 4*rows*rows*width*blocks
	if tower := towerOf(m); tower.tokens != rows || tower.flops != float64(want) {
		t.Errorf("clip-vit-l-14-336: %d tokens, %g operations, want %d, %d", tower.tokens, tower.flops, rows, want)
	}

	m = blank(t, "llava-1.5-7b") // the last block does not run; two matrices of the adapter do
	want += 2*rows*(width*4096+4096*4096) - 2*rows*12*width*width - 4*rows*rows*width
	if tower := towerOf(m); tower.flops != float64(want) {
		t.Errorf("llava-1.5-7b: %g operations for a picture, want %d", tower.flops, want)
	}

	m = blank(t, "blip-captioning-base") // 12 blocks of width 768, 24·24 patches of 16·16 pixels and a class token
	want = 2*rows*(3*16*16*768+12*12*768*768) + 4*rows*rows*768*12
	if tower := towerOf(m); tower.tokens != rows || tower.flops != float64(want) {
		t.Errorf("blip-captioning-base: %d tokens, %g operations for a picture, want %d", tower.tokens, tower.flops, want)
	}

	// 39 blocks of width 1408, 16·16 patches of 14·14 pixels and a class token; the Q-Former's 32 queries of width 768
	// go through 12 blocks, of which every second one maps the picture's features to keys and values.
	const eva, inner, patches, queries, q = 1408, 6144, 257, 32, 768
	want = 2*patches*(3*14*14*eva+39*(4*eva*eva+2*eva*inner)) + 4*patches*patches*eva*39
	want += 2*queries*(12*(4*q*q+2*q*4*q)+6*2*q*q+q*2560) + 2*patches*6*2*eva*q
	for name, width := range map[string]int{"blip2-opt-2.7b": 2560, "instructblip-vicuna-7b": 4096} {
		if tower := towerOf(blank(t, name)); tower.tokens != patches || tower.flops != float64(want+2*queries*q*(width-2560)) {
			t.Errorf("%s: %d tokens, %g operations for a picture, want %d", name, tower.tokens, tower.flops, want)
		}
	}

	// 48 blocks of width 1664, 32·32 patches of 14·14 pixels; 256 queries of width 4096 read them.
	const bigg, wide, squares, asked, out = 1664, 8192, 1024, 256, 4096
	want = 2*squares*(3*14*14*bigg+48*(4*bigg*bigg+2*bigg*wide)) + 4*squares*squares*bigg*48
	want += 2*squares*(bigg*out+2*out*out) + 2*asked*3*out*out + 4*asked*squares*out
	if tower := towerOf(blank(t, "qwen-vl-chat")); tower.tokens != squares || tower.flops != float64(want) {
		t.Errorf("qwen-vl-chat: %d tokens, %g operations for a picture, want %d", tower.tokens, tower.flops, want)
	}

	// 32 blocks of width 1280 over 80·64 patches, 28 of them in windows of 8·8; 4 patches become one of 1280 tokens.
	const dynamic, gated, all, window = 1280, 3420, 80 * 64, 8 * 8
	want = 2*all*(2*3*14*14*dynamic+32*(4*dynamic*dynamic+3*dynamic*gated)) + 4*dynamic*(4*all*all+28*all*window)
	want += 2 * 1280 * (4*dynamic*4*dynamic + 4*dynamic*2048)
	if tower := towerOf(blank(t, "qwen2.5-vl-3b")); tower.tokens != all || tower.flops != float64(want) {
		t.Errorf("qwen2.5-vl-3b: %d tokens, %g operations for a picture, want %d", tower.tokens, tower.flops, want)
	}

	m = blank(t, "qwen2-0.5b") // 24 blocks of width 896, 2 of 14 heads for keys, tied
	vlm, _ := m.VLM()
	f := filler{base: tensor.BF16}
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) { t.DType = f.dtypeOf(name, t) })
	l := loadOf(m, vlm)
	const matrices, head = 24 * (2*896*896 + 2*896*128 + 3*896*4864), 151936 * 896
	if l.flops != 2*matrices || l.headFLOPs != 2*head || l.bytes != 2*(matrices+head) {
		t.Errorf("qwen2-0.5b: %+v, want %d and %d elements", l, matrices, head)
	}
	if l.cached != 2*24*128*4 || l.attended != 2*2*24*896 {
		t.Errorf("qwen2-0.5b: %+v for a token that is looked back at", l)
	}
}
