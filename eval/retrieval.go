package eval

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// RetrievalOptions of a measurement.
type RetrievalOptions struct {
	Pool   *kernel.Pool
	Rerank int                   // how many of the most alike a model.Matcher reads again; 0: none
	OnStep func(done, total int) // called after each picture, twice as often with Rerank; may be nil
}

// Limits of what is compared, and of the texts that are encoded at once.
const (
	maxScores = 1 << 28
	textBatch = 32
)

// Retrieval measures how a model finds the texts of a picture among all of a gallery,
// and the picture of a text: by the likeness of their embeddings, and with
// Options.Rerank by reading as many of the most alike, each text with the picture before
// it, too. Those then stand first, ordered by the logit of a match plus the likeness, as
// in LAVIS (compute_sim_matrix). What is as alike as the right one, and wrong, stands
// before it.
func Retrieval(ctx context.Context, m *zoo.Model, g *Gallery, o RetrievalOptions) (*RetrievalReport, error) {
	r := &retrieval{m: m, g: g, o: o}
	if err := r.run(ctx); err != nil {
		return nil, fmt.Errorf("eval: retrieval, %s: %w", g.Name, err)
	}
	return r.report(), nil
}

// retrieval is a measurement under way.
type retrieval struct {
	m   *zoo.Model
	g   *Gallery
	o   RetrievalOptions
	net model.DualEncoder
	ctx tensor.Ctx

	ids    [][]int32
	texts  *tensor.Tensor // their vectors
	scores []float32      // likeness, [pictures, texts]
	again  *reading       // nil without Rerank
}

func (r *retrieval) run(ctx context.Context) error {
	if err := r.check(); err != nil {
		return err
	}
	r.ctx.Pool = r.o.Pool
	if err := r.encode(); err != nil {
		return err
	}
	step := func(i int) {
		if r.o.OnStep != nil {
			r.o.OnStep(i+1, r.steps())
		}
	}
	for i := range r.g.Pictures {
		if err := r.compare(ctx, i); err != nil {
			return err
		}
		step(i)
	}
	if r.o.Rerank == 0 {
		return nil
	}
	r.again = newReading(r.scores, len(r.g.Pictures), len(r.g.Texts), r.o.Rerank)
	for i := range r.g.Pictures {
		if err := r.read(ctx, i); err != nil {
			return err
		}
		step(len(r.g.Pictures) + i)
	}
	return nil
}

func (r *retrieval) steps() int {
	if r.o.Rerank > 0 {
		return 2 * len(r.g.Pictures)
	}
	return len(r.g.Pictures)
}

func (r *retrieval) check() (err error) {
	var ok bool
	if r.net, ok = r.m.Net.(model.DualEncoder); !ok {
		return fmt.Errorf("%s: a %s does not compare pictures with texts", r.m.Name, r.m.Family.Architecture)
	}
	if _, ok := r.net.(model.Matcher); !ok && r.o.Rerank > 0 {
		return fmt.Errorf("%s: a %s does not read texts with pictures before them, so that it cannot order anew what is most alike", r.m.Name, r.m.Family.Architecture)
	}
	switch p, t := len(r.g.Pictures), len(r.g.Texts); {
	case p == 0 || t == 0:
		return errors.New("there are no pictures with texts")
	case p > maxScores/t:
		return fmt.Errorf("%d pictures and %d texts are too many to compare all", p, t)
	case r.o.Rerank < 0:
		return fmt.Errorf("%d are to be read again", r.o.Rerank)
	}
	return nil
}

// encode embeds all texts.
func (r *retrieval) encode() error {
	for _, t := range r.g.Texts {
		ids, err := r.m.TextIDs(r.net, t)
		if err != nil {
			return err
		}
		r.ids = append(r.ids, ids)
	}
	var all []float32
	width := 0
	for at := 0; at < len(r.ids); at += textBatch {
		r.ctx.Reset()
		x := r.net.EmbedText(&r.ctx, r.ids[at:min(at+textBatch, len(r.ids))])
		all, width = append(all, x.F32...), x.Cols()
	}
	r.texts = tensor.From(all, len(r.ids), width)
	return nil
}

// see opens picture i as the model sees it.
func (r *retrieval) see(ctx context.Context, i int) (v *model.Views, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	img, err := r.g.Pictures[i].Open()
	if err == nil {
		v, err = r.m.View(img)
	}
	if err != nil {
		return nil, fmt.Errorf("picture %d: %w", i+1, err)
	}
	r.ctx.Reset()
	return v, nil
}

// compare scores picture i against all texts.
func (r *retrieval) compare(ctx context.Context, i int) error {
	v, err := r.see(ctx, i)
	if err != nil {
		return err
	}
	y := r.net.Similarity(&r.ctx, r.net.EmbedImage(&r.ctx, v), r.texts)
	for j, s := range y.F32 {
		if math.IsNaN(float64(s)) {
			return fmt.Errorf("picture %d and text %d: the likeness is not a number", i+1, j+1)
		}
	}
	r.scores = append(r.scores, y.F32...)
	return nil
}

// read scores picture i anew against the texts that want it.
func (r *retrieval) read(ctx context.Context, i int) error {
	wanted := r.again.of(i)
	if len(wanted) == 0 {
		return ctx.Err()
	}
	v, err := r.see(ctx, i)
	if err != nil {
		return err
	}
	net := r.net.(model.Matcher)
	f := net.See(&r.ctx, v)
	for _, j := range wanted {
		score := net.Match(&r.ctx, f, r.ids[j:j+1]).F32[1] + r.scores[i*len(r.ids)+j]
		if math.IsNaN(float64(score)) {
			return fmt.Errorf("picture %d and text %d: the logit of a match is not a number", i+1, j+1)
		}
		r.again.scores[pair{i, j}] = score
	}
	return nil
}
