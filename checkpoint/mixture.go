package checkpoint

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/kernel"
)

// Mixture is a way to store a language model: the dtype that most matrices get,
// and the rules by which some get another. Names, rules and numbers are those of
// llama.cpp's llama-quantize; tensors go by their GGUF names.
type Mixture struct {
	Name     string // "q4_k_m"
	Base     kernel.DType
	FileType uint32 // general.file_type in the metadata of a GGUF file

	rules []mixRule
}

// MixTraits are the facts about a model that the rules ask for.
type MixTraits struct {
	Layers     int
	KeySharing int  // query heads for each key head
	Tied       bool // the token table is the output matrix too
	Importance bool // statistics of the inputs guide the quantisation
}

// mixRule gives the matrices of one part of the layers a dtype where the condition holds.
type mixRule struct {
	part  string
	when  func(layer int, m MixTraits) bool
	dtype kernel.DType
}

// ParseMixture returns the mixture of that name, in either case; "q4_k" is "q4_k_m".
func ParseMixture(name string) (Mixture, error) {
	want := strings.ToLower(name)
	if k, ok := strings.CutSuffix(want, "_k"); ok && k != "q2" && k != "q6" {
		want += "_m"
	}
	var known []string
	for _, m := range Mixtures() {
		if m.Name == want {
			return m, nil
		}
		known = append(known, m.Name)
	}
	return Mixture{}, fmt.Errorf("checkpoint: unknown type %q; known: %s", name, strings.Join(known, " "))
}

// Mixtures lists all, the smallest files last.
func Mixtures() []Mixture {
	const attnV, attnOut, down = "attn_v.weight", "attn_output.weight", "ffn_down.weight"
	return []Mixture{
		{"f32", kernel.F32, 0, nil},
		{"f16", kernel.F16, 1, nil},
		{"bf16", kernel.BF16, 32, nil},
		{"q8_0", kernel.Q8_0, 7, nil},
		{"q6_k", kernel.Q6_K, 18, nil},
		{"q5_k_m", kernel.Q5_K, 17, []mixRule{{attnV, moreBits, kernel.Q6_K}, {down, moreBits, kernel.Q6_K}}},
		{"q5_k_s", kernel.Q5_K, 16, nil},
		{"q5_1", kernel.Q5_1, 9, nil},
		{"q5_0", kernel.Q5_0, 8, []mixRule{{down, eighthWeighed, kernel.Q5_1}}},
		{"q4_k_m", kernel.Q4_K, 15, []mixRule{{attnV, moreBits, kernel.Q6_K}, {down, moreBits, kernel.Q6_K}}},
		{"q4_k_s", kernel.Q4_K, 14, []mixRule{{attnV, below(4), kernel.Q5_K}, {down, eighth, kernel.Q5_K}}},
		{"q4_1", kernel.Q4_1, 3, nil},
		{"q4_0", kernel.Q4_0, 2, []mixRule{{down, eighthWeighed, kernel.Q4_1}}},
		{"iq4_nl", kernel.IQ4_NL, 25, []mixRule{{attnV, shared, kernel.Q5_K}, {down, eighthUnweighed, kernel.Q5_K}}},
		{"q3_k_l", kernel.Q3_K, 13, []mixRule{{attnV, nil, kernel.Q5_K}, {attnOut, nil, kernel.Q5_K}, {down, nil, kernel.Q5_K}}},
		{"q3_k_m", kernel.Q3_K, 12, []mixRule{
			{attnV, below(2), kernel.Q5_K}, {attnV, nil, kernel.Q4_K}, {attnOut, nil, kernel.Q4_K},
			{down, sixteenth, kernel.Q5_K}, {down, nil, kernel.Q4_K},
		}},
		{"q3_k_s", kernel.Q3_K, 11, nil},
		{"q2_k", kernel.Q2_K, 10, []mixRule{
			{attnV, shared, kernel.Q4_K}, {attnV, nil, kernel.Q3_K}, {attnOut, nil, kernel.Q3_K}, {down, nil, kernel.Q3_K},
		}},
		{"q2_k_s", kernel.Q2_K, 21, []mixRule{{attnV, shared, kernel.Q4_K}, {down, eighth, kernel.Q4_K}}},
	}
}

// moreBits picks the first and the last eighth of the layers and every third between.
func moreBits(layer int, m MixTraits) bool {
	first := m.Layers / 8
	return layer < first || layer >= 7*m.Layers/8 || (layer-first)%3 == 2
}

func below(n int) func(int, MixTraits) bool {
	return func(layer int, _ MixTraits) bool { return layer < n }
}

func eighth(layer int, m MixTraits) bool          { return layer < m.Layers/8 }
func eighthWeighed(layer int, m MixTraits) bool   { return m.Importance && eighth(layer, m) }
func eighthUnweighed(layer int, m MixTraits) bool { return !m.Importance && eighth(layer, m) }
func sixteenth(layer int, m MixTraits) bool       { return layer < m.Layers/16 }
func shared(_ int, m MixTraits) bool              { return m.KeySharing >= 4 }

// DType is what to store a tensor in, given its GGUF name and its shape, rows
// first. Vectors, norms and position tables stay F32. A matrix whose rows are
// no multiple of a block gets what llama.cpp falls back to: a dtype of smaller
// blocks, or else F16.
func (x Mixture) DType(name string, shape []int, m MixTraits) kernel.DType {
	switch {
	case len(shape) < 2 || !strings.HasSuffix(name, "weight") || strings.HasSuffix(name, "_norm.weight") || strings.Contains(name, ".position_embd"):
		return kernel.F32
	case !x.Base.Quantised():
		return x.Base
	}
	width := shape[len(shape)-1]
	if name == "output.weight" || m.Tied && name == "token_embd.weight" {
		return fallback(x.output(width), width)
	}
	return fallback(x.inner(name, m), width)
}

// output is the dtype of the matrix that makes logits.
func (x Mixture) output(width int) kernel.DType {
	if block, _ := x.Base.Block(); width%block != 0 || x.Base == kernel.Q8_0 {
		return kernel.Q8_0
	}
	return kernel.Q6_K
}

// blockOf finds the number of a layer.
var blockOf = regexp.MustCompile(`^blk\.(\d+)\.`)

func (x Mixture) inner(name string, m MixTraits) kernel.DType {
	found := blockOf.FindStringSubmatch(name)
	if found == nil {
		return x.Base
	}
	layer, _ := strconv.Atoi(found[1]) // digits
	dtype := x.Base
	for _, r := range x.rules {
		if strings.HasSuffix(name, r.part) && (r.when == nil || r.when(layer, m)) {
			dtype = r.dtype
			break
		}
	}
	// Llama-2-70B's values serve 8 heads each: small, and worth more bits.
	if strings.HasSuffix(name, "attn_v.weight") && m.Layers == 80 && m.KeySharing > 1 && (dtype == kernel.Q3_K || dtype == kernel.Q4_K) {
		return kernel.Q5_K
	}
	return dtype
}

// fallback is d, or what takes its place where rows of the width are no whole number of blocks.
func fallback(d kernel.DType, width int) kernel.DType {
	if block, _ := d.Block(); width%block == 0 {
		return d
	}
	switch d {
	case kernel.Q2_K, kernel.Q3_K:
		d = kernel.Q4_0
	case kernel.Q4_K:
		d = kernel.Q5_0
	case kernel.Q5_K:
		d = kernel.Q5_1
	case kernel.Q6_K:
		d = kernel.Q8_0
	}
	if block, _ := d.Block(); width%block != 0 {
		return kernel.F16
	}
	return d
}
