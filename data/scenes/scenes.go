// Package scenes draws pictures of simple coloured shapes and asks questions about
// them in English and Chinese, with the truth known: enough to train and to measure
// a small vision-language model without any file.
//
// A scene is a pure function of (split, seed, index, options). Layout and rendering use
// integers only, and the random numbers come from PCG with a reduction of our own, so
// pictures and questions are the same to the bit on every platform and Go version, and
// scene i never depends on the scenes before it.
//
// Splits are namespaces of seeds: seed 7 of "train" and seed 7 of "eval" share no scene.
// Train on the split [Train] and measure on [Eval]; any other name opens a new namespace.
//
// The idea follows CLEVR (Johnson et al., 2017, arXiv:1612.06890), in two dimensions.
package scenes

import (
	"fmt"
	"image"
	"slices"
)

// Unit is the number of layout units along a side of the picture. Centres and extents
// are in units, so one scene looks the same at every picture size.
const Unit = 1024

// Names of the two usual splits.
const (
	Train = "train"
	Eval  = "eval"
)

// Limits of [Options.Side] in pixels.
const (
	MinSide = 64
	MaxSide = 512
)

// Options choose what a scene looks like and what is asked about it. The zero value
// is ready to use.
type Options struct {
	Split     string // namespace of the seed; "" means Train
	Side      int    // pixels; 0 means 128
	Questions int    // exact number of questions per scene; 0 means 12
	Langs     []Lang // languages, taking turns; nil means all of [Langs]
	Types     []Type // kinds of questions; nil means all of [Types]
	Objects   int    // most objects in a scene, for easy beginnings; 0 means 5
}

// MaxQuestions is the largest [Options.Questions].
const MaxQuestions = 64

// Check reports the first option out of range.
func (o Options) Check() error {
	if o.Side != 0 && (o.Side < MinSide || o.Side > MaxSide) {
		return fmt.Errorf("scenes: side %d, want %d to %d pixels", o.Side, MinSide, MaxSide)
	}
	if o.Questions < 0 || o.Questions > MaxQuestions {
		return fmt.Errorf("scenes: %d questions, want 1 to %d", o.Questions, MaxQuestions)
	}
	if o.Objects < 0 || o.Objects > len(countWeights) {
		return fmt.Errorf("scenes: %d objects, want 1 to %d", o.Objects, len(countWeights))
	}
	for _, l := range o.Langs {
		if !slices.Contains(Langs(), l) {
			return fmt.Errorf("scenes: unknown language %q, want one of %q", l, Langs())
		}
	}
	for _, t := range o.Types {
		if !slices.Contains(Types(), t) {
			return fmt.Errorf("scenes: unknown question type %q, want one of %q", t, Types())
		}
	}
	return nil
}

// WithDefaults returns o with every zero field filled in.
func (o Options) WithDefaults() Options {
	if o.Split == "" {
		o.Split = Train
	}
	if o.Side == 0 {
		o.Side = 128
	}
	if o.Questions == 0 {
		o.Questions = 12
	}
	if o.Objects == 0 {
		o.Objects = len(countWeights)
	}
	if len(o.Langs) == 0 {
		o.Langs = Langs()
	}
	if len(o.Types) == 0 {
		o.Types = Types()
	}
	return o
}

// Scene is one picture with its truth. The picture itself is drawn by [Scene.Image].
type Scene struct {
	ID        string     `json:"id"`
	Side      int        `json:"side"` // pixels
	Objects   []Object   `json:"objects"`
	Questions []Question `json:"questions"`

	ground ground
	key    key
}

// Object is one shape in a scene.
type Object struct {
	Shape  Shape  `json:"shape"`
	Colour Colour `json:"colour"`
	Size   Size   `json:"size"`
	Box    [4]int `json:"box"`    // x0, y0, x1, y1 in pixels; x1 and y1 are exclusive
	Centre [2]int `json:"centre"` // x, y of the middle of the box, in units
	Extent int    `json:"extent"` // side of the square that the shape is drawn in, in units

	paint rgb
}

// Generate returns scene number index of the seed. It panics if [Options.Check] fails
// or index is negative.
func Generate(seed uint64, index int, opts Options) *Scene {
	if err := opts.Check(); err != nil {
		panic(err)
	}
	if index < 0 {
		panic(fmt.Sprintf("scenes: index %d is negative", index))
	}
	opts = opts.WithDefaults()
	key := newKey(seed, opts.Split, index)
	// A scene of one object has no relations: if nothing else may be asked, draw again.
	for attempt := uint64(0); ; attempt++ {
		objects := layout(key.source(streamLayout, attempt), opts.Side, opts.Objects)
		questions, ok := ask(key, attempt, objects, opts)
		if !ok {
			continue
		}
		return &Scene{
			ID:        fmt.Sprintf("%s-%d-%06d", opts.Split, seed, index),
			Side:      opts.Side,
			Objects:   objects,
			Questions: questions,
			ground:    newGround(key.source(streamGround, attempt), objects),
			key:       key,
		}
	}
}

// Image draws the scene, opaque, Side by Side pixels.
func (s *Scene) Image() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, s.Side, s.Side))
	s.ground.fill(img)
	for _, o := range s.Objects {
		drawObject(img, o)
	}
	return img
}
