package eval

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
)

// Gallery is pictures and texts, and which belongs to which: what retrieval is measured
// on. A text that several pictures have is one text.
type Gallery struct {
	Name     string
	Pictures []data.Picture
	Texts    []string
	Belongs  [][]int // of each picture, the numbers of its texts

	number map[string]int // of each text
}

// Add appends a picture with its texts.
func (g *Gallery) Add(p data.Picture, texts ...string) {
	if g.number == nil {
		g.number = map[string]int{}
	}
	var own []int
	for _, t := range texts {
		n, ok := g.number[t]
		if !ok {
			n = len(g.Texts)
			g.number[t] = n
			g.Texts = append(g.Texts, t)
		}
		own = append(own, n)
	}
	g.Pictures, g.Belongs = append(g.Pictures, p), append(g.Belongs, own)
}

// SceneCaptions are scenes of the evaluation split, which no training seed reaches, each
// with its caption in a language.
func SceneCaptions(seed uint64, count int, lang scenes.Lang) (*Gallery, error) {
	opts := scenes.Options{Split: scenes.Eval, Questions: 1, Types: []scenes.Type{scenes.Caption}, Langs: []scenes.Lang{lang}}
	d, err := data.NewScenes(seed, count, opts, data.ByImage)
	if err != nil {
		return nil, err
	}
	g := &Gallery{Name: fmt.Sprintf("captions of scenes, seed %d", seed)}
	return g, g.fill(d, count)
}

// Captions are the pictures of a file in LLaVA's format, below a folder, with the
// answers about each as its texts. most limits their number, 0 takes all. Close the
// file when the gallery is no longer needed.
func Captions(file, folder string, most int) (g *Gallery, closeFile func() error, err error) {
	d, err := data.Open(file, data.Options{Format: "llava", Images: folder, Strict: true})
	if err != nil {
		return nil, nil, err
	}
	if most == 0 || most > d.Len() {
		most = d.Len()
	}
	g = &Gallery{Name: "captions of " + file}
	if err := g.fill(d, most); err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	return g, d.Close, nil
}

// fill adds the first n samples of a data set.
func (g *Gallery) fill(d data.Dataset, n int) error {
	for i := range n {
		s, err := d.At(i)
		if err != nil {
			return err
		}
		if len(s.Images) != 1 {
			return fmt.Errorf("eval: %s: sample %s has %d pictures: captions are of one", g.Name, s.ID, len(s.Images))
		}
		var texts []string
		for _, t := range s.Turns {
			if t.Role == data.Assistant {
				texts = append(texts, t.Text)
			}
		}
		if len(texts) == 0 {
			return fmt.Errorf("eval: %s: sample %s has no answer, which would be its caption", g.Name, s.ID)
		}
		g.Add(s.Images[0], texts...)
	}
	return nil
}
