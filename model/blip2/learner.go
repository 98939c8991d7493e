package blip2

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/bert"
	"github.com/fovea-ml/fovea/model/qformer"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// smoothing is that of the labels of contrast and captions, as in LAVIS.
const smoothing = 0.1

// warmth is the temperature that learning begins with.
const warmth = 0.07

// Learner is a Matcher as BLIP-2's first stage trains it, with all that only training
// needs. LAVIS calls it Blip2Qformer. Its three losses (section 3.1 of the paper):
//
//   - itc, by contrast: each picture is most like its own text of all in the batch, and
//     each text like its own picture;
//   - itm, by matching: a text read beside the picture belongs to it, and does not to
//     one that is hard to tell from it;
//   - itg, by captions: the text is written token by token, by what the queries have found.
type Learner struct {
	*Matcher `ckpt:""`
	Temp     *tensor.Tensor `ckpt:"temp"` // a scalar that likeness is divided by
	Head     *bert.Head     `ckpt:"cls.predictions"`

	begin int32
}

// NewLearner declares the model of a checked config.
func NewLearner(cfg MatcherConfig) (*Learner, error) {
	m, err := NewMatcher(cfg)
	if err != nil {
		return nil, err
	}
	return &Learner{Matcher: m, Temp: tensor.From([]float32{warmth}), Head: bert.NewHead(cfg.QFormer.Config)}, nil
}

// BeginCaptions says which token captions begin with, in the place of a text's first.
func (m *Learner) BeginCaptions(id int32) { m.begin = id }

// PairLoss returns itc, itm and itg. Two passes through the tower's features serve all
// three: queries do not see the captions that are written by what they find.
func (m *Learner) PairLoss(c *tensor.Ctx, p *model.Pairs) []model.Term {
	f := m.See(c, model.ViewsOf(p.Images))
	asked, written := m.QFormer.Run(c, m.Queries, qformer.Input{Seen: f, Text: m.captions(p.Texts), Causal: true})
	byText := ops.Divide(c, m.likeness(c, m.embedAsked(c, asked), m.EmbedText(c, p.Texts)), m.Temp)
	byImage := transpose(c, byText)
	negatives := p.Negatives
	if negatives == nil {
		negatives = draw(p, byText, byImage)
	}
	return []model.Term{
		{Name: "itc", Value: contrast(c, p, byImage, byText)},
		{Name: "itm", Value: m.matching(c, f, p.Texts, negatives)},
		{Name: "itg", Value: m.writing(c, written, p.Texts)},
	}
}

// captions are texts with the token that captions begin with.
func (m *Learner) captions(texts [][]int32) [][]int32 {
	out := make([][]int32, len(texts))
	for i, t := range texts {
		out[i] = append([]int32{m.begin}, t[1:]...)
	}
	return out
}

// contrast is the mean of the cross-entropies of both directions. Where several belong
// to a picture or text, each is right with the same probability.
func contrast(c *tensor.Ctx, p *model.Pairs, byImage, byText *tensor.Tensor) *tensor.Tensor {
	n := len(p.Texts)
	rows, labels := make([][]int32, n+1), make([][]int32, n+1) // by how many belong to a row
	for i := range n {
		var own []int32
		for j := range n {
			if p.Belongs(i, j) {
				own = append(own, int32(j))
			}
		}
		k := len(own)
		rows[k], labels[k] = append(rows[k], slices.Repeat([]int32{int32(i)}, k)...), append(labels[k], own...)
	}
	var sum *tensor.Tensor
	for k := range rows {
		if rows[k] == nil {
			continue
		}
		for _, x := range []*tensor.Tensor{byImage, byText} {
			loss := ops.SmoothedCrossEntropy(c, ops.Gather(c, rows[k], x), labels[k], smoothing, float32(2*n*k))
			if sum == nil {
				sum = loss
			} else {
				sum = ops.Add(c, sum, loss)
			}
		}
	}
	return sum
}

// matching reads all pairs, each text beside another picture, and each picture beside
// another text.
func (m *Learner) matching(c *tensor.Ctx, f *model.Features, texts [][]int32, not *model.Negatives) *tensor.Tensor {
	n := len(texts)
	in := qformer.Input{Seen: f, Of: make([]int, 3*n), Text: make([][]int32, 3*n)}
	labels := make([]int32, 3*n)
	for i, t := range texts {
		labels[i] = 1
		in.Of[i], in.Text[i] = i, t
		in.Of[n+i], in.Text[n+i] = not.Images[i], t
		in.Of[2*n+i], in.Text[2*n+i] = i, texts[not.Texts[i]]
	}
	return ops.CrossEntropy(c, m.match(c, in), labels, float32(3*n))
}

// writing is the cross-entropy of every token behind the first, by what became of the
// captions' tokens before it.
func (m *Learner) writing(c *tensor.Ctx, written *tensor.Tensor, texts [][]int32) *tensor.Tensor {
	var rows, next []int32
	at := 0
	for _, t := range texts {
		for i, id := range t[1:] {
			rows, next = append(rows, int32(at+i)), append(next, id)
		}
		at += len(t)
	}
	logits := m.logits(c, ops.Gather(c, rows, written))
	return ops.SmoothedCrossEntropy(c, logits, next, smoothing, float32(len(next)))
}

// logits are those of the token behind each row.
func (m *Learner) logits(c *tensor.Ctx, h *tensor.Tensor) *tensor.Tensor {
	x := m.Head.Logits(c, h, m.Embeddings.Words.Weight)
	c.Observe("itg_logits", x)
	return x
}

// draw chooses hard negatives: the liker another picture is to a text the oftener it
// stands for what does not belong to the text, and so the other way round.
func draw(p *model.Pairs, byText, byImage *tensor.Tensor) *model.Negatives {
	rng := rand.New(rand.NewPCG(p.Seed, 0x626c6970))
	return &model.Negatives{Images: others(rng, byText, p.Belongs), Texts: others(rng, byImage, p.Belongs)}
}

// others draws a column of each row that does not belong to it, by the softmax of the row.
func others(rng *rand.Rand, x *tensor.Tensor, belongs func(i, j int) bool) []int {
	n := x.Cols()
	scores := tensor.From(slices.Clone(x.F32), n, n)
	for i := range n {
		for j := range n {
			if belongs(i, j) {
				scores.Row(i)[j] = float32(math.Inf(-1))
			}
		}
	}
	weights := ops.Softmax(&tensor.Ctx{}, scores)
	out := make([]int, n)
	for i := range out {
		out[i] = pick(rng.Float32(), weights.Row(i))
	}
	return out
}

// pick is the place, of those with a weight, at which the sum of weights passes at.
func pick(at float32, weights []float32) (place int) {
	for k, w := range weights {
		if w == 0 {
			continue
		}
		if place = k; at < w {
			break
		}
		at -= w
	}
	return place
}

var _ model.PairLearner = (*Learner)(nil)
