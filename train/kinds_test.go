package train

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/model"
)

// typedSource writes a mixture of Accessory's and opens it: how many samples of each type,
// in order.
func typedSource(t *testing.T, parts ...any) *source {
	t.Helper()
	dir := t.TempDir()
	yaml := "META:\n"
	for i := 0; i < len(parts); i += 2 {
		var rows strings.Builder
		for k := range parts[i+1].(int) {
			fmt.Fprintf(&rows, `{"id": "%s %d", "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}`+"\n", parts[i], k)
		}
		name := fmt.Sprint("part", i, ".jsonl")
		check(t, os.WriteFile(filepath.Join(dir, name), []byte(rows.String()), 0o666))
		yaml += fmt.Sprintf("- {path: %s, type: '%s'}\n", name, parts[i])
	}
	check(t, os.WriteFile(filepath.Join(dir, "mixture.yaml"), []byte(yaml), 0o666))
	set, err := data.Open(filepath.Join(dir, "mixture.yaml"), data.Options{})
	check(t, err)
	t.Cleanup(func() { check(t, set.Close()) })
	return &source{Dataset: set}
}

// typed reads the type of the sample at a place, which its name begins with.
func typed(t *testing.T, s *stream, place int) string {
	t.Helper()
	set, i := s.at(place)
	sample, err := s.sets[set].At(i)
	check(t, err)
	name, _, _ := strings.Cut(sample.ID, " ")
	return fmt.Sprint(name, map[bool]int{true: set}[name == ""])
}

// TestAlikeType: every step is of one type, types of several files and sources are one,
// they come as often as they have samples or their sources' weights say, and no sample
// comes more than once more than another of its type.
func TestAlikeType(t *testing.T) {
	sets := []*source{typedSource(t, "text", 20, "image_text", 30, "", 10, "text", 20), typedSource(t, "text", 60, "", 40), typedSource(t, "", 20)}
	for _, tc := range []struct {
		name    string
		weights []float64
		want    map[string]float64 // share of the steps
	}{
		{"sizes", []float64{0, 0, 0}, map[string]float64{"text0": 0.5, "image_text0": 0.15, "0": 0.05, "1": 0.2, "2": 0.1}},
		{"weights", []float64{8, 5, 2}, map[string]float64{"text0": 7. / 15, "image_text0": 3. / 15, "0": 1. / 15, "1": 2. / 15, "2": 2. / 15}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			st := Stage{Alike: "type", Batch: 2, Accumulate: 3}
			for _, w := range tc.weights {
				st.Data = append(st.Data, Source{Weight: w})
			}
			s := newStream(&Recipe{Seed: 5, Stages: []Stage{st}}, 0, sets, nil, 100)
			if s.total != 200 {
				t.Errorf("%d samples, want 200", s.total)
			}
			const steps = 2000
			count := map[string]int{}
			seen := map[string]map[[2]int]int{}
			for place := range steps * 6 {
				of := typed(t, s, place)
				if first := typed(t, s, place/6*6); first != of {
					t.Fatalf("step %d has samples of %s and %s", place/6, first, of)
				}
				count[of]++
				if seen[of] == nil {
					seen[of] = map[[2]int]int{}
				}
				set, i := s.at(place)
				seen[of][[2]int{set, i}]++
			}
			for of, share := range tc.want {
				if got := float64(count[of]) / (steps * 6); got < share-0.004 || got > share+0.004 {
					t.Errorf("%s: %.3f of the steps, want %.3f", of, got, share)
				}
			}
			if len(count) != len(tc.want) {
				t.Errorf("types %v, want %v", count, tc.want)
			}
			for of, all := range seen {
				var times []int
				for _, n := range all {
					times = append(times, n)
				}
				if slices.Max(times)-slices.Min(times) > 1 {
					t.Errorf("%s: a sample comes %d times and another %d", of, slices.Min(times), slices.Max(times))
				}
			}
		})
	}
}

// TestPackType: sequences that are packed have one type each.
func TestPackType(t *testing.T) {
	st := Stage{Alike: "type", Pack: &Pack{Tokens: 100, Pool: 8}, Steps: 1, Data: make([]Source, 2)}
	sets := []*source{typedSource(t, "text", 5, "image_text", 5), typedSource(t, "image_text", 5)}
	s := newStream(&Recipe{Stages: []Stage{st}}, 0, sets, nil, 100)
	p := newFeeder(s).packer
	kinds := map[int]string{}
	for place := range 15 {
		k, of := p.measured(place, &model.Prompt{}).kind, typed(t, s, place)
		if known, is := kinds[k]; is && known != of {
			t.Errorf("place %d: %s and %s are of one kind", place, known, of)
		}
		kinds[k] = of
	}
	if len(kinds) != 2 {
		t.Errorf("kinds %v, want two", kinds)
	}
}
