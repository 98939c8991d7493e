package train

import (
	"bufio"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fovea-ml/fovea/lora"
)

// change is one of the tiny recipe.
type change struct {
	name  string
	apply func(*Recipe)
}

// killed are the runs that are killed at random moments and resumed. They save
// after every step.
var killed = []change{
	{"full", func(*Recipe) {}},
	{"packed", func(r *Recipe) {
		r.Stages[0].Batch, r.Stages[0].Pack = 1, &Pack{Tokens: 200, Pool: 8}
		r.Stages[1].Batch, r.Stages[1].Pack = 1, &Pack{Tokens: 256, Tiles: 3, Pool: 5}
	}},
	{"adafactor, average and patience", func(r *Recipe) {
		impatient(r)
		r.Stages[0].Optimizer, r.Stages[0].LR = "adafactor", 0.1
	}},
	{"frozen parts and groups", func(r *Recipe) {
		lr, none := 2e-3, 0.0
		st := &r.Stages[1]
		st.Optimizer, st.Train, st.Freeze = "muon", []string{"adapter", "language"}, []string{"**.embed_tokens", "**.layers.0"}
		st.Groups = []Group{{Params: []string{"**.q_proj"}, LR: &lr}, {Params: []string{"language"}, Decay: &none, LayerDecay: 0.5}}
	}},
	{"low rank", lowRank},
	{"low rank, packed and quantised", func(r *Recipe) {
		lowRank(r)
		r.Model.Quant, r.Stages = "q8_0", r.Stages[1:]
		r.Stages[0].Batch, r.Stages[0].Pack = 1, &Pack{Tokens: 256, Tiles: 3, Pool: 5}
	}},
}

// lowRank changes the tiny recipe to updates of low rank, over a model that is there for
// a process of its own.
func lowRank(r *Recipe) {
	r.Model = Start{From: "../testdata/llava15", Merge: true, LoRA: &lora.Config{
		Rank: 2, Alpha: 4, Dropout: 0.1, DoRA: true, Targets: []string{"**.q_proj", "**.fc1"}, ModulesToSave: []string{"multi_modal_projector"},
	}}
	r.Stages[0].Train, r.Stages[1].Train, r.Stages[1].Groups = []string{"lora", "adapter"}, []string{"lora"}, nil
}

// killedRecipe is one of them.
func killedRecipe(name, output string) (*Recipe, error) {
	r, err := ReadRecipe("testdata/tiny.json")
	if err != nil {
		return nil, err
	}
	r.Output = output
	if name == "" {
		return r, nil
	}
	i := slices.IndexFunc(killed, func(k change) bool { return k.name == name })
	r.Save = 1
	killed[i].apply(r)
	return r, r.check()
}

// Thirty kills in all, half of them while a checkpoint is being written.
func TestKillAndResume(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for i, k := range killed {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			r, err := killedRecipe(k.name, t.TempDir())
			check(t, err)
			runAll(t, r)
			want := outcomeOf(t, r.Output)
			if (want.adapter != "") != (r.Model.LoRA != nil) {
				t.Fatal("an adapter is there, or is not")
			}
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			dir := t.TempDir()
			for kills, tries := 0, 0; kills < 5; tries++ {
				if killOnce(t, rng, k.name, dir, kills%2 == 0) {
					kills++
				} else { // it was too fast
					sameOutcome(t, dir, want)
					dir = t.TempDir()
				}
				if tries == 50 {
					t.Fatal("the runs end before they can be killed")
				}
			}
			cmd, lines := startChild(t, k.name, dir)
			for lines.Scan() { // to the end of its output
			}
			if err := cmd.Wait(); err != nil {
				t.Fatal(err, cmd.Stderr)
			}
			sameOutcome(t, dir, want)
			if left, _ := filepath.Glob(filepath.Join(dir, "*"+unfinished)); len(left) > 0 {
				t.Errorf("left are %v", left)
			}
			if left := bestFiles(t, dir); left != nil {
				t.Errorf("left are %v", left)
			}
		})
	}
}

// killOnce kills a run that goes on in dir, at a random moment, and checks that
// nothing is lost but the step since the last save. It reports whether there was
// something left to kill.
func killOnce(t *testing.T, rng *rand.Rand, name, dir string, saving bool) bool {
	t.Helper()
	before := stepsSaved(t, name, dir)
	cmd, lines := startChild(t, name, dir)
	told := 0
	for range 1 + rng.IntN(2) {
		if !lines.Scan() {
			break
		}
		told++
	}
	if saving {
		untilSaving(dir)
	}
	time.Sleep(time.Duration(rng.IntN(4000)) * time.Microsecond)
	check(t, cmd.Process.Kill())
	for lines.Scan() {
		told++
	}
	if cmd.Wait() == nil {
		return false
	}
	if after := stepsSaved(t, name, dir); after < before+told-1 {
		t.Errorf("%d steps are saved; there were %d, and %d more were told", after, before, told)
	}
	return true
}

// untilSaving waits until a checkpoint is being written, though not for long.
func untilSaving(dir string) {
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end); {
		if found, _ := filepath.Glob(filepath.Join(dir, "checkpoint-*"+unfinished)); len(found) > 0 {
			return
		}
	}
}

// stepsSaved is how many steps a run would go on behind. All that is there of
// checkpoints must be whole.
func stepsSaved(t *testing.T, name, dir string) int {
	t.Helper()
	r, err := killedRecipe(name, dir)
	check(t, err)
	dirs, err := checkpoints(dir)
	check(t, err)
	if len(dirs) == 0 {
		return 0
	}
	tr, err := New(r, nil)
	check(t, err)
	defer tr.Close()
	if len(tr.Broken) > 0 {
		t.Errorf("broken: %v", tr.Broken)
	}
	return tr.Resumed()
}

// startChild starts a run of its own, of the tiny recipe or of one of killed.
func startChild(t *testing.T, name, dir string, env ...string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childOutput+"="+dir, childName+"="+name), env...)
	cmd.Stderr = &strings.Builder{}
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	return cmd, bufio.NewScanner(out)
}
