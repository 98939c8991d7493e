package verify

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// pictured is a model that tells what it makes of pictures apart from a prompt.
type pictured interface {
	Features(c *tensor.Ctx, images []*model.Tiles) *tensor.Tensor
}

// images checks the stages that belong to pictures and not to cases: image<k>.* is
// about the file image<k>.png.
func (r *runner) images(ctx context.Context, e *golden.Expected, add func(*Case)) error {
	net, ok := r.m.Net.(pictured)
	if !ok || r.m.Pictures == nil {
		return nil
	}
	for k := 0; ; k++ {
		stages := e.Image(k)
		if len(stages.Names()) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		want := &golden.Case{Images: []string{"image" + strconv.Itoa(k) + ".png"}, Stages: stages}
		l := &listener{want: want, tol: r.o.Tolerance, seen: map[string]Stage{}}
		err := r.image(net, want, l)
		c := &Case{Number: len(e.Cases) + k, Images: want.Images, Stages: l.stages(func(string) bool { return false }, err == nil)}
		c.judge(err)
		add(c)
	}
}

// withoutImages are the names that are not of a picture that images has checked.
func withoutImages(names []string, pictures int) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		number, ok := strings.CutPrefix(name, "image")
		number, _, _ = strings.Cut(number, ".")
		k, err := strconv.Atoi(number)
		return ok && err == nil && k >= 0 && k < pictures
	})
}

func (r *runner) image(net pictured, want *golden.Case, l *listener) error {
	images, err := r.pictures(want)
	if err != nil {
		return err
	}
	view, _, err := r.m.Pictures.View(images[0])
	if err != nil {
		return err
	}
	l.bytes(view)
	p, err := r.m.Processor.Process([]model.Turn{{Role: "user", Images: images}})
	if err != nil {
		return err
	}
	l.pictures(p.Images)
	net.Features(&tensor.Ctx{Pool: r.o.Pool, Observer: l.observe}, p.Images)
	return nil
}

// bytes compares the resized picture before it is normalised, or some of its lines:
// [3, height, width].
func (l *listener) bytes(img *imageproc.RGB) {
	for name, every := range map[string]int{"resized_u8": 1, "resized_u8_every8th_row": 8} {
		var got []int32
		for channel := range 3 {
			for y := 0; y < img.H; y += every {
				for x := range img.W {
					got = append(got, int32(img.Pix[3*(y*img.W+x)+channel]))
				}
			}
		}
		l.ints(name, got)
	}
}
