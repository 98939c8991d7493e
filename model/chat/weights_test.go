package chat_test

import (
	"math"
	"slices"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
)

// weighted is an answer whose loss counts w times.
func weighted(text string, w float64) model.Turn {
	return model.Turn{Role: "assistant", Text: text, Weight: w}
}

// weightRuns are the weights of the runs of labels, each of which must have one.
func weightRuns(t *testing.T, got *model.Prompt) (runs []float32) {
	t.Helper()
	if got.Weights != nil && len(got.Weights) != len(got.Labels) {
		t.Fatalf("%d weights of %d labels", len(got.Weights), len(got.Labels))
	}
	inside := false
	for i, l := range got.Labels {
		switch {
		case l < 0:
			inside = false
		case got.Weights == nil:
			t.Fatal("labels without weights")
		case !inside:
			runs, inside = append(runs, got.Weights[i]), true
		case got.Weights[i] != runs[len(runs)-1]:
			t.Fatalf("weights %v of one answer", got.Weights)
		}
	}
	return runs
}

// TestWeights: every label of an answer, its end token's too, has the answer's weight.
func TestWeights(t *testing.T) {
	img := picture(t, "image0.png")
	llava, asBefore := open(t, ""), ahead(t)
	encoded := ahead(t)
	encoded.Start = []int32{0}
	conv := func(second model.Turn) []model.Turn {
		return []model.Turn{user("a", img), weighted("b", 2), user("c"), second}
	}
	for _, c := range []struct {
		name string
		p    *chat.Processor
		conv []model.Turn
		want []float32
	}{
		{"one of two", llava, conv(assistant("d")), []float32{2, 1}},
		{"both", llava, conv(weighted("d", 0.25)), []float32{2, 0.25}},
		{"one is muted", llava, conv(model.Turn{Role: "assistant", Text: "d", Mute: true, Weight: 3}), []float32{2}},
		{"the picture ahead", asBefore, conv(weighted("d", 0.25)), []float32{2, 0.25}},
		{"a document", llava, []model.Turn{{Text: "A cat <image> there.", Images: []*imageproc.RGB{img}, Weight: 0.5}}, []float32{0.5, 0.5}},
	} {
		got, err := c.p.Learn(c.conv)
		check(t, err)
		if runs := weightRuns(t, got); !slices.Equal(runs, c.want) {
			t.Errorf("%s: weights %v, want %v", c.name, runs, c.want)
		}
		plain := slices.Clone(c.conv)
		for i := range plain {
			plain[i].Weight = 0
		}
		same, err := c.p.Learn(plain)
		check(t, err)
		if !slices.Equal(same.Labels, got.Labels) || !slices.Equal(same.IDs, got.IDs) || same.Weights != nil {
			t.Errorf("%s: labels %v with weights, %v without, which have weights %v", c.name, got.Labels, same.Labels, same.Weights)
		}
	}
	apart, err := llava.LearnApart(conv(assistant("d")))
	check(t, err)
	if runs := weightRuns(t, apart); !slices.Equal(runs, []float32{2, 1}) {
		t.Errorf("apart: weights %v", runs)
	}
	both, err := encoded.Learn(conv(assistant("d")))
	check(t, err)
	if n := both.DecoderStarts[1]; both.Weights[0] != 2 || both.Weights[n-1] != 2 || both.Weights[n] != 1 || len(both.Weights) != len(both.Labels) {
		t.Errorf("behind an encoder: weights %v", both.Weights)
	}
}

func TestWeightsThatAreNone(t *testing.T) {
	for _, w := range []float64{-1, math.NaN(), math.Inf(1), 1e300} {
		for name, conv := range map[string][]model.Turn{"answer": {user("a"), weighted("b", w)}, "document": {{Text: "a", Weight: w}}} {
			if _, err := open(t, "").Learn(conv); err == nil {
				t.Errorf("%s: a weight of %v is accepted", name, w)
			}
		}
	}
}
