package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data"
)

// printed is a data set with a fingerprint.
type printed struct {
	data.Dataset
	print string
}

func (p printed) Fingerprint() string { return p.print }

func TestDataThatChanged(t *testing.T) {
	const old = "old"
	for _, tc := range []struct {
		name         string
		saved        []string
		first, third string // of the first and the third source
		want         string // "" if the run goes on
	}{
		{"same", []string{old, "", old}, old, old, ""},
		{"first", []string{old, "", old}, "new", old, "stage 1 (align): data 1 (scenes)"},
		{"third", []string{old, "", old}, old, "new", "stage 2 (instruct): data 2 (scenes)"},
		{"saved without", []string{"", "", ""}, old, old, ""},
		{"saved before there were any", nil, old, old, ""},
		{"has none now", []string{old, old, old}, "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr := newTrainer(t, tiny(t))
			first, third := tr.sets[0][0], tr.sets[1][1]
			first.Dataset, third.Dataset = printed{first.Dataset, tc.first}, printed{third.Dataset, tc.third}
			tr.sets[1][0].Dataset = printed{tr.sets[1][0].Dataset, ""}
			tr.state.Data = tr.fingerprints()
			err := tr.sameData("checkpoint-000004", tc.saved)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "has changed")) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// The fingerprints are in the checkpoints, those of validation too, and a run whose
// data changed does not go on from an older one.
func TestDataThatChangedIsSeenOnResume(t *testing.T) {
	r := tiny(t, validated(0))
	runFor(t, r, 3)
	name := filepath.Join(r.Output, "checkpoint-000003", stateFile)
	tr := newTrainer(t, r)
	s, err := tr.readState(filepath.Dir(name))
	check(t, err)
	if len(s.Data) != 4 {
		t.Fatalf("%d fingerprints of 4 data sets", len(s.Data))
	}
	changed := tr.valid[0].sets[1]
	changed.Dataset = printed{changed.Dataset, "new"}
	tr.state.Data = tr.fingerprints()
	text := readText(t, name)
	if strings.Count(text, s.Data[3]) != 1 {
		t.Fatalf("fingerprints %q are not all different", s.Data)
	}
	check(t, os.WriteFile(name, []byte(strings.Replace(text, s.Data[3], "old", 1)), 0o644))
	if _, err := tr.resume(); err == nil || !strings.Contains(err.Error(), "validate: data 2 (scenes) has changed") {
		t.Errorf("error %v", err)
	}
}

func TestCheckpointOfAnotherArchitecture(t *testing.T) {
	r := tiny(t)
	runFor(t, r, 3)
	config := filepath.Join(r.Output, "checkpoint-000003", "config.json")
	text := strings.Replace(readText(t, config), "LlavaForConditionalGeneration", "Blip2ForConditionalGeneration", 1)
	check(t, os.WriteFile(config, []byte(text), 0o644))
	_, err := New(r, nil)
	for _, want := range []string{"checkpoint-000003", "another architecture, Blip2ForConditionalGeneration", "teaches LlavaForConditionalGeneration"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
