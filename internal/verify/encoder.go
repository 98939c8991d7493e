package verify

import (
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// tower is an encoder alone, with a vector for the whole picture.
type tower interface {
	model.Encoder
	Pool(c *tensor.Ctx, v *model.Views) *tensor.Tensor
}

// encoder checks a tower.
func (r *runner) encoder(net tower, images []*imageproc.RGB, l *listener) error {
	v, err := r.views(images, l)
	if err != nil {
		return err
	}
	net.Pool(&tensor.Ctx{Pool: r.o.Pool, Observer: func(stage string, t *tensor.Tensor) { l.floats(stage, channelsFirst(t)) }}, v)
	return nil
}

// channelsFirst are the elements of t in the reference's order, in which the
// channels of a map [views, h, w, channels] come before its places.
func channelsFirst(t *tensor.Tensor) []float32 {
	if len(t.Shape) != 4 {
		return t.F32
	}
	var out []float32
	per, channels := t.Shape[1]*t.Shape[2], t.Shape[3]
	for at := 0; at < len(t.F32); at += per * channels {
		out = append(out, transpose(t.F32[at:at+per*channels], per, channels)...)
	}
	return out
}

// views runs the picture pipeline.
func (r *runner) views(images []*imageproc.RGB, l *listener) (*model.Views, error) {
	v := new(model.Views)
	for _, img := range images {
		p, err := r.m.Pictures.Process(img, nil)
		if err != nil {
			return nil, err
		}
		v.Append(&model.Views{Pixels: p.Pixels, Sizes: []image.Point{{X: p.W, Y: p.H}}})
	}
	if len(v.Sizes) == 0 {
		return nil, fmt.Errorf("the case has no pictures")
	}
	l.floats(pixels, v.Pixels)
	return v, nil
}

// contrastive checks a model that scores texts against pictures.
func (r *runner) contrastive(net model.DualEncoder, want *golden.Case, images []*imageproc.RGB, l *listener) error {
	ids, err := r.texts(want, net, l)
	if err != nil {
		return err
	}
	v, err := r.views(images, l)
	if err != nil {
		return err
	}
	c := &tensor.Ctx{Pool: r.o.Pool, Observer: func(stage string, t *tensor.Tensor) {
		if strings.HasPrefix(stage, "text.") {
			l.padded(stage, t, ids)
		} else {
			l.observe(stage, t)
		}
	}}
	scores := net.Similarity(c, net.EmbedImage(c, v), net.EmbedText(c, ids))
	l.floats("logits_per_text", transpose(scores.F32, len(v.Sizes), len(ids)))
	if net, ok := net.(model.Matcher); ok {
		if len(v.Sizes) != len(ids) {
			return fmt.Errorf("%d texts are to be matched with %d pictures", len(ids), len(v.Sizes))
		}
		net.Match(c, net.See(&tensor.Ctx{Pool: r.o.Pool}, v), ids)
	}
	if net, ok := net.(model.PairLearner); ok && l.want.Has(negativeImages) {
		return r.pairs(net, v, ids, l)
	}
	return nil
}

// What the reference told pairs apart from in training.
const negativeImages, negativeTexts = "negative_images", "negative_texts"

// pairs checks what a model would learn from the pictures and texts.
func (r *runner) pairs(net model.PairLearner, v *model.Views, ids [][]int32, l *listener) error {
	p := &model.Pairs{Texts: ids, Negatives: &model.Negatives{}}
	at := 0
	for _, size := range v.Sizes {
		n := 3 * size.X * size.Y
		p.Images = append(p.Images, &model.Tiles{Views: model.Views{Pixels: v.Pixels[at : at+n], Sizes: []image.Point{size}}})
		at += n
	}
	for name, list := range map[string]*[]int{negativeImages: &p.Negatives.Images, negativeTexts: &p.Negatives.Texts} {
		want, _, err := l.want.Ints(name)
		if err != nil {
			return err
		}
		for _, i := range want {
			*list = append(*list, int(i))
		}
		l.put(Stage{Name: name, Status: Skipped, Detail: "taken over: no draw is like the reference's"})
	}
	if err := p.Check(net.Context()); err != nil {
		return err
	}
	c := &tensor.Ctx{Pool: r.o.Pool, Observer: func(stage string, t *tensor.Tensor) {
		if stage == "itg_logits" {
			l.observe(stage, t)
		}
	}}
	for _, t := range net.PairLoss(c, p) {
		l.floats("loss_"+t.Name, t.Value.F32)
	}
	return nil
}

// texts tokenises the texts of a case. For the comparison of ids it pads them to
// the longest, as the reference does; the model runs without.
func (r *runner) texts(want *golden.Case, net model.DualEncoder, l *listener) ([][]int32, error) {
	var ids [][]int32
	longest := 0
	for i, t := range want.Texts {
		x, err := r.m.TextIDs(net, t)
		if err != nil {
			return nil, fmt.Errorf("text %d: %w", i, err)
		}
		ids, longest = append(ids, x), max(longest, len(x))
	}
	if len(ids) == 0 {
		return nil, fmt.Errorf("the case has no texts")
	}
	padded, mask, err := r.pad(ids, longest)
	if err != nil {
		return nil, err
	}
	l.ids(inputIDs, padded, slices.Concat(want.InputIDs...))
	l.ints("attention_mask", mask)
	return ids, nil
}

// pad lays texts end to end, each filled up to n tokens, and marks what is text with 1.
func (r *runner) pad(texts [][]int32, n int) (ids, mask []int32, err error) {
	pad, ok := r.m.Tokenizer.Pad()
	for _, x := range texts {
		if len(x) < n && !ok {
			return nil, nil, fmt.Errorf("the tokenizer has no token for padding")
		}
		ids = append(append(ids, x...), slices.Repeat([]int32{pad}, n-len(x))...)
		mask = append(append(mask, slices.Repeat([]int32{1}, len(x))...), make([]int32, n-len(x))...)
	}
	return ids, mask, nil
}

// padded compares a stage with a row for every token. The reference's rows of
// padding stand for nothing and are left out.
func (l *listener) padded(stage string, t *tensor.Tensor, texts [][]int32) {
	total, longest := 0, 0
	for _, x := range texts {
		total, longest = total+len(x), max(longest, len(x))
	}
	width, rows := t.Cols(), len(texts)*longest
	want, _, err := l.want.Floats(stage)
	if err != nil || t.Len() != total*width || len(want) != rows*width || rows == total {
		l.observe(stage, t)
		return
	}
	full, got := slices.Clone(want), t.F32
	for i, x := range texts {
		n := copy(full[i*longest*width:], got[:len(x)*width])
		got = got[n:]
	}
	l.floats(stage, full)
	s := l.seen[stage]
	s.Detail = strings.TrimSpace(fmt.Sprintf("%s %d rows of padding left out", s.Detail, rows-total))
	l.seen[stage] = s
}

// transpose turns a matrix [rows, cols] around.
func transpose(x []float32, rows, cols int) []float32 {
	y := make([]float32, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}
