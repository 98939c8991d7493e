package imageproc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// maxConfigBytes bounds a preprocessor_config.json.
const maxConfigBytes = 1 << 20

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
	Pinpoints     [][]int  `json:"image_grid_pinpoints"` // heights and widths
	MinPixels     *int     `json:"min_pixels"`
	MaxPixels     *int     `json:"max_pixels"`
	PatchSize     *int     `json:"patch_size"`
	MergeSize     *int     `json:"merge_size"`
	CropToPatches *bool    `json:"crop_to_patches"`
	MinPatches    *int     `json:"min_patches"`
	MaxPatches    *int     `json:"max_patches"`
}

// size is {"height", "width"}, {"shortest_edge"} or a bare number, whose meaning
// depends on the type of processor; of Qwen2-VL's, the least and most pixels.
type size struct {
	Height   int `json:"height"`
	Width    int `json:"width"`
	Shortest int `json:"shortest_edge"`
	Longest  int `json:"longest_edge"`
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
	text, err := readConfig(fsys, name)
	if err != nil {
		return nil, err
	}
	return ParseProcessor(text)
}

// readConfig reads a file of bounded length.
func readConfig(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err == nil && len(text) > maxConfigBytes {
		err = fmt.Errorf("more than %d bytes", maxConfigBytes)
	}
	return text, err
}

// ParseProcessor is NewProcessor for the text of such a file.
func ParseProcessor(text []byte) (*Processor, error) {
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

// or returns *p, or def when p is nil.
func or[T any](p *T, def T) T {
	if p != nil {
		return *p
	}
	return def
}
