package blip

import (
	"image"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/gradtest"
	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

const tiny = `{
	"image_text_hidden_size": 5,
	"text_config": {"vocab_size": 13, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
		"max_position_embeddings": 300, "bos_token_id": 12, "sep_token_id": 2},
	"vision_config": {"hidden_size": 8, "intermediate_size": 10, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 8, "patch_size": 4}}`

func random[M any](t *testing.T, build func(Config) (M, error)) M {
	t.Helper()
	return modeltest.Random(t, tiny, 0.3, ParseConfig, build)
}

// pictures are n views of noise.
func pictures(n int) []*model.Tiles {
	rng := rand.New(rand.NewPCG(3, 4))
	out := make([]*model.Tiles, n)
	for i := range out {
		v := model.Views{Pixels: make([]float32, 3*8*8), Sizes: []image.Point{{X: 8, Y: 8}}}
		for j := range v.Pixels {
			v.Pixels[j] = float32(rng.NormFloat64())
		}
		out[i] = &model.Tiles{Views: v}
	}
	return out
}

var words = slices.Repeat([]int32{12, 3, 4, 1, 5, 9, 7, 6, 11}, 20)

// logits of all rows that the decoder reads.
func logits(m model.VLM, c *tensor.Ctx, p *model.Prompt) []float32 {
	d := m.Decoder()
	return slices.Clone(d.Logits(c, d.Forward(c, m.Embed(c, p))).F32)
}

// TestCachedEqualsUncached wants the same bits whether the decoder reads at once, in
// chunks, by steps behind a cache, or packed with others.
func TestCachedEqualsUncached(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	seen := pictures(2)
	for name, test := range map[string]struct {
		m          model.VLM
		p, another *model.Prompt
	}{
		"captions": {random(t, NewCaptioner), &model.Prompt{IDs: words, Images: seen[:1]}, &model.Prompt{IDs: words[2:9], Images: seen[1:]}},
		"answers": {random(t, NewAnswerer), &model.Prompt{IDs: words[:20], DecoderIDs: words, Images: seen[:1]},
			&model.Prompt{IDs: words[:9], DecoderIDs: words[2:9], Images: seen[1:]}},
	} {
		t.Run(name, func(t *testing.T) {
			v, n := test.m.Decoder().Vocab(), len(words)
			whole := logits(test.m, &tensor.Ctx{}, test.p)
			packed := logits(test.m, &tensor.Ctx{Pool: pool}, model.Pack([]*model.Prompt{test.another, test.p}))
			if !slices.Equal(packed[7*v:], whole) {
				t.Error("packed differs")
			}
			for _, chunk := range []int{1, 7, n} {
				c := &tensor.Ctx{Pool: pool}
				all, past := test.m.Embed(c, test.p), []*model.KVCache{test.m.Decoder().NewCache(n)}
				var got []float32
				for at := 0; at < n; at += chunk {
					s := all.Cut(at, min(at+chunk, n))
					s.Past = past
					got = append(got, test.m.Decoder().Logits(c, test.m.Decoder().Forward(c, &s)).F32...)
				}
				if !slices.Equal(got, whole) {
					t.Errorf("chunks of %d differ", chunk)
				}
			}
		})
	}
}

func TestGradients(t *testing.T) {
	seen := pictures(2)
	t.Run("captions", func(t *testing.T) {
		m := random(t, NewCaptioner)
		p := model.Pack([]*model.Prompt{
			{IDs: words[:4], Labels: []int32{3, 4, 1, 2}, Images: seen[:1]},
			{IDs: words[1:4], Labels: []int32{-1, 1, 2}, Images: seen[1:]},
		})
		gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return model.Loss(c, m, p, 5) }, nil)
	})
	t.Run("answers", func(t *testing.T) {
		m := random(t, NewAnswerer)
		p := model.Pack([]*model.Prompt{
			{IDs: words[:5], DecoderIDs: words[:3], Labels: []int32{3, 4, 2}, Images: seen[:1]},
			{IDs: words[3:7], DecoderIDs: words[:2], Labels: []int32{7, 2}, Images: seen[1:]},
		})
		gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return model.Loss(c, m, p, 5) }, nil)
	})
	t.Run("matches", func(t *testing.T) {
		m := random(t, NewMatcher)
		ids := [][]int32{words[:4], words[2:7]}
		gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor {
			v := model.ViewsOf(seen)
			alike := m.Similarity(c, m.EmbedImage(c, v), m.EmbedText(c, ids))
			return ops.Sum(c, ops.Add(c, ops.Mul(c, alike, alike), m.Match(c, m.See(c, v), ids)))
		}, nil)
	})
}

func TestConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{`: "unexpected end",
		`{"text_config": {"num_attention_heads": 7}}`:              "hidden_size 768 is no multiple of num_attention_heads 7",
		`{"text_config": {"position_embedding_type": "relative"}}`: "position_embedding_type",
		`{"text_config": {"bos_token_id": 30524}}`:                 "bos_token_id is 30524 and vocab_size 30524",
		`{"text_config": {"hidden_act": "swoosh"}}`:                "swoosh",
		`{"text_config": {"vocab_size": 0}}`:                       "vocab_size is 0",
		`{"vision_config": {"patch_size": 0}}`:                     "patch_size 0",
		`{"image_text_hidden_size": -1}`:                           "image_text_hidden_size is -1",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "blip: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

// TestReleasedSize counts the parameters of Salesforce/blip-image-captioning-base.
func TestReleasedSize(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"text_config": {"num_attention_heads": 12}}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewCaptioner(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const published = 247_414_076
	if n := nn.Count(m, nil); n != published {
		t.Errorf("%d parameters, want %d", n, published)
	}
}
