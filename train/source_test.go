package train

import (
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

// conversations writes a LLaVA data set whose every other sample has a picture.
func conversations(t *testing.T, n int) Source {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "dot.png"))
	check(t, err)
	check(t, png.Encode(f, image.NewRGBA(image.Rect(0, 0, 40, 30))))
	check(t, f.Close())
	type turn map[string]string
	var all []map[string]any
	for i := range n {
		turns := []turn{
			{"from": "human", "value": fmt.Sprintf("Question %d?", i)}, {"from": "gpt", "value": "Yes."},
			{"from": "human", "value": "Are you sure?"}, {"from": "gpt", "value": "No."},
		}
		sample := map[string]any{"id": fmt.Sprint(i)}
		if i%2 == 0 {
			sample["image"] = "dot.png"
			turns[0]["value"] = "<image>\n" + turns[0]["value"]
		}
		sample["conversations"] = turns
		all = append(all, sample)
	}
	text, err := json.Marshal(all)
	check(t, err)
	name := filepath.Join(dir, "samples.json")
	check(t, os.WriteFile(name, text, 0o644))
	return Source{Format: "llava", Path: name, Images: dir}
}

// A batch of text alone has no gradient for vision and adapter. Their moments go
// on all the same, before and after a resume.
func TestResumeOfMixedConversations(t *testing.T) {
	for _, optimizer := range []string{"adamw", "muon"} {
		t.Run(optimizer, func(t *testing.T) { resumeOfMixedConversations(t, optimizer) })
	}
}

func resumeOfMixedConversations(t *testing.T, optimizer string) {
	source := conversations(t, 8)
	source.Apart = optimizer == "muon"
	mixed := func(r *Recipe) {
		r.Stages = r.Stages[1:]
		r.Stages[0].Optimizer = optimizer
		r.Stages[0].Batch, r.Stages[0].Accumulate, r.Stages[0].Steps = 1, 1, 8
		r.Stages[0].Data = []Source{source}
	}
	whole := tiny(t, mixed)
	_, steps := runAll(t, whole)
	if len(steps) != 8 {
		t.Fatalf("%d steps", len(steps))
	}
	for n := 1; n < 8; n++ {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			r := tiny(t, mixed)
			runFor(t, r, n)
			runAll(t, r)
			sameOutcome(t, r.Output, outcomeOf(t, whole.Output))
		})
	}
}

func TestDrawnRounds(t *testing.T) {
	turns := func(texts ...string) (out []data.Turn) {
		for i, text := range texts {
			role := data.User
			if text == "be kind" {
				role = data.System
			} else if (len(texts)-i)%2 == 1 {
				role = data.Assistant
			}
			out = append(out, data.Turn{Role: role, Text: text})
		}
		return out
	}
	kinds := []data.Meta{{Type: "shape"}, {Type: "colour"}, {Type: "shape"}}
	three := turns("a?", "a", "b?", "b", "c?", "c")
	for _, tc := range []struct {
		name   string
		source Source
		turns  []data.Turn
		meta   []data.Meta
		want   int // rounds
	}{
		{"all", Source{}, three, kinds, 3},
		{"of a kind", Source{Types: []string{"shape"}}, three, kinds, 2},
		{"of no kind", Source{Types: []string{"count"}}, three, kinds, 0},
		{"two", Source{Ask: 2}, three, nil, 2},
		{"more than there are", Source{Ask: 9}, three, nil, 3},
		{"two of a kind", Source{Ask: 2, Types: []string{"colour"}}, three, kinds, 1},
		{"behind the system", Source{Ask: 1}, append(turns("be kind"), three...), nil, 1},
		{"with placed pictures", Source{Ask: 1}, turns("a?", "a", "<image> and <image>?", "b"), nil, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := &source{Source: tc.source}
			for seed := range uint64(20) {
				got := s.draw(&data.Sample{Turns: tc.turns, Meta: tc.meta}, rand.New(rand.NewPCG(seed, 0)))
				if tc.turns[0].Role == data.System {
					if got[0] != tc.turns[0] {
						t.Fatalf("the system's turn is lost: %v", got)
					}
					got = got[1:]
				}
				checkRounds(t, got, tc.turns, tc.want)
			}
		})
	}
}

// checkRounds wants n different rounds of a conversation, whole.
func checkRounds(t *testing.T, got, of []data.Turn, n int) {
	t.Helper()
	if len(got) != 2*n {
		t.Fatalf("%d turns, want %d rounds", len(got), n)
	}
	seen := map[string]bool{}
	for i := 0; i < len(got); i += 2 {
		at := slices.Index(of, got[i])
		if at < 0 || of[at+1] != got[i+1] || seen[got[i].Text] {
			t.Errorf("round %v of %v", got[i:i+2], of)
		}
		seen[got[i].Text] = true
	}
}

func TestDataThatIsMissing(t *testing.T) {
	for _, tc := range []struct {
		name   string
		source Source
		want   string
	}{
		{"llava", Source{Format: "llava", Path: "nowhere.json"}, "nowhere.json"},
		{"easy-vqa", Source{Format: "easy-vqa", Path: "nowhere"}, "nowhere"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := tiny(t, func(r *Recipe) { r.Stages[1].Data[0] = tc.source })
			_, err := New(r, nil)
			for _, want := range []string{tc.want, "stage 2 (instruct): data 1", "--data"} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
			if entries, _ := os.ReadDir(r.Output); len(entries) != 0 {
				t.Errorf("the output directory has %v", entries)
			}
		})
	}
}

func TestVocabularyOfARecipeIsTheSame(t *testing.T) {
	a, b := tiny(t), tiny(t)
	newTrainer(t, a)
	newTrainer(t, b)
	if x, y := readText(t, a.Output, baseDir, "tokenizer.json"), readText(t, b.Output, baseDir, "tokenizer.json"); x != y {
		t.Error("two runs learned different vocabularies")
	}
}

// TestApart: the questions of a sample become branches behind the picture.
func TestApart(t *testing.T) {
	for _, apart := range []bool{false, true} {
		r := tiny(t, func(r *Recipe) {
			r.Stages[0].Data[0].Ask, r.Stages[0].Data[0].Apart = 3, apart
		})
		tr := newTrainer(t, r)
		p, err := tr.stages[0].prompt(0)
		check(t, err)
		switch {
		case !apart && p.Branches != nil:
			t.Errorf("branches %v of a conversation", p.Branches)
		case apart && (len(p.Branches) != 1 || len(p.Branches[0]) != 3 || len(p.Images) != 1):
			t.Errorf("branches %v, %d pictures", p.Branches, len(p.Images))
		}
	}
}

// TestWhiten: the patch embedding starts elsewhere, and the same each time.
func TestWhiten(t *testing.T) {
	start := func(eps float64) []float32 {
		tr := newTrainer(t, tiny(t, func(r *Recipe) { r.Model.Init.Whiten = eps }))
		var w []float32
		nn.Walk(tr.Model.Net, func(name string, p *tensor.Tensor) {
			if strings.HasSuffix(name, "patch_embedding.weight") {
				w = p.F32
			}
		})
		return w
	}
	plain, white := start(0), start(0.01)
	if len(plain) == 0 || sameBits(plain, white) || !sameBits(white, start(0.01)) {
		t.Error("whitening changes nothing, or never the same")
	}
}
