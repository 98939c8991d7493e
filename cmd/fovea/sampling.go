package main

import (
	"fmt"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/zoo"
)

// samplingFlags choose tokens. Without any the answer is greedy: the same for
// the same question, and the likeliest word each time.
type samplingFlags struct {
	Sample            bool     `help:"Draw words as the checkpoint's generation_config.json says, instead of taking the likeliest." group:"sampling"`
	Temperature       *float64 `help:"Draw words; higher is wilder, 0 is greedy." placeholder:"T" group:"sampling"`
	TopK              *int     `help:"Draw from the K likeliest words." placeholder:"K" group:"sampling"`
	TopP              *float64 `help:"Draw from the likeliest words that have probability P together." placeholder:"P" group:"sampling"`
	MinP              *float64 `help:"Leave out words less likely than P times the likeliest." placeholder:"P" group:"sampling"`
	RepetitionPenalty *float64 `help:"Make words that occurred less likely; 1 does not." placeholder:"R" group:"sampling"`
	Seed              uint64   `help:"Seed of the draws: the same seed gives the same answer." default:"0" placeholder:"N" group:"sampling"`

	Beams         *int     `help:"Search for the likeliest answer by N beginnings at once, instead of taking the likeliest word each time." placeholder:"N"`
	LengthPenalty *float64 `help:"Of a search by beams: above 0 favours long answers, below 0 short ones." placeholder:"P"`

	MaxTokens int      `help:"Longest answer in tokens; 0 leaves it to the model." default:"0" placeholder:"N"`
	Stop      []string `help:"Text that ends the answer; may be repeated." placeholder:"TEXT" sep:"none"`
}

// options resolves the flags: what is not given comes from the checkpoint's
// generation_config.json once anything asks for sampling.
func (f *samplingFlags) options(m *zoo.Model) (generate.Options, error) {
	g := m.Generation
	if f.MaxTokens < 0 {
		return generate.Options{}, fmt.Errorf("max-tokens is %d, want 0 (as the model likes) or more", f.MaxTokens)
	}
	o := generate.Options{EOS: g.EOS, Stop: append(f.Stop, g.Stop...), MaxTokens: f.MaxTokens}
	if o.MaxTokens == 0 {
		o.MaxTokens = g.MaxNewTokens
	}
	o.RepetitionPenalty, o.Seed = g.RepetitionPenalty, f.Seed
	if f.Sample || f.Temperature != nil || f.TopK != nil || f.TopP != nil || f.MinP != nil {
		o.Temperature, o.TopK, o.TopP, o.MinP = g.Temperature, g.TopK, g.TopP, g.MinP
	}
	set(&o.Temperature, f.Temperature)
	set(&o.TopK, f.TopK)
	set(&o.TopP, f.TopP)
	set(&o.MinP, f.MinP)
	set(&o.RepetitionPenalty, f.RepetitionPenalty)
	o.Beams = f.beams(g, o.Temperature > 0)
	return o, o.Check()
}

// beams resolves the flags of a search. What the checkpoint says holds unless words are drawn.
func (f *samplingFlags) beams(g zoo.Generation, drawn bool) generate.Beams {
	b := generate.Beams{LengthPenalty: g.LengthPenalty}
	if !drawn {
		b.Width = g.Beams
	}
	switch g.EarlyStopping {
	case "true":
		b.Early = generate.StopFound
	case "never":
		b.Early = generate.StopSurely
	}
	set(&b.Width, f.Beams)
	set(&b.LengthPenalty, f.LengthPenalty)
	return b
}

func set[T any](dst, flag *T) {
	if flag != nil {
		*dst = *flag
	}
}
