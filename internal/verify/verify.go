// Package verify runs a checkpoint on the inputs of a reference implementation
// and compares every intermediate result with the reference's.
package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/zoo"
)

// Tolerance says which differences pass. Token ids and texts must be equal, and
// what is not finite never passes.
type Tolerance struct {
	Pixels float64 `json:"pixels"` // of pixel values, absolute
	Stage  float64 `json:"stage"`  // of every other stage, relative to the stage's largest magnitude

	// CloseTokens lets a greedy token differ from the reference's where the
	// reference's own logits of the two, or the model's where it kept none, are closer
	// than the tolerance can tell apart.
	CloseTokens bool `json:"close_tokens"`

	// Halved says why Stage is as wide as it is: the reference interpolates pictures
	// in 16 bits, and every stage is behind that.
	Halved bool `json:"halved,omitempty"`
}

// halved is what stages behind an interpolation in 16 bits may differ by.
const halved = 2e-3

// Float32 is for arithmetic in float32: honest differences are near 1e-6, and a
// wrong epsilon is further off.
func Float32() Tolerance { return Tolerance{Pixels: 1e-6, Stage: 1e-5} }

// BFloat16 is for arithmetic in bfloat16. Pictures are prepared in float32 all the same.
func BFloat16() Tolerance { return Within(2e-2) }

// Within lets stages differ by a share of their largest magnitude, and tokens accordingly:
// for arithmetic or weights that are not the reference's.
func Within(stage float64) Tolerance { return Tolerance{Pixels: 1e-6, Stage: stage, CloseTokens: true} }

// Options of a run.
type Options struct {
	Tolerance Tolerance
	Pool      *kernel.Pool
	OnCase    func(*Case) // sees every case as soon as it is done; may be nil
}

// arithmetic names what the operands of products are rounded to.
func (o Options) arithmetic() string {
	if o.Pool == nil {
		return kernel.F32.String()
	}
	return o.Pool.Compute.String()
}

// Run runs every case that files, a directory, expects of a model. The error is
// about the expectations or the context; what differs is told in the report.
func Run(ctx context.Context, m *zoo.Model, files fs.FS, o Options) (*Report, error) {
	if m, ok := m.Net.(interface{ Halved() bool }); ok && m.Halved() {
		o.Tolerance.Stage, o.Tolerance.Halved = max(o.Tolerance.Stage, halved), true
	}
	e, err := golden.Open(files)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("verify: the directory with the expectations must hold expected.json and expected.safetensors: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	defer e.Close()
	r := &runner{m: m, files: files, o: o}
	report := &Report{
		Model: m.Name, Architecture: m.Family.Architecture, Weights: dtypes(m.Net), Arithmetic: o.arithmetic(),
		Kernel: kernel.Name(), Reference: e.Class, Tolerance: o.Tolerance, Unknown: e.Rest(),
	}
	add := func(c *Case) {
		report.add(c)
		if o.OnCase != nil {
			o.OnCase(c)
		}
	}
	for i := range e.Cases {
		c := r.check(ctx, i, &e.Cases[i])
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		add(c)
	}
	if err := r.images(ctx, e, add); err != nil {
		return nil, err
	}
	report.Unknown = withoutImages(report.Unknown, len(report.Cases)-len(e.Cases))
	return report, nil
}

// runner runs the cases of one model.
type runner struct {
	m     *zoo.Model
	files fs.FS
	o     Options
}

// check runs one case.
func (r *runner) check(ctx context.Context, number int, want *golden.Case) *Case {
	l := &listener{want: want, tol: r.o.Tolerance, seen: map[string]Stage{}}
	err := r.run(ctx, want, l)
	c := &Case{Number: number, Prompt: want.Prompt, Texts: want.Texts, Images: want.Images, Videos: want.Videos}
	skips, _ := r.m.Net.(interface{ Skips(stage string) bool })
	c.Stages = l.stages(func(stage string) bool { return skips != nil && skips.Skips(stage) }, err == nil)
	c.judge(err)
	return c
}

func (r *runner) run(ctx context.Context, want *golden.Case, l *listener) error {
	images, err := r.pictures(want)
	if err != nil {
		return err
	}
	switch net := r.m.Net.(type) {
	case model.VLM:
		return r.generator(ctx, net, want, images, l)
	case model.DualEncoder:
		return r.contrastive(net, want, images, l)
	case tower:
		return r.encoder(net, images, l)
	}
	return fmt.Errorf("a %s cannot be verified", r.m.Family.Architecture)
}

// pictures decodes the picture files of a case.
func (r *runner) pictures(want *golden.Case) ([]*imageproc.RGB, error) {
	var images []*imageproc.RGB
	for _, name := range want.Images {
		f, err := r.files.Open(name)
		if err != nil {
			return nil, err
		}
		img, err := imageproc.Read(f, name, imageproc.Options{})
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		images = append(images, img)
	}
	return images, nil
}

// videos opens those of a case.
func (r *runner) videos(want *golden.Case) ([]*imageproc.Video, error) {
	var videos []*imageproc.Video
	for _, name := range want.Videos {
		o := imageproc.VideoOptions{Sampling: imageproc.Sampling{FPS: want.VideoFPS}}
		if st, err := fs.Stat(r.files, name); err == nil && st.IsDir() {
			o.Rate = want.VideoRate
		}
		v, err := imageproc.OpenVideo(r.files, name, o)
		if err != nil {
			return nil, err
		}
		videos = append(videos, v)
	}
	return videos, nil
}

// dtypes names how the weights are stored, the commonest first: "F16, F32".
func dtypes(net any) string {
	count := map[kernel.DType]int{}
	_, params := nn.Params(net)
	for _, t := range params {
		count[t.DType] += t.Len()
	}
	var names []string
	for len(count) > 0 {
		var most kernel.DType
		for d, n := range count {
			if n > count[most] || n == count[most] && d < most {
				most = d
			}
		}
		names = append(names, most.String())
		delete(count, most)
	}
	return strings.Join(names, ", ")
}
