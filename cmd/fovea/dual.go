package main

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// dualFlags open a model that compares pictures with texts.
type dualFlags struct {
	modelFlags
	computeFlags
	pictureFlags
}

// dual is such a model at work.
type dual struct {
	model    *zoo.Model
	net      model.DualEncoder
	pictures pictureFlags
	ctx      tensor.Ctx
}

func (f dualFlags) openDual(g *globals) (*dual, error) {
	m, err := f.openModel()
	if err != nil {
		return nil, err
	}
	net, ok := m.Net.(model.DualEncoder)
	if !ok {
		_ = m.Close()
		return nil, fmt.Errorf("%s: a %s does not compare pictures with texts; give a --model that does, such as a CLIPModel", m.Name, m.Family.Architecture)
	}
	d := &dual{model: m, net: net, pictures: f.pictureFlags}
	d.ctx.Pool = f.pool(g, m)
	return d, nil
}

// close gives back what the model has taken.
func (d *dual) close() {
	d.ctx.Pool.Close()
	_ = d.model.Close()
}

// tokens encodes texts.
func (d *dual) tokens(texts []string) ([][]int32, error) {
	ids := make([][]int32, len(texts))
	for i, t := range texts {
		var err error
		if ids[i], err = d.model.TextIDs(d.net, t); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// embedTexts returns a vector for each text.
func (d *dual) embedTexts(ids [][]int32) *tensor.Tensor {
	d.ctx.Reset()
	x := d.net.EmbedText(&d.ctx, ids)
	return tensor.From(slices.Clone(x.F32), len(ids), x.Cols())
}

// view reads a picture file as the model sees it.
func (d *dual) view(file string) (*model.Views, error) {
	img, err := d.pictures.open(d.model, file)
	if err != nil {
		return nil, err
	}
	v, err := d.model.View(img[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return v, nil
}

// seen is what the model makes of a picture, valid until it sees another one.
type seen struct {
	vectors  *tensor.Tensor  // [vectors of a picture, width]
	features *model.Features // of a model.Matcher; nil of others
}

// see looks at a picture file.
func (d *dual) see(file string) (s seen, err error) {
	v, err := d.view(file)
	if err != nil {
		return s, err
	}
	d.ctx.Reset()
	if net, ok := d.net.(model.Matcher); ok {
		s.features = net.See(&d.ctx, v)
		s.vectors = net.EmbedSeen(&d.ctx, s.features)
	} else {
		s.vectors = d.net.EmbedImage(&d.ctx, v)
	}
	return s, nil
}

// cosine is that of a text's vector and the one of the picture's that is most like it.
func (s seen) cosine(text []float32) float32 {
	best := kernel.Dot(s.vectors.Row(0), text)
	for i := 1; i < s.vectors.Rows(); i++ {
		best = max(best, kernel.Dot(s.vectors.Row(i), text))
	}
	return best
}

// matches is the probability that each text belongs to a picture; nil for models that
// do not read a text with the picture before it.
func (d *dual) matches(s seen, ids [][]int32) []float32 {
	net, ok := d.net.(model.Matcher)
	if !ok {
		return nil
	}
	out := make([]float32, len(ids))
	for i := range ids {
		two := net.Match(&d.ctx, s.features, ids[i:i+1]).F32
		kernel.Softmax(two, two)
		out[i] = two[1]
	}
	return out
}

// pairs are the probabilities that texts and a picture belong together, by their
// embeddings; nil for models of which those tell only which text is likelier.
func (d *dual) pairs(image, texts *tensor.Tensor) []float32 {
	if _, ok := d.net.(model.PairScorer); !ok {
		return nil
	}
	out := slices.Clone(d.net.Similarity(&d.ctx, image, texts).F32)
	for i, x := range out {
		out[i] = float32(1 / (1 + math.Exp(-float64(x))))
	}
	return out
}

// pictureFiles are files, and all pictures in those that are folders.
func pictureFiles(args []string) ([]string, error) {
	var out []string
	for _, arg := range args {
		if info, err := os.Stat(arg); err != nil || !info.IsDir() {
			out = append(out, arg) // opening it tells what is wrong
			continue
		}
		before := len(out)
		err := filepath.WalkDir(arg, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && slices.Contains(pictureEndings, strings.ToLower(filepath.Ext(path))) {
				out = append(out, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(out) == before {
			return nil, fmt.Errorf("%s: no pictures in this folder (%s)", arg, strings.Join(pictureEndings, " "))
		}
	}
	return out, nil
}

// pictureEndings are the names of files that are read.
var pictureEndings = []string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
