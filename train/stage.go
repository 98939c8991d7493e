package train

import "encoding/json"

// Stage is one phase of training.
type Stage struct {
	Name   string   `json:"name"`
	Train  []string `json:"train"`            // what learns: parts (vision, adapter, language) or globs of parameters' names
	Freeze []string `json:"freeze,omitempty"` // what of that does not
	Groups []Group  `json:"groups,omitempty"` // rates and decay of their own; of those that fit, the first counts

	Data       []Source        `json:"data"`
	Alike      string          `json:"alike,omitempty"`      // what samples that run together have in common: source, type, modality or length
	Pictures   json.RawMessage `json:"pictures,omitempty"`   // fields of preprocessor_config.json that this stage changes, as the size
	Loss       string          `json:"loss,omitempty"`       // answers; pairs: which text belongs to which picture; preferences: which answer is better; answers if absent
	Beta       float64         `json:"beta,omitempty"`       // preferences: how near the model stays to what it was; 0.1 if absent
	Supervised float64         `json:"supervised,omitempty"` // preferences: how much the cross-entropy of the better answer counts beside it
	MaxTokens  int             `json:"max_tokens,omitempty"` // longer samples are skipped
	Pack       *Pack           `json:"pack,omitempty"`       // samples are put together until a sequence is full; Batch is absent then

	Steps      int     `json:"steps,omitempty"`  // optimizer steps; 0: by Epochs
	Epochs     float64 `json:"epochs,omitempty"` // passes over the data
	Batch      int     `json:"batch,omitempty"`  // samples that run together
	Accumulate int     `json:"accumulate,omitempty"`
	Recompute  bool    `json:"recompute,omitempty"`

	Optimizer    string     `json:"optimizer,omitempty"` // adamw, muon or adafactor; adamw if absent
	Schedule     string     `json:"schedule,omitempty"`  // cosine, linear or constant; cosine if absent
	LR           float64    `json:"lr"`
	MinLR        float64    `json:"min_lr,omitempty"`        // at the end of the schedule
	Warmup       float64    `json:"warmup"`                  // share of the steps, or
	WarmupSteps  int        `json:"warmup_steps,omitempty"`  // steps, or
	WarmupEpochs float64    `json:"warmup_epochs,omitempty"` // passes over the data
	Decay        float64    `json:"weight_decay"`
	Betas        [2]float64 `json:"betas,omitzero"` // 0.9, 0.999 if absent
	Eps          float64    `json:"eps,omitempty"`  // 1e-8 if absent
	Clip         float64    `json:"clip"`           // largest norm of the gradient; 0 does not clip

	EMA      float64   `json:"ema,omitempty"`      // decay of an average of the weights, which the stage ends with; 0 takes none
	Diverge  *float64  `json:"diverge,omitempty"`  // times its best that the running mean of the loss may rise to; 0 is any number, 5 if absent
	Validate *Validate `json:"validate,omitempty"` // samples that the stage is measured with

	Measure []Measure `json:"measure,omitempty"` // what is measured before the stage and after it
	Forget  *Forget   `json:"forget,omitempty"`  // what the stage must not forget
}

// Group are parameters with settings of their own.
type Group struct {
	Params     []string `json:"params"`                 // parts or globs
	LR         *float64 `json:"lr,omitempty"`           // peak; the stage's if absent
	Decay      *float64 `json:"weight_decay,omitempty"` // the stage's if absent
	LayerDecay float64  `json:"layer_decay,omitempty"`  // factor of the rate from a layer to the one before it; 0 is 1
}

// Pack says when a sequence of several samples is full.
type Pack struct {
	Tokens int `json:"tokens"`          // the most of a sequence
	Tiles  int `json:"tiles,omitempty"` // the most views of pictures; 0 is any number
	Pool   int `json:"pool,omitempty"`  // samples to choose from; 64 if absent
}
