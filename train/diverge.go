package train

import "fmt"

const (
	// trendSteps is how many steps the running mean of the loss remembers.
	trendSteps = 50
	// mostOfBest is how many times its best the running mean may rise to, unless the stage says.
	mostOfBest = 5
	// leastBest is what the best counts as at least: the mean of losses near zero is the luck of a few samples.
	leastBest = 0.1
)

// trend is the running mean of a stage's loss and the best that it was.
type trend struct {
	Steps int     `json:"steps"` // at most trendSteps
	Mean  float64 `json:"mean"`
	Best  float64 `json:"best"` // 0 before Steps is trendSteps
}

// add takes the loss of a step.
func (t *trend) add(loss float64) {
	t.Steps = min(t.Steps+1, trendSteps)
	t.Mean += float64((loss - t.Mean) / float64(t.Steps))
	if t.Steps == trendSteps && (t.Best == 0 || t.Mean < t.Best) {
		t.Best = t.Mean
	}
}

// check returns an error if the loss has risen over so many times its best; 0
// lets it.
func (t *trend) check(most float64) error {
	if most == 0 || t.Best == 0 || t.Mean <= most*max(t.Best, leastBest) {
		return nil
	}
	return fmt.Errorf("the loss diverges: its mean over about %d steps is %.4g and was %.4g: lower lr, warm up longer or set clip, and begin anew; or go on with diverge set to 0",
		trendSteps, t.Mean, t.Best)
}

// most is how many times its best the mean of the loss may rise to; 0 is any number.
func (s *Stage) most() float64 {
	if s.Diverge == nil {
		return mostOfBest
	}
	return *s.Diverge
}
