package zoo

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
)

const stage1 = "../testdata/blip2_stage1"

// openLearner opens the fixture of BLIP-2's first stage and its three pairs.
func openLearner(t *testing.T, dir string) (*Model, model.PairLearner, *model.Pairs) {
	t.Helper()
	m, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	net, ok := m.Net.(model.PairLearner)
	if !ok {
		t.Fatalf("a %s does not learn from pairs", m.Family.Architecture)
	}
	p := &model.Pairs{}
	for i, text := range []string{"how many dogs are in the picture?", "what color is the car", "a cat"} {
		v, err := m.View(openPicture(t, filepath.Join(stage1, []string{"image0.png", "image1.png", "image2.png"}[i])))
		if err != nil {
			t.Fatal(err)
		}
		ids, err := m.Caption(net, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.Images, p.Texts = append(p.Images, &model.Tiles{Views: *v}), append(p.Texts, ids)
	}
	return m, net, p
}

// TestPairGradients compares all gradients of the three losses' sum with those of
// torch 2.15 through LAVIS's own Qformer.py and clip_vit.py, for the negatives that
// verify is given.
func TestPairGradients(t *testing.T) {
	m, net, p := openLearner(t, stage1)
	want, err := openFile(filepath.Join(stage1, "gradients.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	p.Negatives = &model.Negatives{Images: []int{1, 2, 1}, Texts: []int{2, 0, 0}}
	nn.Freeze(m.Net, func(string) bool { return true })
	c := &tensor.Ctx{Train: true}
	c.Backward(model.Total(c, net.PairLoss(c, p)))
	n := 0
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		g, err := want.Floats(name)
		if err != nil || len(g) != w.Len() {
			t.Errorf("%s: %d expected gradients, %v", name, len(g), err)
			return
		}
		n++
		for i, x := range w.Grad() {
			if d := math.Abs(float64(x - g[i])); !(d <= 1e-4*max(1, float64(largest(g)))) {
				t.Errorf("%s: gradient %d is %v, want %v", name, i, x, g[i])
				return
			}
		}
	})
	if n != len(want.Names()) {
		t.Errorf("%d gradients compared, of %d", n, len(want.Names()))
	}
}

func largest(x []float32) (most float32) {
	for _, v := range x {
		most = max(most, v, -v)
	}
	return most
}

// TestPairNegatives draws the same negatives for the same seed, none that belongs, and
// in the long run each that does not.
func TestPairNegatives(t *testing.T) {
	_, net, p := openLearner(t, stage1)
	loss := func(seed uint64) float32 {
		p.Seed = seed
		return net.PairLoss(&tensor.Ctx{}, p)[1].Value.F32[0]
	}
	seen := map[float32]bool{}
	for seed := range uint64(12) {
		a := loss(seed)
		if b := loss(seed); a != b {
			t.Errorf("seed %d: losses %v and %v", seed, a, b)
		}
		seen[a] = true
	}
	if len(seen) < 3 {
		t.Errorf("twelve seeds give %d choices of negatives", len(seen))
	}
}

// TestSamePairs: pictures with the same caption are no negatives of each other. The loss
// is what LAVIS's formula for image ids gives, of torch 2.15.
func TestSamePairs(t *testing.T) {
	_, net, p := openLearner(t, stage1)
	p.Same = []int{4, 7, 4}
	terms := net.PairLoss(&tensor.Ctx{}, p)
	if got := terms[0].Value.F32[0]; math.Abs(float64(got)-1.25544273853302) > 1e-5 {
		t.Errorf("itc is %v", got)
	}
	want := terms[1].Value.F32[0]
	p.Negatives = &model.Negatives{Images: []int{1, 0, 1}, Texts: []int{1, 2, 1}}
	alike := map[float32]bool{}
	for _, p.Negatives.Images[1] = range []int{0, 2} {
		for _, p.Negatives.Texts[1] = range []int{0, 2} {
			alike[net.PairLoss(&tensor.Ctx{}, p)[1].Value.F32[0]] = true
		}
	}
	if !alike[want] {
		t.Errorf("itm is %v, of negatives that are allowed one of %v", want, alike)
	}
}

// TestPairsAreLearned goes down the gradient of the three losses.
func TestPairsAreLearned(t *testing.T) {
	m, net, p := openLearner(t, stage1)
	nn.Freeze(m.Net, func(name string) bool { return !strings.HasPrefix(name, "vision_model.") })
	losses := func() (list []float32) {
		for _, term := range net.PairLoss(&tensor.Ctx{}, p) {
			list = append(list, term.Value.F32[0])
		}
		return list
	}
	before := losses()
	for range 25 {
		c := &tensor.Ctx{Train: true}
		c.Backward(model.Total(c, net.PairLoss(c, p)))
		nn.Walk(m.Net, func(_ string, w *tensor.Tensor) {
			if w.NeedsGrad() {
				for i, g := range w.Grad() {
					w.F32[i] -= float32(0.02 * g)
				}
				w.ZeroGrad()
			}
		})
	}
	for i, after := range losses() {
		if !(after < 0.9*before[i]) {
			t.Errorf("loss %d is %v after %v", i, after, before[i])
		}
	}
}

// TestPairsKept: what was learned is a directory that opens again.
func TestPairsKept(t *testing.T) {
	m, net, p := openLearner(t, stage1)
	dir := t.TempDir()
	put(t, dir, "config.json", string(m.Config))
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "preprocessor_config.json"} {
		copyFile(t, filepath.Join(stage1, name), filepath.Join(dir, name))
	}
	var list []checkpoint.Param
	nn.Walk(m.Net, func(name string, w *tensor.Tensor) {
		list = append(list, checkpoint.Param{Name: name, T: w})
	})
	if err := checkpoint.Write(filepath.Join(dir, checkpoint.FileName), list, nil); err != nil {
		t.Fatal(err)
	}
	_, again, _ := openLearner(t, dir)
	for i, term := range net.PairLoss(&tensor.Ctx{}, p) {
		if got := again.PairLoss(&tensor.Ctx{}, p)[i].Value.F32[0]; got != term.Value.F32[0] {
			t.Errorf("%s is %v, and was %v", term.Name, got, term.Value.F32[0])
		}
	}
}

// TestNoCaptionStart: a tokenizer must have a token for captions to begin with, or the
// model a row behind its tokens.
func TestNoCaptionStart(t *testing.T) {
	dir := copied(t, "blip2_stage1")
	text, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "tokenizer.json", strings.ReplaceAll(string(text), "[DEC]", "[OTHER]"))
	text, err = os.ReadFile(filepath.Join(dir, "tokenizer_config.json"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "tokenizer_config.json", strings.Replace(strings.ReplaceAll(string(text), "[DEC]", "[OTHER]"), `"bos_token"`, `"some_token"`, 1))
	put(t, dir, "special_tokens_map.json", "{}")
	if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), "the tokenizer has no [DEC]") {
		t.Errorf("error %v", err)
	}
}

func TestPairErrors(t *testing.T) {
	m, net, p := openLearner(t, stage1)
	one := *p
	one.Images, one.Texts = one.Images[:1], one.Texts[:1]
	long := *p
	long.Texts = [][]int32{p.Texts[0], slices.Repeat(p.Texts[1], 10), p.Texts[2]}
	own := *p
	own.Negatives = &model.Negatives{Images: []int{0, 0, 0}, Texts: []int{1, 2, 0}}
	few := *p
	few.Negatives = &model.Negatives{Images: []int{1, 0, 0}}
	two := *p
	views := p.Images[0].Views
	views.Append(&p.Images[1].Views)
	two.Images = []*model.Tiles{{Views: views}, p.Images[1], p.Images[2]}
	for want, bad := range map[string]*model.Pairs{
		"two pairs or more":                   &one,
		"text 1 has 70 tokens, want 2 to 64":  &long,
		"pair 0 has number 0 as its negative": &own,
		"0 negatives for 3 pairs":             &few,
		"all 3 pairs are the same":            {Images: p.Images, Texts: p.Texts, Same: []int{1, 1, 1}},
		"2 numbers of what is the same":       {Images: p.Images, Texts: p.Texts, Same: []int{1, 2}},
		"pair 0 has number 2 as its negative": {Images: p.Images, Texts: p.Texts, Same: []int{1, 2, 1}, Negatives: &model.Negatives{Images: []int{2, 0, 1}}},
		"picture 0 has 2 views, want 1":       &two,
	} {
		if err := bad.Check(net.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := p.Check(net.Context()); err != nil {
		t.Error(err)
	}
	long70 := strings.Repeat("a cat ", 50)
	ids, err := m.Caption(net, long70, 9)
	if err != nil || len(ids) != 9 || ids[8] != p.Texts[2][3] {
		t.Errorf("a long caption is %v, %v", ids, err)
	}
	if _, err := m.TextIDs(net, long70); err == nil || !strings.Contains(err.Error(), "reads 1 to 64") {
		t.Errorf("error %v", err)
	}
}
