package t5

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/internal/gradtest"
	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

const tiny = `"vocab_size": 11, "d_model": 6, "d_kv": 5, "d_ff": 7, "num_layers": 2, "num_heads": 2,
	"relative_attention_num_buckets": 8, "relative_attention_max_distance": 20}`

// kinds are configs, and the logits behind start for source that
// T5ForConditionalGeneration of transformers 5.24 (torch 2.15) gives with the weights of waves.
var kinds = map[string][]float32{
	`{"num_decoder_layers": 3, `: {-0.379504, 0.823674, -0.428126, -0.403887, 0.824146, -0.404206, -0.427814, 0.823686, -0.379829, -0.451256, 0.822295},
	`{"num_decoder_layers": 1, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false, `: {-1.852234, 1.332196, 0.545986, -1.867548,
		1.285185, 0.607396, -1.88075, 1.23672, 0.66812, -1.891825, 1.186856},
}

var (
	source = slices.Repeat([]int32{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5}, 4)
	start  = []int32{0, 7, 8, 2, 10}
)

// waves are weights that are sines of the elements' numbers.
func waves(t testing.TB, config string) alone {
	t.Helper()
	cfg, err := ParseConfig([]byte(config))
	if err != nil {
		t.Fatal(err)
	}
	m := New(cfg)
	modeltest.Waves(m)
	return alone{m}
}

// alone is a language model that takes no pictures.
type alone struct{ *Model }

func (a alone) Embed(c *tensor.Ctx, p *model.Prompt) *model.Sequence {
	return a.Sequence(c, p, a.Model.Embed(c, p.IDs))
}

func (a alone) Decoder() model.Decoder { return a.Model }

// logits of all rows that the decoder reads.
func logits(m alone, c *tensor.Ctx, p *model.Prompt) []float32 {
	return slices.Clone(m.Logits(c, m.Forward(c, m.Embed(c, p))).F32)
}

func TestReference(t *testing.T) {
	for config, want := range kinds {
		m := waves(t, config+tiny)
		got := logits(m, &tensor.Ctx{}, &model.Prompt{IDs: source, DecoderIDs: start})
		got = got[len(got)-m.Vocab():]
		for i, w := range want {
			if !(math.Abs(float64(got[i]-w)) < 2e-6) {
				t.Errorf("%s: logit %d is %v, want %v", config, i, got[i], w)
			}
		}
	}
}

// TestBuckets compares the first distance of every bucket with
// T5Attention._relative_position_bucket of transformers 5.24.
func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		buckets, most int
		both          bool
		want          []int
	}{
		{32, 128, true, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91}},
		{32, 128, false, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113}},
		{8, 20, true, []int{0, 1, 2, 7}},
		{6, 64, false, []int{0, 1, 2, 3, 9, 24}},
		{64, 1000, false, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
			31, 32, 36, 40, 45, 50, 55, 62, 68, 76, 85, 94, 105, 117, 130, 145, 161, 179, 200, 222, 248, 276, 307, 342, 380, 423, 471, 525, 585, 651,
			725, 807, 899}},
	} {
		got := (&Config{Buckets: c.buckets, MaxDistance: c.most}).buckets(c.both)
		var first []int
		for d := range c.most {
			if b := got[c.most-d]; d == 0 || b != got[c.most-d+1] {
				if int(b) != len(first) {
					t.Errorf("%d of %d: distance %d has bucket %d, want %d", c.buckets, c.most, d, b, len(first))
				}
				first = append(first, d)
			}
			if ahead := got[c.most+d]; c.both && d > 0 && ahead != got[c.most-d]+int32(c.buckets/2) || !c.both && ahead != 0 {
				t.Errorf("%d of %d: %d ahead has bucket %d", c.buckets, c.most, d, ahead)
			}
		}
		if !slices.Equal(first, c.want) {
			t.Errorf("%d of %d: buckets begin at %v, want %v", c.buckets, c.most, first, c.want)
		}
	}
}

// TestCachedEqualsUncached wants the same bits of the decoder whether it reads at
// once, in chunks, by steps behind a cache, or packed with others of which some
// bring a memory and some have one.
func TestCachedEqualsUncached(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	long := slices.Repeat(start, 60)
	for config := range kinds {
		m := waves(t, config+tiny)
		v := m.Vocab()
		whole := logits(m, &tensor.Ctx{}, &model.Prompt{IDs: source, DecoderIDs: long})
		other := &model.Prompt{IDs: source[:7], DecoderIDs: long[1:9]}
		packed := logits(m, &tensor.Ctx{Pool: pool}, model.Pack([]*model.Prompt{other, {IDs: source, DecoderIDs: long}, other}))
		if !slices.Equal(packed[8*v:(8+len(long))*v], whole) {
			t.Errorf("%s: packed differs", config)
		}
		for _, chunk := range []int{1, 7, 64, 299} {
			c := &tensor.Ctx{Pool: pool}
			all, past := m.Embed(c, &model.Prompt{IDs: source, DecoderIDs: long}), []*model.KVCache{m.NewCache(len(long))}
			var got []float32
			for at := 0; at < len(long); at += chunk {
				s := all.Cut(at, min(at+chunk, len(long)))
				s.Past = past
				got = append(got, m.Logits(c, m.Forward(c, &s)).F32...)
			}
			if !slices.Equal(got, whole) {
				t.Errorf("%s: chunks of %d differ", config, chunk)
			}
		}
		c := &tensor.Ctx{Pool: pool}
		past := []*model.KVCache{m.NewCache(len(long)), m.NewCache(20)}
		first := m.Embed(c, &model.Prompt{IDs: source, DecoderIDs: long[:200]})
		first.Past = past[:1]
		m.Forward(c, first)
		x := m.Model.Embed(c, slices.Concat(long[200:], other.DecoderIDs))
		memory := m.Encoder.Encode(c, m.Model.Embed(c, other.IDs), nil)
		h := m.Forward(c, &model.Sequence{X: x, Starts: []int{0, 100, 108}, Past: past, Memory: memory, MemoryStarts: []int{0, 0, 7}})
		got := m.Logits(c, h).F32
		if !slices.Equal(got[:100*v], whole[200*v:]) {
			t.Errorf("%s: one that has its memory, packed with one that brings it, differs", config)
		}
		if !slices.Equal(got[100*v:], packed[:8*v]) {
			t.Errorf("%s: one that brings its memory, packed with one that has it, differs", config)
		}
	}
}

// TestSession runs prompts for the encoder one after another. A changed source or
// start forgets what is in the way, and nothing else.
func TestSession(t *testing.T) {
	m := waves(t, `{"num_decoder_layers": 3, `+tiny)
	s := generate.NewSession(m, 20, nil)
	of := func(source []int32, start ...int32) *model.Prompt {
		return &model.Prompt{IDs: source, DecoderIDs: start}
	}
	for i, step := range []struct {
		p      *model.Prompt
		common int
	}{
		{of(source, 0, 7, 8), 0},
		{of(source, 0, 7, 8), 2},
		{of(source, 0, 7, 8, 2, 10), 3},
		{of(source, 0, 7, 9), 2},
		{of(source[1:], 0, 7, 9), 0},
		{of(source, 0, 7, 9), 0},
		{of(source, 1, 7, 9), 0},
	} {
		if n := s.Common(step.p); n != step.common {
			t.Errorf("prompt %d: %d in common, want %d", i, n, step.common)
		}
		got, err := s.Extend(context.Background(), step.p)
		if err != nil {
			t.Fatal(err)
		}
		want := logits(m, &tensor.Ctx{}, step.p)
		if !slices.Equal(got, want[len(want)-m.Vocab():]) {
			t.Errorf("prompt %d: other logits than without a cache", i)
		}
		if !slices.Equal(s.IDs(), step.p.DecoderIDs) {
			t.Errorf("prompt %d: the session has read %v", i, s.IDs())
		}
	}
	if _, err := s.Step(3); err != nil {
		t.Fatal(err)
	}
	got, err := s.Step(4)
	want := logits(m, &tensor.Ctx{}, of(source, 1, 7, 9, 3, 4))
	if err != nil || !slices.Equal(got, want[len(want)-m.Vocab():]) {
		t.Errorf("steps give other logits: %v", err)
	}
	s.Truncate(2)
	got, err = s.Prefill(context.Background(), of(nil, 9, 3, 4))
	if err != nil || !slices.Equal(got, want[len(want)-m.Vocab():]) {
		t.Errorf("a prompt that goes on gives other logits: %v", err)
	}
	s.Truncate(0)
	for _, p := range []*model.Prompt{of(nil, 0), {IDs: source}, of(source), of(source, 11), of([]int32{11}, 0), of(source, make([]int32, 21)...)} {
		if _, err := s.Prefill(context.Background(), p); err == nil {
			t.Errorf("%d tokens for the encoder and %d for the decoder run", len(p.IDs), len(p.DecoderIDs))
		}
	}
}

// TestGradients learns what the decoder writes, of two conversations.
func TestGradients(t *testing.T) {
	for config := range kinds {
		m := waves(t, config+tiny)
		p := model.Pack([]*model.Prompt{
			{IDs: source, DecoderIDs: []int32{0, 7, 8}, Labels: []int32{7, 8, 1}},
			{IDs: source[3:6], DecoderIDs: []int32{0, 2, 3, 4}, Labels: []int32{-1, 3, -1, 1}},
		})
		gradtest.Check(t, m.Model, func(c *tensor.Ctx) *tensor.Tensor { return model.Loss(c, m, p, 1) }, nil)
	}
}

// TestRecomputeChangesNothing compares training with and without activations kept.
func TestRecomputeChangesNothing(t *testing.T) {
	m := waves(t, `{"num_decoder_layers": 3, `+tiny)
	nn.Freeze(m.Model, func(string) bool { return true })
	gradients := func() (all []float32) {
		c := &tensor.Ctx{Train: true}
		p := &model.Prompt{IDs: source, DecoderIDs: []int32{0, 7, 8}, Labels: []int32{7, 8, 1}}
		c.Backward(model.Loss(c, m, p, 3))
		nn.Walk(m.Model, func(_ string, w *tensor.Tensor) {
			all = append(all, w.Grad()...)
			w.ZeroGrad()
		})
		return all
	}
	want := gradients()
	m.SetRecompute(true)
	if !slices.Equal(gradients(), want) {
		t.Error("gradients differ")
	}
}

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{"d_model": 0}`:                         "d_model is 0",
		`{"num_decoder_layers": -1}`:             "num_decoder_layers is -1",
		`{"relative_attention_num_buckets": 5}`:  "want an even number",
		`{"relative_attention_num_buckets": 2}`:  "of at least 4",
		`{"relative_attention_max_distance": 9}`: "relative_attention_max_distance 9",
		`{"feed_forward_proj": "gated-sine"}`:    `"gated-sine": unknown activation "sine"`,
		`{"decoder_start_token_id": 32128}`:      "decoder_start_token_id is 32128",
		`{"layer_norm_epsilon": -1}`:             "layer_norm_epsilon",
		`[]`:                                     "cannot unmarshal",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{` + tiny))
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseConfig(data); err == nil && (cfg.NumHeads < 1 || len(cfg.buckets(true)) == 0) {
			t.Error("no heads")
		}
	})
}
