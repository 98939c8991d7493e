package golden

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
)

// Stages are the intermediate results of one case or picture, by the names
// under which a model reports them (tensor.Ctx.Observe): "vision.hidden.3".
type Stages struct {
	prefix  string // "case0."
	tensors *checkpoint.Checkpoint
	names   []string
}

func newStages(tensors *checkpoint.Checkpoint, prefix string) Stages {
	s := Stages{prefix: prefix, tensors: tensors}
	for _, name := range tensors.Names() {
		if stage, ok := strings.CutPrefix(name, prefix); ok {
			s.names = append(s.names, stage)
		}
	}
	slices.SortFunc(s.names, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), compareNumbered(a, b))
	})
	return s
}

// Names lists the stages in the order in which a model passes through them.
func (s Stages) Names() []string { return s.names }

// Has reports whether there is a stage.
func (s Stages) Has(stage string) bool { return slices.Contains(s.names, stage) }

// Floats returns the elements and the shape of a stage of floating-point
// numbers. They are read-only and valid until Close.
func (s Stages) Floats(stage string) ([]float32, []int, error) {
	v, err := s.tensors.Floats(s.prefix + stage)
	info, _ := s.tensors.Info(s.prefix + stage)
	return v, info.Shape, err
}

// Ints returns the elements and the shape of a stage of integers.
func (s Stages) Ints(stage string) ([]int64, []int, error) {
	v, err := s.tensors.Ints(s.prefix + stage)
	info, _ := s.tensors.Info(s.prefix + stage)
	return v, info.Shape, err
}

// IsInt reports whether a stage is to be read by Ints, not by Floats.
func (s Stages) IsInt(stage string) bool {
	info, ok := s.tensors.Info(s.prefix + stage)
	return ok && !info.DType.Float() && info.DType != kernel.F64
}

// passage is the way through a model, by the beginnings of stage names. The
// empty one stands for all that have no place of their own.
var passage = []string{
	"input_ids", "attention_mask", "position_ids", "rope_deltas", "decoder_input_ids", "qformer_", "image_sizes", "image_grid_thw", "video_grid_thw",
	"resized", "pixel_values",
	"ln_pre", "hidden.", "last_hidden_state", "pooler_output",
	"visual.window_index", "visual.cu_window_seqlens", "visual.patch_embed", "visual.block.", "visual.deepstack.", "visual.out",
	"vision.", "vit_out", "clip", "convnext", "dinov2", "qformer", "",
	"text.", "image_embeds", "text_embeds", "question_embeds", "projected", "resampler", "features", "visual_tokens", "image_features",
	"lm.", "logits", "sequence_logits", "step_logits", "generated",
}

// Known reports whether a stage is one of those that models report. Others are
// sorted in the middle.
func Known(stage string) bool { return passage[rank(stage)] != "" }

// rank is the index in passage of the longest beginning of a stage.
func rank(stage string) int {
	best := slices.Index(passage, "")
	for i, p := range passage {
		if strings.HasPrefix(stage, p) && len(p) > len(passage[best]) {
			best = i
		}
	}
	return best
}

// compareNumbered orders hidden.2 before hidden.10.
func compareNumbered(a, b string) int {
	i := strings.LastIndexByte(a, '.') + 1
	if j := strings.LastIndexByte(b, '.') + 1; i == j && a[:i] == b[:j] && isNumber(a[i:]) && isNumber(b[j:]) {
		return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
	}
	return strings.Compare(a, b)
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
