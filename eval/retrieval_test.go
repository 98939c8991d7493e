package eval

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

func TestRank(t *testing.T) {
	right := func(numbers ...int) func(int) bool {
		return func(i int) bool { return slices.Contains(numbers, i) }
	}
	scores := []float32{0.1, 0.9, 0.5, 0.5, -1}
	for _, c := range []struct {
		right []int
		first []int // read again
		anew  []float32
		want  int
	}{
		{[]int{1}, nil, nil, 1},
		{[]int{0}, nil, nil, 4},
		{[]int{2}, nil, nil, 3}, // the other one of its score goes before it
		{[]int{2, 3}, nil, nil, 2},
		{[]int{4, 1}, nil, nil, 1},
		{[]int{3}, []int{1, 2, 3}, []float32{-5, 0, 2}, 1},
		{[]int{1}, []int{1, 2, 3}, []float32{-5, 0, 2}, 3},
		{[]int{0}, []int{1, 2}, []float32{-5, -7}, 4}, // behind both and the other 0.5
		{[]int{4}, []int{1, 2, 3, 0}, []float32{1, 1, 1, 1}, 5},
	} {
		got := 0
		if c.first == nil {
			got = rank(scores, right(c.right...))
		} else {
			got = rerank(scores, c.first, c.anew, right(c.right...))
		}
		if got != c.want {
			t.Errorf("%+v: place %d", c, got)
		}
	}
	if got := top(scores, 3); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("the first three are %v", got)
	}
	if got := recalls([]int{1, 2, 6, 11}); got[0].Right != 1 || got[1].Right != 2 || got[2].Right != 3 || got[2].Count != 4 || got[2].Accuracy != 0.75 {
		t.Errorf("recalls %+v", got)
	}
}

// TestGallery: a text that several pictures have is one, and belongs to all.
func TestGallery(t *testing.T) {
	g := &Gallery{}
	for _, texts := range [][]string{{"a", "b"}, {"c"}, {"b"}} {
		g.Add(data.Picture{}, texts...)
	}
	if !slices.Equal(g.Texts, []string{"a", "b", "c"}) || !slices.Equal(g.Belongs[0], []int{0, 1}) || !slices.Equal(g.Belongs[2], []int{1}) {
		t.Errorf("texts %v, belong %v", g.Texts, g.Belongs)
	}
}

const fixtures = "../testdata/"

func open(t *testing.T, fixture string) *zoo.Model {
	t.Helper()
	m, err := zoo.OpenDir(fixtures + fixture)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestRetrieval compares with all pairs read one by one, and texts ranked by hand.
func TestRetrieval(t *testing.T) {
	m := open(t, "blip2_stage1")
	const n, most = 7, 3
	g, err := SceneCaptions(3, n, scenes.English)
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	r, err := Retrieval(context.Background(), m, g, RetrievalOptions{Rerank: most, OnStep: func(done, total int) {
		if steps++; done != steps || total != 2*n {
			t.Errorf("step %d of %d, want %d of %d", done, total, steps, 2*n)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	net := m.Net.(model.Matcher)
	like, match := make([][]float32, n), make([][]float32, n)
	c := &tensor.Ctx{}
	for i := range n {
		img, err := g.Pictures[i].Open()
		if err != nil {
			t.Fatal(err)
		}
		v, err := m.View(img)
		if err != nil {
			t.Fatal(err)
		}
		for j := range n {
			ids := [][]int32{m.Tokenizer.Encode(g.Texts[j])}
			like[i] = append(like[i], net.Similarity(c, net.EmbedImage(c, v), net.EmbedText(c, ids)).F32[0])
			match[i] = append(match[i], net.Match(c, net.See(c, v), ids).F32[1]+like[i][j])
		}
	}
	byLikeness, reread := 0, 0
	for i := range n {
		better, first, beaten := 0, false, 0
		for j := range n {
			if like[i][j] > like[i][i] {
				better++
			}
		}
		if first = better < most; first {
			for j := range n {
				above := 0
				for k := range n {
					if like[i][k] > like[i][j] {
						above++
					}
				}
				if above < most && match[i][j] > match[i][i] {
					beaten++
				}
			}
		}
		if better < 1 {
			byLikeness++
		}
		if first && beaten == 0 {
			reread++
		}
	}
	if got := r.Likeness.Texts[0]; got.Right != byLikeness || got.Count != n {
		t.Errorf("by likeness %+v, want %d", got, byLikeness)
	}
	if got := r.Reranked.Texts[0]; got.Right != reread || r.Reread != most {
		t.Errorf("reread %+v, want %d", got, reread)
	}
	if all := r.Likeness.Pictures[2]; all.K != 10 || all.Right != n {
		t.Errorf("of seven, ten hold %+v", all)
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil || !strings.Contains(b.String(), "3 of those read") {
		t.Errorf("report %q, %v", b.String(), err)
	}
}

func TestCaptions(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		file := filepath.Join(dir, "captions.json")
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		return file
	}
	folder := fixtures + "blip2_stage1"
	g, done, err := Captions(write(`[
		{"id": "1", "image": "image0.png", "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "a cat"}, {"from": "human", "value": "?"}, {"from": "gpt", "value": "a dog"}]},
		{"id": "2", "image": "image1.png", "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "a cat"}]}]`), folder, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Retrieval(context.Background(), open(t, "clip"), g, RetrievalOptions{})
	if err != nil || r.Pictures != 2 || r.Texts != 2 || r.Reranked != nil || r.Likeness.Texts[1].Right != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
	_, _, err = Captions(write(`[{"id": "7", "conversations": [{"from": "human", "value": "?"}, {"from": "gpt", "value": "a cat"}]}]`), folder, 0)
	if err == nil || !strings.Contains(err.Error(), "sample 7 has 0 pictures") {
		t.Errorf("error %v", err)
	}
}

func TestRetrievalErrors(t *testing.T) {
	broken := errors.New("no such picture")
	picture := func() (*imageproc.RGB, error) { return imageproc.NewRGB(9, 9), nil }
	gallery := func(texts ...string) *Gallery {
		g := &Gallery{Name: "two"}
		g.Add(data.Drawn(picture), texts...)
		return g
	}
	bad := gallery("a cat")
	bad.Pictures[0] = data.Drawn(func() (*imageproc.RGB, error) { return nil, broken })
	for _, c := range []struct {
		model string
		g     *Gallery
		o     RetrievalOptions
		want  string
	}{
		{"llava15", gallery("a"), RetrievalOptions{}, "does not compare pictures with texts"},
		{"clip", gallery("a"), RetrievalOptions{Rerank: 2}, "a CLIPModel does not read texts with pictures before them"},
		{"blip2_stage1", gallery(), RetrievalOptions{}, "no pictures with texts"},
		{"blip2_stage1", gallery("a"), RetrievalOptions{Rerank: -1}, "-1 are to be read again"},
		{"blip2_stage1", gallery(strings.Repeat("a cat ", 40)), RetrievalOptions{}, "reads 1 to 64"},
		{"blip2_stage1", bad, RetrievalOptions{}, "picture 1: no such picture"},
	} {
		if _, err := Retrieval(context.Background(), open(t, c.model), c.g, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Retrieval(ctx, open(t, "blip2_stage1"), gallery("a"), RetrievalOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
