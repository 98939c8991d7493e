package verify

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// generator checks a model that continues a prompt: once without a cache, which
// gives the stages, and once token by token, as generation goes.
func (r *runner) generator(ctx context.Context, vlm model.VLM, want *golden.Case, images []*imageproc.RGB, l *listener) error {
	videos, err := r.videos(want)
	if err != nil {
		return err
	}
	p, err := r.m.Processor.ProcessText(want.Prompt, images, videos...)
	if err != nil {
		return err
	}
	raw := r.raw(p, l)
	if want.Prompt != "" || !l.want.Has(sequenceLogits) { // a caption needs no beginning
		l.ids(inputIDs, spelled(raw.IDs), slices.Concat(want.InputIDs...))
		l.ints("attention_mask", slices.Repeat([]int32{1}, len(spelled(raw.IDs))))
	}
	l.adapter(p.Images)
	l.pictures(p.Images)
	if err := checkIDs(p, want.Generated, vlm.Decoder()); err != nil {
		return err
	}
	r.whole(vlm, l.reads(raw), l)
	r.sequence(vlm, p, l)
	if want.Generated == nil {
		return nil
	}
	return r.greedy(ctx, vlm, p, l)
}

// spelled are the ids without placeholders that are no tokens, which no reference has
// among its ids.
func spelled(ids []int32) []int32 {
	return slices.DeleteFunc(slices.Clone(ids), func(id int32) bool { return id < 0 })
}

// reads is the prompt with what the decoder of an encoder-decoder model reads at
// once in the reference's run: what it begins with, and the first tokens that it
// generated.
func (l *listener) reads(p *model.Prompt) *model.Prompt {
	if p.DecoderIDs == nil || !l.want.Has(decoderIDs) {
		return p
	}
	want, _, err := l.want.Ints(decoderIDs)
	if err != nil {
		l.fail(decoderIDs, err.Error())
		return p
	}
	all := slices.Concat(p.DecoderIDs, l.want.Generated)
	all = all[:min(len(all), len(want))]
	l.ints(decoderIDs, all)
	with := *p
	with.DecoderIDs = all
	return &with
}

const decoderIDs = "decoder_input_ids"

// adapter compares what an adapter reads beside the pictures.
func (l *listener) adapter(images []*model.Tiles) {
	var ids []int32
	for _, t := range images {
		ids = append(ids, t.Text...)
	}
	l.ints("qformer_input_ids", ids)
	l.ints("qformer_attention_mask", slices.Repeat([]int32{1}, len(ids)))
}

// pictures compares what the encoder sees and the sizes of the files' pictures.
// The reference fills up with zeros where one picture has fewer views than another.
func (l *listener) pictures(images []*model.Tiles) {
	var sizes []int32
	var seen []float32
	most := 0
	for _, t := range images {
		sizes = append(sizes, int32(t.Original.Y), int32(t.Original.X))
		most = max(most, len(t.Views.Pixels))
	}
	_, shape, err := l.want.Floats(pixels)
	for _, t := range images {
		seen = append(seen, t.Views.Pixels...)
		if err == nil && len(shape) == 5 { // [pictures, views, 3, h, w]
			seen = append(seen, make([]float32, most-len(t.Views.Pixels))...)
		}
	}
	if err != nil || len(shape) > 2 { // else they are patches, which the model cuts and reports
		l.floats(pixels, seen)
	}
	l.ints("image_sizes", sizes)
}

// checkIDs refuses what would index past the model's tables.
func checkIDs(p *model.Prompt, continuation []int32, d model.Decoder) error {
	if n := len(p.Reads()) + len(continuation); n > d.Context() {
		return fmt.Errorf("prompt and continuation have %d tokens, and the context is %d", n, d.Context())
	}
	for _, id := range slices.Concat(p.IDs, p.DecoderIDs, continuation) {
		placeholder := slices.ContainsFunc(p.At, func(at int) bool { return p.IDs[at] == id })
		if !placeholder && (id < 0 || int(id) >= d.Vocab()) {
			return fmt.Errorf("token %d is none of the model's %d", id, d.Vocab())
		}
	}
	return nil
}

// whole runs the prompt at once and reports the stages.
func (r *runner) whole(vlm model.VLM, p *model.Prompt, l *listener) {
	c := tensor.Ctx{Pool: r.o.Pool, Observer: l.observe}
	d := vlm.Decoder()
	h := d.Forward(&c, vlm.Embed(&c, p))
	for _, stage := range []string{"logits", "logits_tail", "lm.last_hidden_tail"} {
		if !l.want.Has(stage) {
			continue
		}
		rows, width := h.Rows(), h.Cols()
		if strings.HasSuffix(stage, "_tail") {
			rows = min(rows, l.rows(stage))
		}
		tail := tensor.From(h.F32[(h.Rows()-rows)*width:], rows, width)
		if stage != "lm.last_hidden_tail" {
			tail = d.Logits(&c, tail)
		}
		l.observe(stage, tail)
	}
}

// rows is the number of rows of an expected matrix.
func (l *listener) rows(stage string) int {
	_, shape, err := l.want.Floats(stage)
	if err != nil || len(shape) < 2 {
		return 0
	}
	return shape[len(shape)-2]
}

// greedy continues the prompt. Every step follows the reference's tokens, so
// that one that differs does not change those behind it.
func (r *runner) greedy(ctx context.Context, vlm model.VLM, p *model.Prompt, l *listener) error {
	begun := l.begun(p)
	want := l.want.Generated[len(begun):]
	s := generate.NewSession(vlm, len(p.Reads())+len(want), r.o.Pool)
	logits, err := s.Prefill(ctx, p)
	if err != nil {
		return err
	}
	sampler := generate.NewSampler(generate.Sampling{}, nil)
	got := slices.Clone(begun)
	var steps []float32
	for i, id := range want {
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.want.Has(stepLogits) || l.tol.CloseTokens {
			steps = append(steps, logits...)
		}
		got = append(got, sampler.Next(logits))
		if i == len(want)-1 {
			break
		}
		if logits, err = s.Step(id); err != nil {
			return err
		}
	}
	if l.want.Has(stepLogits) {
		l.floats(stepLogits, steps)
	}
	r.tokens(got, steps, vlm.Decoder().Vocab(), l)
	return nil
}

const stepLogits = "step_logits"

// tokens compares the greedy tokens, of which steps are the logits, and their text.
func (r *runner) tokens(got []int32, steps []float32, vocab int, l *listener) {
	want := l.want.Generated
	l.ids(generated, l.settle(got, steps, vocab), want)
	if s := l.seen[generated]; s.Status == Passed && !slices.Equal(got, want) {
		s.Detail = fmt.Sprintf("%d, %d of them another token with as good a logit", len(want), differing(got, want))
		l.seen[generated] = s
		got = want // the text of other tokens says nothing
	}
	if s := l.seen[generated]; s.Status == Passed && l.want.MinMargin > 0 {
		s.Detail += fmt.Sprintf(", smallest margin %.2g", l.want.MinMargin)
		l.seen[generated] = s
	}
	l.text(text, r.m.Tokenizer.Text(got, true), l.want.Text)
	l.text(textWithSpecial, r.m.Tokenizer.Text(got, false), l.want.TextWithSpecial)
}

// settle replaces tokens by the reference's where the tolerance allows either, by the
// reference's logits or, if it kept none, by the model's own.
func (l *listener) settle(got []int32, steps []float32, vocab int) []int32 {
	if reference, _, err := l.want.Floats(stepLogits); err == nil {
		steps = reference
	}
	if !l.tol.CloseTokens || len(steps) != len(got)*vocab {
		return got
	}
	scale := 0.0
	for _, x := range steps {
		scale = max(scale, math.Abs(float64(x)))
	}
	out := slices.Clone(got)
	for i, want := range l.want.Generated {
		row := steps[i*vocab : (i+1)*vocab]
		if margin := float64(row[want]) - float64(row[got[i]]); margin <= 2*l.tol.Stage*scale {
			out[i] = want
		}
	}
	return out
}

func differing(a, b []int32) int {
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
