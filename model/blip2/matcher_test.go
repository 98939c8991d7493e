package blip2

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/internal/gradtest"
	"github.com/fovea-ml/fovea/internal/modeltest"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/qformer"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

const clipVision = `"vision_config": {"model_type": "clip_vision_model", "patch_size": 4, "image_size": 8,
	"hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 2}`

var learners = map[string]string{
	"EVA":  `{` + tower + `, "image_text_hidden_size": 5}`,
	"CLIP": `{` + tower + `, ` + clipVision + `, "image_text_hidden_size": 5}`,
}

func learner(t testing.TB, kind string) *Learner {
	t.Helper()
	m := modeltest.Random(t, learners[kind], 0.4, ParseMatcher, NewLearner)
	m.BeginCaptions(14)
	return m
}

// pairs are three pictures with texts of different lengths.
func pairs() *model.Pairs {
	p := &model.Pairs{Texts: [][]int32{{1, 7, 8, 2}, {1, 5, 2}, {1, 4, 9, 3, 2}}}
	for i := range p.Texts {
		p.Images = append(p.Images, picture(&Model{}, uint64(i+10)))
	}
	p.Negatives = &model.Negatives{Images: []int{1, 2, 1}, Texts: []int{2, 0, 0}}
	return p
}

// TestLearnerGradients of every parameter, of all losses at once. There is one query: of
// several the largest counts, which may be another one half a step on.
func TestLearnerGradients(t *testing.T) {
	for kind, config := range learners {
		t.Run(kind, func(t *testing.T) {
			config := strings.Replace(config, `"num_query_tokens": 3`, `"num_query_tokens": 1`, 1)
			m, p := modeltest.Random(t, config, 0.4, ParseMatcher, NewLearner), pairs()
			m.Temp.F32[0] = 0.5
			gradtest.Check(t, m, func(c *tensor.Ctx) *tensor.Tensor { return model.Total(c, m.PairLoss(c, p)) }, nil)
		})
	}
}

// TestCaptionsAreCausal wants of one pass what the queries find alone, and of every
// token of a caption what it would be if the caption ended with it.
func TestCaptionsAreCausal(t *testing.T) {
	m, p := learner(t, "EVA"), pairs()
	f := m.See(&tensor.Ctx{}, model.ViewsOf(p.Images))
	run := func(texts [][]int32, causal bool) (asked, read []float32) {
		a, r := m.QFormer.Run(&tensor.Ctx{}, m.Queries, qformer.Input{Seen: f, Text: texts, Causal: causal})
		return a.F32, r.F32
	}
	alone, _ := m.QFormer.Run(&tensor.Ctx{}, m.Queries, qformer.Input{Seen: f})
	asked, read := run(p.Texts, true)
	if !slices.Equal(asked, alone.F32) {
		t.Error("queries see the captions")
	}
	cut := [][]int32{p.Texts[0][:2], p.Texts[1][:1], p.Texts[2][:4]}
	_, part := run(cut, true)
	const width = 6
	if !slices.Equal(part[:2*width], read[:2*width]) || !slices.Equal(part[2*width:3*width], read[4*width:5*width]) || !slices.Equal(part[3*width:], read[7*width:11*width]) {
		t.Error("a caption's tokens see those behind them")
	}
	if both, _ := run(p.Texts, false); slices.Equal(both, alone.F32) {
		t.Error("queries do not see the text that they are read with")
	}
	f = m.See(&tensor.Ctx{}, model.ViewsOf([]*model.Tiles{p.Images[1], p.Images[1], p.Images[1]}))
	if _, other := run(p.Texts, true); slices.Equal(other[:width], read[:width]) {
		t.Error("captions do not see the queries")
	}
}

// TestMatching wants the same of pictures and texts alone and among others, and of the
// likeness that of the query which is most like the text.
func TestMatching(t *testing.T) {
	m, p := learner(t, "CLIP"), pairs()
	c := &tensor.Ctx{}
	views := model.ViewsOf(p.Images)
	img, text := m.EmbedImage(c, views), m.EmbedText(c, p.Texts)
	if img.Rows() != 9 || img.Cols() != 5 || text.Rows() != 3 {
		t.Fatalf("vectors %v and %v", img.Shape, text.Shape)
	}
	y := m.Similarity(c, img, text)
	match := m.Match(c, m.See(c, views), p.Texts)
	for i := range 3 {
		one := &p.Images[i].Views
		modeltest.Near(t, fmt.Sprintf("match %d", i), m.Match(c, m.See(c, one), p.Texts[i:i+1]).F32, match.Row(i))
		for j := range 3 {
			most := float32(-2)
			for q := range 3 {
				dot := float32(0)
				for k, v := range img.Row(3*i + q) {
					dot += float32(v * text.Row(j)[k])
				}
				most = max(most, dot)
			}
			modeltest.Near(t, fmt.Sprintf("picture %d, text %d", i, j), []float32{y.Row(i)[j]}, []float32{most})
		}
	}
}

// TestHardNegatives: what is liker is drawn oftener, and never the diagonal.
func TestHardNegatives(t *testing.T) {
	x := tensor.From([]float32{9, 3, 0, -4, 9, 9, 2, 2, 9}, 3, 3)
	count := [3][3]int{}
	for seed := range uint64(2000) {
		for i, k := range others(rand.New(rand.NewPCG(seed, 1)), x, (&model.Pairs{}).Belongs) {
			count[i][k]++
		}
	}
	if count[0][0]+count[1][1]+count[2][2] > 0 || count[0][1] < 1850 || count[1][2] < 1990 || count[2][0] < 900 || count[2][1] < 900 {
		t.Errorf("drawn %v", count)
	}
	if k := pick(1, []float32{0.5, 0.4, 0}); k != 1 {
		t.Errorf("what rounding leaves over is %d", k)
	}
}

// TestReleasedMatcher counts the parameters of blip2-itm-vit-g.
func TestReleasedMatcher(t *testing.T) {
	cfg, err := ParseMatcher([]byte(`{"qformer_config": {"vocab_size": 30523, "use_qformer_text_input": true}}`))
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMatcher(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := nn.Count(m, nil); n != 1172032258 {
		t.Errorf("%d parameters", n)
	}
}

func TestMatcherConfigErrors(t *testing.T) {
	for config, want := range map[string]string{
		`{"image_text_hidden_size": 0}`: "image_text_hidden_size is 0",
		`{"vision_config": {"model_type": "clip_vision_model", "num_attention_heads": 7}}`: "vision_config: clip: ",
		`{"vision_config": {"model_type": "clip_vision_model"}}`:                           "encoder_hidden_size is 1408, and vision_config makes features of width 768",
		`{"vision_config": 3}`: "vision_config: ",
		`[]`:                   "cannot unmarshal",
	} {
		if _, err := ParseMatcher([]byte(config)); err == nil || !strings.HasPrefix(err.Error(), "blip2: config: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func FuzzParseMatcher(f *testing.F) {
	for _, c := range learners {
		f.Add([]byte(c))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if cfg, err := ParseMatcher(data); err == nil && (cfg.Queries < 1 || cfg.Joint < 1 || cfg.tower.declare == nil) {
			t.Error("no queries")
		}
	})
}
