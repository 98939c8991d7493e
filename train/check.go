package train

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/data"
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
	case r.Model.LoRA == nil && (r.Model.Quant != "" || r.Model.Merge):
		return errors.New("model: quant and merge are for lora")
	case r.Model.LoRA != nil && r.Model.From == "":
		return errors.New("model: lora: updates of low rank need a model to begin with: from")
	case r.Model.LoRA != nil && len(r.Model.Load) > 0:
		return errors.New("model: lora and load: updates need one checkpoint below them; make it by a run of load alone")
	case !(r.Model.Init.Whiten >= 0):
		return fmt.Errorf("init: whiten is %v, want a variance above 0, or 0", r.Model.Init.Whiten)
	}
	for i := range r.Model.Load {
		if err := r.Model.Load[i].check(); err != nil {
			return fmt.Errorf("model: load %d: %w", i+1, err)
		}
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

func (s *Stage) fillDefaults() {
	if s.Accumulate == 0 {
		s.Accumulate = 1
	}
	if s.Optimizer == "" {
		s.Optimizer = "adamw"
	}
	if s.Loss == "preferences" && s.Beta == 0 {
		s.Beta = 0.1
	}
	if s.Schedule == "" {
		s.Schedule = "cosine"
	}
	if s.Pack != nil {
		s.Batch = max(1, s.Batch)
		if s.Pack.Pool == 0 {
			s.Pack.Pool = 64
		}
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
	case !slices.Contains([]string{"", "answers", "pairs", "preferences"}, s.Loss):
		return fmt.Errorf("loss %q, want answers, pairs or preferences", s.Loss)
	case s.Loss == "preferences" && s.Pack != nil:
		return errors.New("loss: preferences: two answers are compared, and not packed: it needs batch")
	case s.Loss != "preferences" && s.Beta != 0 || !(s.Beta >= 0):
		return fmt.Errorf("beta is %v: it is a number above 0, for the loss preferences", s.Beta)
	case s.Loss != "preferences" && s.Supervised != 0 || !(s.Supervised >= 0):
		return fmt.Errorf("supervised is %v: it is a number from 0 on, for the loss preferences", s.Supervised)
	case s.Loss == "pairs" && (s.Pack != nil || s.Batch < 2):
		return errors.New("loss: pairs: pairs are told from others of their batch: it needs batch, of 2 or more, and no pack")
	case s.Pack != nil && s.Batch > 1:
		return errors.New("want either batch or pack")
	case s.Pack != nil && s.Steps == 0:
		return errors.New("pack needs steps: how many sequences an epoch makes is not known before")
	case s.Pack != nil && (s.Pack.Tokens < 1 || s.Pack.Tiles < 0 || s.Pack.Pool < 1 || s.Pack.Pool > 1<<16):
		return fmt.Errorf("pack: tokens %d, tiles %d, pool %d", s.Pack.Tokens, s.Pack.Tiles, s.Pack.Pool)
	case !slices.Contains([]string{"", "source", "type", "modality", "length"}, s.Alike):
		return fmt.Errorf("alike %q, want source, type, modality or length", s.Alike)
	case s.Pack != nil && s.Alike == "length":
		return errors.New("alike: length: sequences that are packed full are of one length anyway")
	case s.Batch < 1 || s.Accumulate < 1 || s.Batch > 1<<20 || s.Accumulate > 1<<20:
		return fmt.Errorf("batch %d, accumulate %d", s.Batch, s.Accumulate)
	case s.MaxTokens < 0:
		return fmt.Errorf("max_tokens is %d", s.MaxTokens)
	}
	if err := s.checkOptimizer(); err != nil {
		return err
	}
	if err := errors.Join(s.checkSelection(), s.checkMeasures()); err != nil {
		return err
	}
	if s.Validate != nil {
		if err := s.Validate.check(); err != nil {
			return fmt.Errorf("validate: %w", err)
		}
	}
	weighted := 0
	for i := range s.Data {
		if err := s.Data[i].check(); err != nil {
			return fmt.Errorf("data %d: %w", i+1, err)
		}
		if s.Data[i].Weight > 0 {
			weighted++
		}
	}
	if weighted != 0 && weighted != len(s.Data) {
		return fmt.Errorf("data: %d of %d sources have a weight, want all or none", weighted, len(s.Data))
	}
	return nil
}

func (s *Stage) checkSelection() error {
	for _, list := range []struct {
		name     string
		patterns []string
	}{{"train", s.Train}, {"freeze", s.Freeze}} {
		if err := checkPatterns(list.patterns); err != nil {
			return fmt.Errorf("%s: %w", list.name, err)
		}
	}
	for i, g := range s.Groups {
		err := checkPatterns(g.Params)
		switch {
		case err != nil:
		case len(g.Params) == 0:
			err = errors.New("params is empty")
		case g.LR != nil && !(*g.LR >= 0) || g.Decay != nil && !(*g.Decay >= 0):
			err = errors.New("lr and weight_decay cannot be negative")
		case !(g.LayerDecay >= 0 && g.LayerDecay <= 1):
			err = fmt.Errorf("layer_decay is %v, want 0 to 1", g.LayerDecay)
		}
		if err != nil {
			return fmt.Errorf("group %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *Stage) checkOptimizer() error {
	switch {
	case !slices.Contains([]string{"adamw", "muon", "adafactor"}, s.Optimizer):
		return fmt.Errorf("optimizer %q, want adamw, muon or adafactor", s.Optimizer)
	case !(s.LR > 0) || s.MinLR < 0 || s.MinLR > s.LR:
		return fmt.Errorf("lr %v, min_lr %v", s.LR, s.MinLR)
	case s.Warmup < 0 || s.Warmup > 1:
		return fmt.Errorf("warmup is %v, want a share of the steps, 0 to 1", s.Warmup)
	case s.WarmupSteps < 0 || s.WarmupSteps > mostSteps || !(s.WarmupEpochs >= 0 && s.WarmupEpochs <= mostSteps):
		return fmt.Errorf("warmup_steps %d, warmup_epochs %v", s.WarmupSteps, s.WarmupEpochs)
	case s.Warmup > 0 && s.WarmupSteps > 0 || s.Warmup > 0 && s.WarmupEpochs > 0 || s.WarmupSteps > 0 && s.WarmupEpochs > 0:
		return errors.New("want one of warmup, warmup_steps and warmup_epochs")
	case !slices.Contains([]string{"cosine", "linear", "constant"}, s.Schedule):
		return fmt.Errorf("schedule %q, want cosine, linear or constant", s.Schedule)
	case s.Decay < 0 || s.Clip < 0 || s.Eps < 0:
		return fmt.Errorf("weight_decay %v, clip %v, eps %v", s.Decay, s.Clip, s.Eps)
	case !(s.EMA >= 0 && s.EMA < 1):
		return fmt.Errorf("ema is %v, want a decay of 0 to 1, such as 0.999", s.EMA)
	case s.Diverge != nil && *s.Diverge != 0 && !(*s.Diverge > 1):
		return fmt.Errorf("diverge is %v, want a number above 1, or 0", *s.Diverge)
	case !(s.Betas[0] >= 0 && s.Betas[0] < 1 && s.Betas[1] >= 0 && s.Betas[1] < 1):
		return fmt.Errorf("betas are %v, want 0 to 1", s.Betas)
	}
	return nil
}

// fileFormats are the formats of data in files; "file" is found out.
func fileFormats() []string {
	names := []string{"file", "easy-vqa", "passages", "interleaved"}
	for _, f := range data.Formats() {
		names = append(names, f.Name)
	}
	return names
}

func (s Source) check() error {
	switch s.Format {
	case "scenes":
		if s.Count < 1 {
			return fmt.Errorf("scenes: count is %d", s.Count)
		}
	default:
		if !slices.Contains(fileFormats(), s.Format) {
			return fmt.Errorf("format %q; the nearest known is %s", s.Format, nearest(s.Format, append(fileFormats(), "scenes")))
		}
		if s.Path == "" {
			return fmt.Errorf("%s: path is missing", s.Format)
		}
	}
	switch {
	case s.Format == "interleaved" && s.Count < 1:
		return fmt.Errorf("interleaved: count is %d", s.Count)
	case s.Types != nil && !slices.Contains([]string{"scenes", "interleaved", "easy-vqa", "file", "swift", "webdataset"}, s.Format):
		return fmt.Errorf("%s: types are for scenes and easy-vqa, whose questions have kinds", s.Format)
	case s.Rejected && s.Format != "scenes":
		return fmt.Errorf("%s: rejected is for scenes; other data has such answers or not", s.Format)
	case !(s.Weight >= 0 && s.Weight <= 1e9):
		return fmt.Errorf("weight is %v", s.Weight)
	case s.Ask < 0 || s.Augment.Shift < 0:
		return fmt.Errorf("ask %d, shift %d", s.Ask, s.Augment.Shift)
	}
	return nil
}
