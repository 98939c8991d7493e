package eval

import (
	"fmt"
	"io"
	"math"
)

// PerplexityReport is the outcome of Perplexity.
type PerplexityReport struct {
	Text    string `json:"text"`
	Model   string `json:"model"`
	Kernel  string `json:"kernel"`  // the numeric kernels that computed it
	Tokens  int    `json:"tokens"`  // of the text
	Scored  int    `json:"scored"`  // tokens that were predicted
	Windows int    `json:"windows"` // that the model saw
	Context int    `json:"context"` // tokens of a window
	Stride  int    `json:"stride"`  // tokens between the beginnings of windows

	NLL    float64 `json:"nll"`         // mean negative log-likelihood of a scored token, in nats
	StdErr float64 `json:"nll_std_err"` // of NLL, as if tokens were independent

	Perplexity float64 `json:"perplexity"` // exp(NLL)
	Low        float64 `json:"low"`        // 95 % interval by StdErr
	High       float64 `json:"high"`
}

func (r *PerplexityReport) conclude(s *scorer) {
	r.Scored, r.NLL, r.StdErr = s.count, s.mean, s.stdErr()
	r.Perplexity = math.Exp(r.NLL)
	r.Low, r.High = math.Exp(r.NLL-normal95*r.StdErr), math.Exp(r.NLL+normal95*r.StdErr)
}

// Write prints the report for people.
func (r *PerplexityReport) Write(w io.Writer) error {
	_, err := fmt.Fprintf(w, `%s on %s, kernel %s

tokens       %d, of which %d scored
windows      %d of up to %d tokens, %d apart
nats/token   %.5f ± %.5f
perplexity   %.4f   95 %% interval %.4f–%.4f
`, r.Model, r.Text, r.Kernel, r.Tokens, r.Scored, r.Windows, r.Context, r.Stride, r.NLL, r.StdErr, r.Perplexity, r.Low, r.High)
	return err
}
