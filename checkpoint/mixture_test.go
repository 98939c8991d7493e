package checkpoint

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
)

// shapes calls each with the GGUF tensors of a Llama or Qwen2 model.
func shapes(vocab, hidden, inner, layers, keys int, tied, biases bool, each func(name string, shape []int)) {
	each("token_embd.weight", []int{vocab, hidden})
	each("output_norm.weight", []int{hidden})
	if !tied {
		each("output.weight", []int{vocab, hidden})
	}
	for i := range layers {
		block := func(name string, shape ...int) { each(fmt.Sprintf("blk.%d.%s", i, name), shape) }
		block("attn_norm.weight", hidden)
		block("ffn_norm.weight", hidden)
		block("attn_q.weight", hidden, hidden)
		block("attn_k.weight", keys, hidden)
		block("attn_v.weight", keys, hidden)
		block("attn_output.weight", hidden, hidden)
		block("ffn_gate.weight", inner, hidden)
		block("ffn_up.weight", inner, hidden)
		block("ffn_down.weight", hidden, inner)
		if biases {
			block("attn_q.bias", hidden)
			block("attn_k.bias", keys)
			block("attn_v.bias", keys)
		}
	}
}

// TestMixtureSizes compares with the sizes of published files: those of
// TheBloke/Llama-2-7B-GGUF and Qwen/Qwen2-0.5B-Instruct-GGUF, in GB of 10⁹ bytes
// as their pages tell them. Metadata, the vocabulary above all, is counted in
// theirs and not in ours.
func TestMixtureSizes(t *testing.T) {
	sizeOf := func(name string, m MixTraits, vocab, hidden, inner, keys int, biases bool) float64 {
		x, err := ParseMixture(name)
		if err != nil {
			t.Fatal(err)
		}
		bytes := 0
		shapes(vocab, hidden, inner, m.Layers, keys, m.Tied, biases, func(name string, shape []int) {
			n := shape[0]
			if len(shape) == 2 {
				n *= shape[1]
			}
			bytes += x.DType(name, shape, m).Bytes(n)
		})
		return float64(bytes) / 1e9
	}
	for name, want := range map[string]float64{
		"q3_k_s": 2.95, "Q3_K_M": 3.30, "q3_k_l": 3.60, "q4_0": 3.83, "q4_k_s": 3.86, "q4_k_m": 4.08, "q4_k": 4.08,
		"q5_0": 4.65, "q5_k_s": 4.65, "q5_k_m": 4.78, "q6_k": 5.53, "q8_0": 7.16,
	} {
		got := sizeOf(name, MixTraits{Layers: 32, KeySharing: 1}, 32000, 4096, 11008, 4096, false)
		if math.Abs(got-want) > 0.0051 {
			t.Errorf("Llama-2-7B, %s: %.4f GB, want %.2f", name, got, want)
		}
	}
	for name, want := range map[string]float64{"q4_k_m": 0.398, "q8_0": 0.531, "q4_0": 0.352, "f16": 0.994} {
		got := sizeOf(name, MixTraits{Layers: 24, KeySharing: 7, Tied: true}, 151936, 896, 4864, 128, true)
		if got > want+0.0005 || got < want-0.0072 {
			t.Errorf("Qwen2-0.5B, %s: %.4f GB, want %.3f less up to 7 MB of vocabulary", name, got, want)
		}
	}
}

func TestMixtureDTypes(t *testing.T) {
	seven := MixTraits{Layers: 32, KeySharing: 1}
	for _, c := range []struct {
		mixture, tensor string
		shape           []int
		m               MixTraits
		want            kernel.DType
	}{
		{"q4_k_m", "blk.0.attn_v.weight", []int{256, 256}, seven, kernel.Q6_K},
		{"q4_k_m", "blk.4.attn_v.weight", []int{256, 256}, seven, kernel.Q4_K},
		{"q4_k_m", "blk.6.ffn_down.weight", []int{256, 256}, seven, kernel.Q6_K},
		{"q4_k_m", "blk.28.ffn_down.weight", []int{256, 256}, seven, kernel.Q6_K},
		{"q4_k_m", "blk.27.ffn_up.weight", []int{256, 256}, seven, kernel.Q4_K},
		{"q4_k_m", "output.weight", []int{256, 256}, seven, kernel.Q6_K},
		{"q4_k_m", "output.weight", []int{256, 288}, seven, kernel.Q8_0},
		{"q4_k_m", "token_embd.weight", []int{256, 256}, seven, kernel.Q4_K},
		{"q4_k_m", "token_embd.weight", []int{256, 256}, MixTraits{Layers: 2, Tied: true}, kernel.Q6_K},
		{"q4_k_m", "blk.0.attn_norm.weight", []int{256}, seven, kernel.F32},
		{"q4_k_m", "blk.0.attn_q.bias", []int{256}, seven, kernel.F32},
		{"q4_k_m", "blk.1.attn_q.weight", []int{64, 64}, seven, kernel.Q5_0},
		{"q4_k_m", "blk.1.attn_q.weight", []int{64, 72}, seven, kernel.F16},
		{"q5_k_s", "blk.1.attn_q.weight", []int{64, 64}, seven, kernel.Q5_1},
		{"q6_k", "blk.1.attn_q.weight", []int{64, 64}, seven, kernel.Q8_0},
		{"q2_k", "blk.1.attn_q.weight", []int{64, 64}, seven, kernel.Q4_0},
		{"q8_0", "blk.1.attn_q.weight", []int{64, 72}, seven, kernel.F16},
		{"q4_0", "blk.0.ffn_down.weight", []int{64, 64}, seven, kernel.Q4_0},
		{"q4_0", "blk.0.ffn_down.weight", []int{64, 64}, MixTraits{Layers: 32, Importance: true}, kernel.Q4_1},
		{"q4_k_s", "blk.3.attn_v.weight", []int{256, 256}, MixTraits{Layers: 80, KeySharing: 8}, kernel.Q5_K},
		{"q4_k_s", "blk.40.attn_v.weight", []int{256, 256}, MixTraits{Layers: 80, KeySharing: 8}, kernel.Q5_K},
		{"q4_k_s", "blk.40.attn_q.weight", []int{256, 256}, MixTraits{Layers: 80, KeySharing: 8}, kernel.Q4_K},
		{"iq4_nl", "blk.0.ffn_down.weight", []int{256, 256}, seven, kernel.Q5_K},
		{"bf16", "blk.0.ffn_down.weight", []int{256, 256}, seven, kernel.BF16},
		{"bf16", "output_norm.weight", []int{256}, seven, kernel.F32},
	} {
		x, err := ParseMixture(c.mixture)
		if err != nil {
			t.Fatal(err)
		}
		if got := x.DType(c.tensor, c.shape, c.m); got != c.want {
			t.Errorf("%s: %s %v: %v, want %v", c.mixture, c.tensor, c.shape, got, c.want)
		}
	}
	if _, err := ParseMixture("q7_k"); err == nil || !strings.Contains(err.Error(), `"q7_k"; known: f32 f16`) {
		t.Errorf("q7_k: %v", err)
	}
}
