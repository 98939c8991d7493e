package train

import (
	"math"
	"testing"
)

// Rates of transformers 4.51's get_cosine_schedule_with_warmup at a peak of
// 2e-5. Its warm-up begins with a step at rate 0; ours with the second value.
func TestRatesOfTransformers(t *testing.T) {
	cosine := []float64{2e-05, 1.900968867902419e-05, 1.6234898018587336e-05, 1.2225209339563144e-05, 7.774790660436857e-06, 3.7651019814126656e-06, 9.903113209758098e-07}
	for _, tc := range []struct {
		name   string
		warmup float64
		steps  int
		want   []float64
	}{
		{"warm-up", 0.3, 10, append([]float64{6.666666666666667e-06, 1.3333333333333333e-05, 2e-05}, cosine...)},
		{"none", 0, 7, cosine},
		{"a share of a step", 0.03, 20, []float64{2e-05, 2e-05, 1.9863613034027224e-05, 1.9458172417006347e-05, 1.879473751206489e-05,
			1.789140509396394e-05, 1.6772815716257414e-05, 1.5469481581224274e-05, 1.4016954246529697e-05, 1.2454854871407993e-05,
			1.0825793454723325e-05, 9.174206545276678e-06, 7.545145128592009e-06, 5.983045753470308e-06, 4.530518418775734e-06,
			3.2271842837425917e-06, 2.1085949060360654e-06, 1.2052624879351105e-06, 5.418275829936537e-07, 1.3638696597277678e-07}},
		{"all", 1, 4, []float64{5e-6, 1e-5, 1.5e-5, 2e-5}},
	} {
		st := &Stage{LR: 2e-5, Warmup: tc.warmup}
		for i, want := range tc.want {
			if got := st.rate(i, tc.steps, st.warm(tc.steps, 0)); math.Abs(got-want) > 1e-12*2e-5 {
				t.Errorf("%s: step %d: rate %v, want %v", tc.name, i, got, want)
			}
		}
	}
}

func TestLeastRate(t *testing.T) {
	st := &Stage{LR: 3, MinLR: 1}
	for step, want := range map[int]float64{0: 3, 50: 2, 100: 1} {
		if got := st.rate(step, 100, 0); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: rate %v, want %v", step, got, want)
		}
	}
	flat := &Stage{LR: 3, MinLR: 3}
	if got := flat.rate(77, 100, 0); got != 3 {
		t.Errorf("flat: rate %v", got)
	}
}
