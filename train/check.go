package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func (r *Recipe) check() error {
	switch {
	case r.Output == "":
		return errors.New("output is missing")
	case len(r.Stages) == 0:
		return errors.New("stages is empty")
	case r.Save < 1:
		return fmt.Errorf("save_every is %d", r.Save)
	case r.Keep < 1:
		return fmt.Errorf("keep is %d", r.Keep)
	case !slices.Contains([]string{"F32", "BF16", "F16"}, r.DType):
		return fmt.Errorf("dtype %q, want F32, BF16 or F16", r.DType)
	case !slices.Contains([]string{"", "F32", "BF16"}, r.Compute):
		return fmt.Errorf("compute %q, want F32 or BF16", r.Compute)
	case (r.Model.From == "") == (r.Model.Config == nil):
		return errors.New("model needs either from or config")
	case !(r.Model.Init.Whiten >= 0):
		return fmt.Errorf("init: whiten is %v, want a variance above 0, or 0", r.Model.Init.Whiten)
	}
	if r.Watch != nil {
		if err := r.Watch.check(); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	for i := range r.Stages {
		if err := r.Stages[i].check(); err != nil {
			return fmt.Errorf("stage %d (%s): %w", i+1, r.Stages[i].Name, err)
		}
	}
	return nil
}

// Parts are the names that Stage.Train and Stage.LRScale may use.
var Parts = []string{"vision", "adapter", "language"}

func checkPart(name string) error {
	if !slices.Contains(Parts, name) {
		return fmt.Errorf("no part %q, want some of %s", name, strings.Join(Parts, ", "))
	}
	return nil
}

func (s *Stage) fillDefaults() {
	if s.Accumulate == 0 {
		s.Accumulate = 1
	}
	if s.Optimizer == "" {
		s.Optimizer = "adamw"
	}
	if s.Betas == [2]float64{} {
		s.Betas = [2]float64{0.9, 0.999}
	}
	if s.Eps == 0 {
		s.Eps = 1e-8
	}
}

// mostSteps keeps the numbers of samples and steps far from overflow.
const mostSteps = 1 << 30

func (s *Stage) check() error {
	s.fillDefaults()
	switch {
	case len(s.Data) == 0:
		return errors.New("data is empty")
	case len(s.Train) == 0:
		return fmt.Errorf("train is empty, want some of %s", strings.Join(Parts, ", "))
	case (s.Steps > 0) == (s.Epochs > 0) || s.Steps < 0 || s.Epochs < 0:
		return errors.New("want either steps or epochs")
	case s.Steps > mostSteps || s.Epochs > mostSteps:
		return fmt.Errorf("steps %d, epochs %v: at most %d", s.Steps, s.Epochs, mostSteps)
	case s.Batch < 1 || s.Accumulate < 1 || s.Batch > 1<<20 || s.Accumulate > 1<<20:
		return fmt.Errorf("batch %d, accumulate %d", s.Batch, s.Accumulate)
	case s.MaxTokens < 0:
		return fmt.Errorf("max_tokens is %d", s.MaxTokens)
	}
	if err := s.checkOptimizer(); err != nil {
		return err
	}
	for _, p := range s.Train {
		if err := checkPart(p); err != nil {
			return fmt.Errorf("train: %w", err)
		}
	}
	for i := range s.Data {
		if err := s.Data[i].check(); err != nil {
			return fmt.Errorf("data %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *Stage) checkOptimizer() error {
	switch {
	case s.Optimizer != "adamw" && s.Optimizer != "muon":
		return fmt.Errorf("optimizer %q, want adamw or muon", s.Optimizer)
	case !(s.LR > 0) || s.MinLR < 0 || s.MinLR > s.LR:
		return fmt.Errorf("lr %v, min_lr %v", s.LR, s.MinLR)
	case s.Warmup < 0 || s.Warmup > 1:
		return fmt.Errorf("warmup is %v, want a share of the steps, 0 to 1", s.Warmup)
	case s.Decay < 0 || s.Clip < 0 || s.Eps < 0:
		return fmt.Errorf("weight_decay %v, clip %v, eps %v", s.Decay, s.Clip, s.Eps)
	case !(s.Betas[0] >= 0 && s.Betas[0] < 1 && s.Betas[1] >= 0 && s.Betas[1] < 1):
		return fmt.Errorf("betas are %v, want 0 to 1", s.Betas)
	}
	for part, f := range s.LRScale {
		if err := checkPart(part); err != nil {
			return fmt.Errorf("lr_scale: %w", err)
		}
		if f < 0 {
			return fmt.Errorf("lr_scale: %s is %v", part, f)
		}
	}
	return nil
}

func (s Source) check() error {
	switch s.Format {
	case "scenes":
		if s.Count < 1 {
			return fmt.Errorf("scenes: count is %d", s.Count)
		}
	case "easy-vqa", "llava":
		if s.Path == "" {
			return fmt.Errorf("%s: path is missing", s.Format)
		}
	default:
		return fmt.Errorf("format %q, want scenes, easy-vqa or llava", s.Format)
	}
	switch {
	case s.Format == "llava" && s.Types != nil:
		return errors.New("llava: types are for scenes and easy-vqa, whose questions have kinds")
	case s.Ask < 0 || s.Augment.Shift < 0:
		return fmt.Errorf("ask %d, shift %d", s.Ask, s.Augment.Shift)
	}
	return nil
}
