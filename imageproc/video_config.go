package imageproc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// VideoRecipe is how a family sees videos, as far as no file says it.
type VideoRecipe struct {
	name   string // of the processor type, less its suffix
	frames recipe
	rule   SamplingRule
	span   int
	shared bool
	tokens int // of all frames together, which bound the area of one; 0: they do not
}

// Qwen2Video is that of Qwen2-VL and Qwen2.5-VL, whose authors' qwen_vl_utils choose
// the frames and bound their area.
func Qwen2Video() VideoRecipe {
	return VideoRecipe{
		name: "Qwen2VL", frames: recipe{dynamic: true, filter: Bicubic, mean: clipMean, std: clipStd}, span: 2,
		rule: SamplingRule{FPS: 2, Least: 4, Most: 768, Multiple: 2, Single: true, Assumed: 2}, tokens: 128000 * 9 / 10,
	}
}

// Qwen3Video is that of Qwen3-VL.
func Qwen3Video() VideoRecipe {
	return VideoRecipe{
		name: "Qwen3VL", frames: recipe{dynamic: true, filter: Bicubic, mean: halfMean, std: halfStd}, span: 2,
		rule: SamplingRule{FPS: 2, Least: 4, Most: 768, Assumed: 2}, shared: true,
	}
}

// OneVisionVideo is that of LLaVA-OneVision, whose authors take up to 32 frames.
func OneVisionVideo() VideoRecipe {
	return VideoRecipe{
		name: "LlavaOnevision", frames: recipe{size: size{Height: 384, Width: 384}, square: true, filter: Bicubic, mean: clipMean, std: clipStd}, span: 1,
		rule: SamplingRule{Most: 32, Truncate: true, Assumed: 1},
	}
}

// The tokens that a frame of Qwen2-VL takes at least and at most where no file of the
// checkpoint is about videos.
const leastFrameTokens, mostFrameTokens = 128, 768

// OpenVideoProcessor reads the video processor of a checkpoint directory. Without a
// file of its own it is what the picture processor's makes of frames.
func OpenVideoProcessor(fsys fs.FS, r VideoRecipe) (*VideoProcessor, error) {
	text, name, err := videoConfig(fsys)
	if err != nil {
		return nil, err
	}
	own := text != nil
	if !own {
		if text, name, err = pictureConfig(fsys); err != nil {
			return nil, fmt.Errorf("imageproc: %s: %w", name, err)
		}
	}
	p, err := r.build(text, own)
	if err != nil {
		return nil, fmt.Errorf("imageproc: %s: %w", name, err)
	}
	return p, nil
}

// videoConfig is the text that is about videos in whichever file has it; nil: none.
func videoConfig(fsys fs.FS) (text []byte, name string, err error) {
	for _, name := range []string{"video_preprocessor_config.json", "video_processor/preprocessor_config.json"} {
		if text, err := readConfig(fsys, name); !errors.Is(err, fs.ErrNotExist) {
			return text, name, err
		}
	}
	name = "processor_config.json"
	text, err = readConfig(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, name, nil
	}
	if err != nil {
		return nil, name, err
	}
	var f struct {
		Video json.RawMessage `json:"video_processor"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, name, fmt.Errorf("imageproc: %s: %w", name, err)
	}
	return f.Video, name, nil
}

// pictureConfig is that of the picture processor.
func pictureConfig(fsys fs.FS) (text []byte, name string, err error) {
	name = "preprocessor_config.json"
	text, err = readConfig(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		name = "processor_config.json"
		text, err = readConfig(fsys, name)
	}
	if err != nil {
		return nil, name, err
	}
	var f struct {
		Nested json.RawMessage `json:"image_processor"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, name, err
	}
	if f.Nested != nil {
		text = f.Nested
	}
	return text, name, nil
}

// build makes the processor of a config; own says that it is about videos.
func (r VideoRecipe) build(text []byte, own bool) (*VideoProcessor, error) {
	var c struct {
		config
		Sample *float64 `json:"fps"`
		Least  *int     `json:"min_frames"`
		Most   *int     `json:"max_frames"`
		Span   *int     `json:"temporal_patch_size"`
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	frames, err := r.frames.build(c.config)
	if err != nil {
		return nil, err
	}
	p := r.of(frames, own)
	if s := or(c.Span, r.span); r.span > 1 && s != r.span {
		return nil, fmt.Errorf("temporal_patch_size is %d, want %d", s, r.span)
	}
	if own {
		p.Rule.FPS, p.Rule.Least, p.Rule.Most = or(c.Sample, r.rule.FPS), or(c.Least, r.rule.Least), or(c.Most, r.rule.Most)
	}
	if q := p.Rule; !(q.FPS >= 0 && q.FPS <= maxRate) || q.Least < 0 || q.Most < max(q.Least, 1, q.Multiple) || q.Most > maxFrames {
		return nil, fmt.Errorf("fps %g, min_frames %d, max_frames %d", q.FPS, q.Least, q.Most)
	}
	return p, nil
}

// Of is the video processor of a model whose files are not about videos, nor about
// more of pictures than a pipeline that resizes them.
func (r VideoRecipe) Of(pictures *Processor) *VideoProcessor { return r.of(pictures, false) }

// of sees videos through a pipeline of frames, within bounds that are about videos or
// about pictures.
func (r VideoRecipe) of(frames *Processor, own bool) *VideoProcessor {
	p := &VideoProcessor{Rule: r.rule, Span: r.span, frames: frames, budget: budget{shared: r.shared}}
	s, ok := frames.Smart()
	if !ok || r.tokens == 0 {
		return p
	}
	token := s.Factor * s.Factor
	p.budget.total = r.tokens * token
	if least := leastFrameTokens * token; !own && s.Min <= least && least <= s.Max {
		s.Min = least
	}
	if !own {
		s.Max = min(s.Max, mostFrameTokens*token)
	}
	p.frames = NewPipeline(frames.norm, s)
	return p
}
