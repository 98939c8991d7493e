package imageproc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strings"
)

// maxConfigBytes bounds a preprocessor_config.json, and maxEdge the sides it may ask for.
const (
	maxConfigBytes = 1 << 20
	maxEdge        = 1 << 14
)

var (
	clipMean, clipStd = []float64{0.48145466, 0.4578275, 0.40821073}, []float64{0.26862954, 0.26130258, 0.27577711}
	halfMean, halfStd = []float64{0.5, 0.5, 0.5}, []float64{0.5, 0.5, 0.5}
)

// config is the part of preprocessor_config.json that concerns one still picture.
type config struct {
	DoPad         *bool    `json:"do_pad"`
	DoResize      *bool    `json:"do_resize"`
	Size          *size    `json:"size"`
	CropPct       *float64 `json:"crop_pct"`
	Resample      *int     `json:"resample"`
	DoCenterCrop  *bool    `json:"do_center_crop"`
	CropSize      *size    `json:"crop_size"`
	DoRescale     *bool    `json:"do_rescale"`
	RescaleFactor *float64 `json:"rescale_factor"`
	DoNormalize   *bool    `json:"do_normalize"`
	ImageMean     triple   `json:"image_mean"`
	ImageStd      triple   `json:"image_std"`
}

// size is {"height", "width"}, {"shortest_edge"} or a bare number, whose meaning
// depends on the type of processor.
type size struct {
	Height   int `json:"height"`
	Width    int `json:"width"`
	Shortest int `json:"shortest_edge"`
	edge     int
}

func (s *size) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &s.edge) == nil {
		return nil
	}
	type plain size
	return json.Unmarshal(b, (*plain)(s))
}

// triple is one number a channel, or a single number for all.
type triple []float64

func (t *triple) UnmarshalJSON(b []byte) error {
	var one *float64
	if json.Unmarshal(b, &one) == nil && one != nil {
		*t = triple{*one, *one, *one}
		return nil
	}
	return json.Unmarshal(b, (*[]float64)(t))
}

// recipe is what a processor type of transformers does with a config.
type recipe struct {
	size, crop size // defaults
	square     bool // a bare size is a square, not the shortest edge
	crops      bool // has do_center_crop
	pads       bool // has do_pad
	convnext   bool // ConvNeXt: below 384, resize to size/crop_pct and crop
	filter     Filter
	mean, std  []float64
}

// recipes returns the known processor types, less their suffix.
func recipes() map[string]recipe {
	edge, sq := size{Shortest: 224}, size{Height: 224, Width: 224}
	return map[string]recipe{
		"CLIP":     {size: edge, crop: sq, crops: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"Bit":      {size: edge, crop: sq, crops: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"Llava":    {size: edge, crop: sq, crops: true, pads: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"Siglip":   {size: sq, square: true, filter: Bicubic, mean: halfMean, std: halfStd},
		"ViT":      {size: sq, square: true, filter: Bilinear, mean: halfMean, std: halfStd},
		"Blip":     {size: size{Height: 384, Width: 384}, square: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"ConvNext": {size: size{Shortest: 384}, convnext: true, filter: Bilinear, mean: halfMean, std: halfStd},
	}
}

// KnownTypes returns the values of image_processor_type that [NewProcessor] takes.
// FeatureExtractor in place of ImageProcessor, and the suffixes Fast and Pil, are
// understood too.
func KnownTypes() []string {
	var names []string
	for name := range recipes() {
		names = append(names, name+"ImageProcessor")
	}
	slices.Sort(names)
	return names
}

// NewProcessor reads a preprocessor_config.json, or a processor_config.json that
// holds the same under "image_processor" (transformers 5).
//
// A processor of the "fast" types resizes as Pillow does, which differs from
// torchvision by up to 4 of 255.
func NewProcessor(fsys fs.FS, name string) (*Processor, error) {
	p, err := readProcessor(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("imageproc: %s: %w", name, err)
	}
	return p, nil
}

// OpenProcessor reads the processor of a checkpoint directory, from whichever of
// preprocessor_config.json and processor_config.json holds it.
func OpenProcessor(fsys fs.FS) (*Processor, error) {
	p, err := NewProcessor(fsys, "preprocessor_config.json")
	if errors.Is(err, fs.ErrNotExist) {
		if q, err2 := NewProcessor(fsys, "processor_config.json"); !errors.Is(err2, fs.ErrNotExist) {
			return q, err2
		}
	}
	return p, err
}

func readProcessor(fsys fs.FS, name string) (*Processor, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxConfigBytes {
		return nil, fmt.Errorf("more than %d bytes", maxConfigBytes)
	}
	return parseProcessor(text)
}

func parseProcessor(text []byte) (*Processor, error) {
	var head struct {
		Nested  json.RawMessage `json:"image_processor"`
		Type    string          `json:"image_processor_type"`
		OldType string          `json:"feature_extractor_type"`
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, err
	}
	if head.Nested != nil {
		text = head.Nested
		if err := json.Unmarshal(text, &head); err != nil {
			return nil, fmt.Errorf("image_processor: %w", err)
		}
	}
	kind := head.Type
	if kind == "" {
		kind = head.OldType
	}
	if kind == "" {
		return nil, errors.New("neither image_processor_type nor feature_extractor_type is given")
	}
	r, ok := findRecipe(kind)
	if !ok {
		return nil, fmt.Errorf("unknown image processor type %q; known: %s", kind, strings.Join(KnownTypes(), ", "))
	}
	var c config
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	p, err := r.build(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return p, nil
}

func findRecipe(kind string) (recipe, bool) {
	kind = strings.TrimSuffix(strings.TrimSuffix(kind, "Fast"), "Pil")
	for _, suffix := range []string{"ImageProcessor", "FeatureExtractor"} {
		if name, ok := strings.CutSuffix(kind, suffix); ok {
			r, ok := recipes()[name]
			return r, ok
		}
	}
	return recipe{}, false
}

// build turns a config into a processor; what the config leaves out is the type's default.
func (r recipe) build(c config) (*Processor, error) {
	norm, err := r.normalize(c)
	if err != nil {
		return nil, err
	}
	filter := r.filter
	if c.Resample != nil {
		if *c.Resample < 0 || *c.Resample > 5 {
			return nil, fmt.Errorf("resample is %d, want 0 to 5", *c.Resample)
		}
		filter = Filter(*c.Resample)
	}
	var steps []Step
	if r.pads && or(c.DoPad, false) {
		mean := r.mean
		if c.ImageMean != nil {
			mean = c.ImageMean
		}
		steps = append(steps, PadSquare{byteColor(mean)})
	}
	if or(c.DoResize, true) {
		resize, err := r.resize(c, filter)
		if err != nil {
			return nil, err
		}
		steps = append(steps, resize...)
	}
	if r.crops && or(c.DoCenterCrop, true) {
		s, err := or(c.CropSize, r.crop).fixed("crop_size")
		if err != nil {
			return nil, err
		}
		steps = append(steps, CenterCrop{s.Width, s.Height})
	}
	return NewPipeline(norm, steps...), nil
}

// resize returns the steps that do_resize stands for.
func (r recipe) resize(c config, f Filter) ([]Step, error) {
	s := or(c.Size, r.size)
	if s.edge != 0 && !r.square {
		s = size{Shortest: s.edge}
	}
	if s.Shortest == 0 || r.square {
		s, err := s.fixed("size")
		return []Step{ResizeTo{s.Width, s.Height, f}}, err
	}
	if err := checkEdge("size.shortest_edge", s.Shortest); err != nil {
		return nil, err
	}
	if !r.convnext {
		return []Step{ResizeShortest{s.Shortest, f}}, nil
	}
	if s.Shortest >= 384 {
		return []Step{ResizeTo{s.Shortest, s.Shortest, f}}, nil
	}
	pct := or(c.CropPct, 224.0/256)
	if !(pct > 0.01 && pct <= 1) {
		return nil, fmt.Errorf("crop_pct is %g, want more than 0.01 and at most 1", pct)
	}
	edge := int(float64(s.Shortest) / pct)
	return []Step{ResizeShortest{edge, f}, CenterCrop{s.Shortest, s.Shortest}}, nil
}

// normalize returns the numeric stage.
func (r recipe) normalize(c config) (Normalize, error) {
	var n Normalize
	if or(c.DoRescale, true) {
		n.Rescale = or(c.RescaleFactor, 1.0/255)
		if v := float32(n.Rescale * 255); v == 0 || math.IsInf(float64(v), 0) {
			return n, fmt.Errorf("rescale_factor is %g", n.Rescale)
		}
	}
	if !or(c.DoNormalize, true) {
		return n, nil
	}
	mean, std := r.mean, r.std
	if c.ImageMean != nil {
		mean = c.ImageMean
	}
	if c.ImageStd != nil {
		std = c.ImageStd
	}
	if len(mean) != 3 || len(std) != 3 {
		return n, fmt.Errorf("image_mean has %d and image_std %d values, want 3", len(mean), len(std))
	}
	for i := range 3 {
		m, s := float32(mean[i]), float32(std[i])
		if math.IsInf(float64(m), 0) || math.IsInf(float64(s), 0) || s == 0 {
			return n, fmt.Errorf("image_mean %g with image_std %g cannot normalise channel %d", mean[i], std[i], i)
		}
	}
	n.Mean, n.Std = [3]float64(mean), [3]float64(std)
	return n, nil
}

// fixed returns s as a height and a width, or an error that names the field.
func (s size) fixed(field string) (size, error) {
	if s.edge != 0 {
		s = size{Height: s.edge, Width: s.edge}
	}
	if err := checkEdge(field+".height", s.Height); err != nil {
		return s, err
	}
	return s, checkEdge(field+".width", s.Width)
}

func checkEdge(field string, n int) error {
	if n < 1 || n > maxEdge {
		return fmt.Errorf("%s is %d, want 1 to %d", field, n, maxEdge)
	}
	return nil
}

// byteColor returns int(255*mean) of each channel, as LLaVA's padding has it.
func byteColor(mean []float64) (c Color) {
	for i := range min(len(mean), 3) {
		c[i] = uint8(min(max(mean[i]*255, 0), 255))
	}
	return c
}

// or returns *p, or def when p is nil.
func or[T any](p *T, def T) T {
	if p != nil {
		return *p
	}
	return def
}
