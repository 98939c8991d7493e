package imageproc

import (
	"fmt"
	"math"
	"strings"
)

// maxEdge bounds the sides that a config may ask for.
const maxEdge = 1 << 14

var (
	clipMean, clipStd = []float64{0.48145466, 0.4578275, 0.40821073}, []float64{0.26862954, 0.26130258, 0.27577711}
	halfMean, halfStd = []float64{0.5, 0.5, 0.5}, []float64{0.5, 0.5, 0.5}
)

// CLIPNormalize is how CLIP's pictures are normalised, and those of many after it.
func CLIPNormalize() Normalize {
	return Normalize{Rescale: 1.0 / 255, Mean: [3]float64(clipMean), Std: [3]float64(clipStd)}
}

// recipe is what a processor type of transformers does with a config.
type recipe struct {
	size, crop size           // defaults
	square     bool           // a bare size is a square, not the shortest edge
	crops      bool           // has do_center_crop
	pads       bool           // has do_pad, which makes pictures square
	tiles      func() [][]int // default heights and widths of pictures that are cut into tiles; nil if none are
	dynamic    bool           // Qwen2-VL: pictures keep their size as far as patches allow
	patches    bool           // has crop_to_patches: InternVL's tiles
	convnext   bool           // ConvNeXt: below 384, resize to size/crop_pct and crop
	filter     Filter
	mean, std  []float64
}

// recipes returns the known processor types, less their suffix.
func recipes() map[string]recipe {
	edge, sq := size{Shortest: 224}, size{Height: 224, Width: 224}
	return map[string]recipe{
		"CLIP":           {size: edge, crop: sq, crops: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"Bit":            {size: edge, crop: sq, crops: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"Llava":          {size: edge, crop: sq, crops: true, pads: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"LlavaNext":      {size: edge, crop: sq, crops: true, tiles: nextSizes, filter: Bicubic, mean: clipMean, std: clipStd},
		"LlavaOnevision": {size: size{Height: 384, Width: 384}, square: true, tiles: onevisionSizes, filter: Bicubic, mean: clipMean, std: clipStd},
		"Siglip":         {size: sq, square: true, filter: Bicubic, mean: halfMean, std: halfStd},
		"ViT":            {size: sq, square: true, filter: Bilinear, mean: halfMean, std: halfStd},
		"Blip":           {size: size{Height: 384, Width: 384}, square: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"Qwen2VL":        {dynamic: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"Qwen2_5_VL":     {dynamic: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"GotOcr2":        {size: size{Height: 384, Width: 384}, square: true, patches: true, filter: Bicubic, mean: clipMean, std: clipStd},
		"ConvNext":       {size: size{Shortest: 384}, convnext: true, filter: Bilinear, mean: halfMean, std: halfStd},
	}
}

// findRecipe looks a processor type up under any of its names.
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
	if r.dynamic {
		step, err := r.smart(c, filter)
		return NewPipeline(norm, step), err
	}
	if r.patches && or(c.CropToPatches, false) {
		return r.dynamicTiles(c, filter, norm)
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
	if r.tiles != nil {
		return r.tile(c, filter, norm, steps)
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
