package generate_test

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// TestScore compares with transformers 5.24: the sum of log_softmax(logits) over the
// tokens of an answer and the end token, in float64.
func TestScore(t *testing.T) {
	for _, c := range []struct {
		model, image, question string
		answers                map[string]float64
	}{
		{"blip_vqa", "image1.png", "what color is the car", map[string]float64{
			"red": -12.011129963217059, "two dogs": -41.412300400438156, "a white boat": -24.832415929178765}},
		{"llava15", "image0.png", "What is in the picture?", map[string]float64{
			"A cat.": -36.2511402104582, "It is a red car": -61.44918205415419}},
	} {
		m, err := zoo.OpenDir("../testdata/" + c.model)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		vlm, _ := m.VLM()
		img, err := imageproc.OpenFile(filepath.Join(m.Name, c.image), imageproc.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := generate.NewSession(vlm, 0, nil)
		for answer, want := range c.answers {
			p, err := m.Processor.Learn([]model.Turn{user(c.question, img), {Role: "assistant", Text: answer}})
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.Score(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got-want) > 1e-4 {
				t.Errorf("%s: %q scores %v, want %v", c.model, answer, got, want)
			}
		}
	}
}

// TestScoreIsTheLoss of training, in a session whose cache holds other answers.
func TestScoreIsTheLoss(t *testing.T) {
	m, vlm := openFixture(t)
	s := generate.NewSession(vlm, 0, nil)
	img := picture(t, "image0.png")
	for _, text := range []string{"a cat", "a cat and a dog", "x"} {
		p, err := m.Processor.Learn([]model.Turn{user("What?", img), {Role: "assistant", Text: text}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Score(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		loss := model.Loss(&tensor.Ctx{}, vlm, p, 1).F32[0]
		if math.Abs(got+float64(loss)) > 1e-4 {
			t.Errorf("%q scores %v and loses %v", text, got, loss)
		}
	}
}

func TestScoreErrors(t *testing.T) {
	m, vlm := openStories(t)
	p := text(t, m, "Once upon a time")
	labels := func(l ...int32) []int32 { return append(make([]int32, len(p.IDs)-len(l)), l...) }
	for want, q := range map[string]*model.Prompt{
		"has labels":              {IDs: p.IDs},
		"is one conversation":     {IDs: p.IDs, Labels: labels(3), Starts: []int{0, 2, len(p.IDs)}},
		"labels of":               {IDs: p.IDs, Labels: []int32{3}},
		"which is not in the":     {IDs: p.IDs, Labels: labels(512)},
		"token 2 of the prompt":   {IDs: []int32{1, 2, 3, 4, 512}, Labels: []int32{-1, 2, 3, 4, 5}},
		"context's 8":             {IDs: make([]int32, 9), Labels: make([]int32, 9)},
		"behind the beginning of": {IDs: p.IDs, Labels: labels(3), Images: []*model.Tiles{{}}, At: []int{3}},
	} {
		_, err := generate.NewSession(vlm, 8, nil).Score(context.Background(), q)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
