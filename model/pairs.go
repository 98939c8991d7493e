package model

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// PairLearner is a DualEncoder that learns from pictures and texts which belong together.
type PairLearner interface {
	DualEncoder
	// PairLoss returns what the model learns from a checked batch, term by term, each a
	// mean over the batch. With a Ctx that trains, Backward from their Total fills the
	// gradients.
	PairLoss(c *tensor.Ctx, p *Pairs) []Term
}

// Pairs are a batch of pictures and texts: text i belongs to picture i, and every
// other one in the batch stands for what does not.
type Pairs struct {
	Images []*Tiles  // of one view each
	Texts  [][]int32 // as EmbedText reads them
	Seed   uint64    // of what is drawn at random: the same seed, weights and batch draw the same

	// Same are numbers of which those of pairs that belong to each other crosswise are
	// equal, such as two captions of one picture; nil: none do.
	Same []int

	Negatives *Negatives // nil: the model draws them
}

// Negatives are what a batch's pictures and texts are told apart from.
type Negatives struct {
	Images []int // for each text, a picture that is not its own
	Texts  []int // for each picture, a text that is not its own
}

// Term is a part of a loss, by its name in logs.
type Term struct {
	Name  string
	Value *tensor.Tensor // one element
}

// Total is the sum of terms.
func Total(c *tensor.Ctx, terms []Term) *tensor.Tensor {
	sum := terms[0].Value
	for _, t := range terms[1:] {
		sum = ops.Add(c, sum, t.Value)
	}
	return sum
}

// Belongs reports whether text j belongs to picture i.
func (p *Pairs) Belongs(i, j int) bool { return i == j || p.Same != nil && p.Same[i] == p.Same[j] }

// Check refuses a batch of which nothing can be learned, and texts of more tokens than
// a model's context.
func (p *Pairs) Check(context int) error {
	n := len(p.Images)
	if n < 2 || len(p.Texts) != n {
		return fmt.Errorf("model: %d pictures and %d texts: a batch needs two pairs or more, to tell them apart", n, len(p.Texts))
	}
	for i, t := range p.Images {
		if v := len(t.Views.Sizes); v != 1 {
			return fmt.Errorf("model: picture %d has %d views, want 1", i, v)
		}
	}
	for i, t := range p.Texts {
		if len(t) < 2 || len(t) > context {
			return fmt.Errorf("model: text %d has %d tokens, want 2 to %d", i, len(t), context)
		}
	}
	return p.checkApart(n)
}

// checkApart wants for each pair something that it can be told apart from.
func (p *Pairs) checkApart(n int) error {
	if p.Same != nil && len(p.Same) != n {
		return fmt.Errorf("model: %d numbers of what is the same, for %d pairs", len(p.Same), n)
	}
	if p.Same != nil && slices.Min(p.Same) == slices.Max(p.Same) {
		return fmt.Errorf("model: all %d pairs are the same: none can be told from another", n)
	}
	if p.Negatives == nil {
		return nil
	}
	for _, list := range [][]int{p.Negatives.Images, p.Negatives.Texts} {
		if len(list) != n {
			return fmt.Errorf("model: %d negatives for %d pairs", len(list), n)
		}
		for i, of := range list {
			if of < 0 || of >= n || p.Belongs(i, of) {
				return fmt.Errorf("model: pair %d has number %d as its negative, of %d pairs", i, of, n)
			}
		}
	}
	return nil
}
