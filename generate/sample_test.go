package generate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFiltersAgreeWithTheReference compares probabilities with those of
// transformers 4.51, a zero being a token that was filtered out:
//
//	s = torch.tensor([logits])
//	s = RepetitionPenaltyLogitsProcessor(r)(torch.tensor([[1, 3, 3, 7, 6]]), s)
//	s = TemperatureLogitsWarper(T)(None, s)
//	s = TopKLogitsWarper(k)(None, s)
//	s = TopPLogitsWarper(p)(None, s)
//	s = MinPLogitsWarper(m)(None, s)
//	s.softmax(-1)
func TestFiltersAgreeWithTheReference(t *testing.T) {
	logits := []float32{2.5, -1.0, 0.3, 2.2, 0.3, -3.0, 1.7, 0.0}
	prompt := []int32{1, 3, 3, 7, 6}
	for _, c := range []struct {
		s    Sampling
		want []float64
	}{
		{Sampling{Temperature: 1.0}, []float64{0.39555, 0.011945, 0.043828, 0.293031, 0.043828, 0.001617, 0.177732, 0.032469}},
		{Sampling{Temperature: 0.5}, []float64{0.560875, 0.000511, 0.006886, 0.307815, 0.006886, 9e-06, 0.113239, 0.003779}},
		{Sampling{Temperature: 1.9}, []float64{0.276194, 0.043772, 0.086765, 0.235853, 0.086765, 0.015277, 0.181281, 0.074092}},
		{Sampling{TopK: 3}, []float64{0.45659, 0, 0, 0.33825, 0, 0, 0.205159, 0}},
		{Sampling{TopK: 1}, []float64{1, 0, 0, 0, 0, 0, 0, 0}},
		{Sampling{TopK: 100}, []float64{0.39555, 0.011945, 0.043828, 0.293031, 0.043828, 0.001617, 0.177732, 0.032469}},
		{Sampling{TopP: 0.6}, []float64{0.574443, 0, 0, 0.425557, 0, 0, 0, 0}},
		{Sampling{TopP: 0.05}, []float64{1, 0, 0, 0, 0, 0, 0, 0}},
		{Sampling{MinP: 0.2}, []float64{0.45659, 0, 0, 0.33825, 0, 0, 0.205159, 0}},
		{Sampling{MinP: 1.0}, []float64{1, 0, 0, 0, 0, 0, 0, 0}},
		{Sampling{RepetitionPenalty: 1.3}, []float64{0.480872, 0.010757, 0.053282, 0.214414, 0.053282, 0.001965, 0.145954, 0.039472}},
		{Sampling{RepetitionPenalty: 0.8}, []float64{0.30157, 0.011123, 0.033415, 0.387224, 0.033415, 0.001232, 0.207266, 0.024754}},
		{Sampling{Temperature: 0.7, TopK: 5, TopP: 0.85, MinP: 0.1, RepetitionPenalty: 1.2}, []float64{0.625557, 0, 0, 0.241353, 0, 0, 0.13309, 0}},
		{Sampling{Temperature: 2.0, TopK: 6, TopP: 0.95, MinP: 0.3, RepetitionPenalty: 1.1}, []float64{0.326263, 0, 0.108603, 0.254094, 0.108603, 0, 0.202437, 0}},
	} {
		m := NewSampler(c.s, prompt)
		if m.Temperature == 0 {
			m.Temperature = 1
		}
		scores := slices.Clone(logits)
		m.penalise(scores)
		m.filter(scores, argmax(scores))
		got, sum := make([]float64, len(logits)), 0.0
		for _, item := range m.items {
			sum += item.p
		}
		for _, item := range m.items {
			got[item.id] = item.p / sum
		}
		for i := range got {
			if math.Abs(got[i]-c.want[i]) > 1e-6 || (got[i] == 0) != (c.want[i] == 0) {
				t.Errorf("%+v: got %.6f, want %v", c.s, got, c.want)
				break
			}
		}
	}
}

func TestGreedyTakesTheLowestIDOfEquals(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		logits []float32
		want   int32
	}{
		{[]float32{1, 3, 3, 2}, 1},
		{[]float32{-3, -1, -1}, 1},
		{[]float32{0}, 0},
		{[]float32{nan, -5, 2, nan}, 2},
		{[]float32{nan, nan}, 0},
		{[]float32{-inf, -inf, -7}, 2},
		{[]float32{-inf, -inf}, 0},
		{[]float32{1, inf, inf}, 1},
	} {
		if got := NewSampler(Sampling{}, nil).Next(slices.Clone(c.logits)); got != c.want {
			t.Errorf("greedy of %v is %d, want %d", c.logits, got, c.want)
		}
		// So does a draw that leaves one token.
		if got := NewSampler(Sampling{Temperature: 0.5, TopK: 1}, nil).Next(slices.Clone(c.logits)); got != c.want {
			t.Errorf("top 1 of %v is %d, want %d", c.logits, got, c.want)
		}
	}
}

func TestDrawNeverTakesWhatIsNoNumber(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		logits []float32
		may    []int32
	}{
		{[]float32{nan, 1, nan, 1.5}, []int32{1, 3}},
		{[]float32{1, inf, 2, inf}, []int32{1, 3}},
		{[]float32{-inf, 0, -inf}, []int32{1}},
		{[]float32{nan, nan}, []int32{0}},
		{[]float32{math.MaxFloat32, -math.MaxFloat32}, []int32{0}},
	} {
		for _, s := range []Sampling{{Temperature: 1}, {Temperature: 1e-300}, {Temperature: 1, TopK: 3, TopP: 0.9, MinP: 0.01, RepetitionPenalty: 1.1}} {
			m := NewSampler(s, []int32{0, -1, 99})
			for range 50 {
				if id := m.Next(slices.Clone(c.logits)); !slices.Contains(c.may, id) {
					t.Fatalf("%+v of %v drew %d, want one of %v", s, c.logits, id, c.may)
				}
			}
		}
	}
}

// TestDrawFollowsTheProbabilities is a chi-squared test at a level of about 1e-6.
func TestDrawFollowsTheProbabilities(t *testing.T) {
	logits := []float32{0, 1, 2, 0.5, -1}
	const draws = 40000
	m := NewSampler(Sampling{Temperature: 1.5, Seed: 7}, nil)
	counts := make([]float64, len(logits))
	for range draws {
		counts[m.Next(slices.Clone(logits))]++
	}
	sum, chi2 := 0.0, 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l) / 1.5)
	}
	for i, l := range logits {
		want := draws * math.Exp(float64(l)/1.5) / sum
		chi2 += (counts[i] - want) * (counts[i] - want) / want
	}
	if chi2 > 33 { // 4 degrees of freedom
		t.Errorf("chi-squared %.1f of counts %v", chi2, counts)
	}
}

func TestSeedDecidesTheDraws(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	steps := make([][]float32, 30)
	for i := range steps {
		steps[i] = noise(500, rng)
	}
	run := func(seed uint64) (ids []int32) {
		m := NewSampler(Sampling{Temperature: 1, TopK: 100, TopP: 0.95, Seed: seed}, nil)
		for _, l := range steps {
			ids = append(ids, m.Next(slices.Clone(l)))
		}
		return ids
	}
	if !slices.Equal(run(5), run(5)) {
		t.Error("the same seed gave two answers")
	}
	if slices.Equal(run(5), run(6)) {
		t.Error("two seeds gave the same answer")
	}
}

func TestPenaltyCountsWhatWasChosen(t *testing.T) {
	m := NewSampler(Sampling{RepetitionPenalty: 10}, nil)
	logits := []float32{1, 0.9, 0.8}
	for want := range int32(3) {
		if got := m.Next(slices.Clone(logits)); got != want {
			t.Errorf("chose %d, want %d", got, want)
		}
	}
}

func TestSamplingCheck(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, s := range []Sampling{
		{Temperature: -1}, {Temperature: nan}, {Temperature: inf}, {TopK: -1}, {TopP: -0.1}, {TopP: 1.1}, {TopP: nan},
		{MinP: 2}, {MinP: nan}, {RepetitionPenalty: -1}, {RepetitionPenalty: nan}, {RepetitionPenalty: inf},
	} {
		if s.Check() == nil {
			t.Errorf("%+v passes", s)
		}
	}
	for _, s := range []Sampling{{}, {Temperature: 2, TopK: 1 << 30, TopP: 1, MinP: 1, RepetitionPenalty: 0.9}} {
		if err := s.Check(); err != nil {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestSamplerAllocatesNothing(t *testing.T) {
	logits := noise(2000, rand.New(rand.NewPCG(1, 1)))
	m := NewSampler(Sampling{Temperature: 0.8, TopK: 50, TopP: 0.9, MinP: 0.01}, nil)
	m.Next(logits)
	if n := testing.AllocsPerRun(20, func() { m.Next(logits) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSampler(b *testing.B) {
	for _, vocab := range []int{32000, 152064} {
		logits := noise(vocab, rand.New(rand.NewPCG(1, 1)))
		for _, s := range []Sampling{{}, {Temperature: 1}, {Temperature: 0.8, TopK: 50}, {Temperature: 0.8, TopP: 0.9}} {
			b.Run(fmt.Sprintf("%d/T=%v,k=%d,p=%v", vocab, s.Temperature, s.TopK, s.TopP), func(b *testing.B) {
				m := NewSampler(s, nil)
				for b.Loop() {
					m.Next(logits)
				}
			})
		}
	}
}

// noise is shaped like a model's logits: most far below the best.
func noise(n int, rng *rand.Rand) []float32 {
	l := make([]float32, n)
	for i := range l {
		l[i] = float32(3 * rng.NormFloat64())
	}
	return l
}
