package zoo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

const (
	calibrationRows     = 512 // tokens that the model sees together
	calibrationQuestion = "What is in the picture?"
	// A column whose inputs were zero still gets a little of the mean weight: a block
	// of such columns would have no best scale.
	leastImportance = 1e-4
)

// Calibration collects the mean square of every input of each linear layer while
// the model runs on samples. The square of an input is what an error of its
// column's weights costs: llama.cpp calls these numbers an importance matrix.
type Calibration struct {
	m     *Model
	vlm   model.VLM
	pool  *kernel.Pool
	seen  map[*tensor.Tensor]*squares
	cache *model.KVCache
}

// squares are sums over the rows that went into one layer.
type squares struct {
	sums []float64
	rows int
}

// NewCalibration prepares a model that generates text. pool may be nil.
func NewCalibration(m *Model, pool *kernel.Pool) (*Calibration, error) {
	vlm, ok := m.VLM()
	if !ok || model.ReadsMemory(vlm.Decoder()) {
		return nil, fmt.Errorf("zoo: %s: a %s continues no text to calibrate with", m.Name, m.Family.Architecture)
	}
	c := &Calibration{m: m, vlm: vlm, pool: pool, seen: map[*tensor.Tensor]*squares{}}
	c.cache = vlm.Decoder().NewCache(vlm.Decoder().Context())
	return c, nil
}

// Text runs the model on a text, in windows; onWindow, which may be nil, hears of each.
func (c *Calibration) Text(ctx context.Context, text string, onWindow func(done, windows int)) error {
	if !utf8.ValidString(text) {
		return errors.New("zoo: calibration: not UTF-8 text: is this a binary file?")
	}
	ids := c.m.Tokenizer.Encode(text)
	if len(strings.TrimSpace(text)) == 0 || len(ids) == 0 {
		return errors.New("zoo: calibration: the text is empty")
	}
	size := min(calibrationRows, c.vlm.Decoder().Context())
	windows := (len(ids) + size - 1) / size
	for i := range windows {
		if err := c.run(ctx, &model.Prompt{IDs: ids[i*size : min((i+1)*size, len(ids))]}); err != nil {
			return err
		}
		if onWindow != nil {
			onWindow(i+1, windows)
		}
	}
	return nil
}

// Picture runs the model on a picture and a question about it.
func (c *Calibration) Picture(ctx context.Context, img *imageproc.RGB) error {
	if c.m.Pictures == nil {
		return fmt.Errorf("zoo: calibration: %s reads text only and takes no pictures", c.m.Name)
	}
	p, err := c.m.Processor.Process([]model.Turn{{Role: "user", Text: calibrationQuestion, Images: []*imageproc.RGB{img}}})
	if err != nil {
		return err
	}
	if most := c.vlm.Decoder().Context(); len(p.IDs) > most {
		return fmt.Errorf("zoo: calibration: a picture takes %d tokens, more than the context's %d", len(p.IDs), most)
	}
	return c.run(ctx, p)
}

func (c *Calibration) run(ctx context.Context, p *model.Prompt) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	run := tensor.Ctx{Pool: c.pool, Inputs: c.observe}
	all := c.vlm.Embed(&run, p)
	d := c.vlm.Decoder()
	c.cache.Truncate(0)
	c.cache.PromptOr(all.X.Rows())
	for at := 0; at < all.X.Rows(); at += calibrationRows {
		part := tensor.Ctx{Pool: c.pool, Inputs: c.observe}
		s := all.Cut(at, min(at+calibrationRows, all.X.Rows()))
		s.Past = []*model.KVCache{c.cache}
		h := d.Forward(&part, &s)
		d.Logits(&part, h)
	}
	return nil
}

func (c *Calibration) observe(weight, x *tensor.Tensor) {
	s := c.seen[weight]
	if s == nil {
		s = &squares{sums: make([]float64, x.Cols())}
		c.seen[weight] = s
	}
	s.rows += x.Rows()
	for i := range x.Rows() {
		for j, v := range x.Row(i) {
			s.sums[j] += float64(v) * float64(v)
		}
	}
}

// Importance gives the columns' weights of a matrix by its name in a GGUF file, for
// GGUFOptions, or nil for one that no sample went through.
func (c *Calibration) Importance() (func(name string) []float32, error) {
	byName := map[string][]float32{}
	for _, p := range c.m.params() {
		name := languageName(p.Name)
		if s := c.seen[p.T]; s != nil && name != "" {
			byName[name] = s.importance()
		}
	}
	if len(byName) == 0 {
		return nil, errors.New("zoo: calibration: no sample has gone through the model")
	}
	return func(name string) []float32 { return byName[name] }, nil
}

// importance is nil if all inputs were zero or some not finite.
func (s *squares) importance() []float32 {
	var total float64
	for _, v := range s.sums {
		total += v
	}
	floor := leastImportance * total / float64(len(s.sums))
	if !(floor > 0 && floor < 1e30) { // NaN too
		return nil
	}
	out := make([]float32, len(s.sums))
	for j, v := range s.sums {
		out[j] = float32(max(v, floor) / float64(s.rows))
	}
	return out
}
