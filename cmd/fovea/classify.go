package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

type classifyCmd struct {
	Labels   []string `help:"The classes, separated by commas." required:"" placeholder:"A,B,..."`
	Template string   `help:"Text that is made of a class; {} stands for it." default:"a photo of a {}" placeholder:"TEXT"`
	Top      int      `help:"Classes to tell of each picture; 0 tells all." default:"5" placeholder:"N"`
	JSON     bool     `name:"json" help:"Print a JSON list."`
	Image    []string `arg:"" help:"Picture files and folders."`
	dualFlags
}

func (classifyCmd) Help() string {
	return `Sorts pictures into classes that are only named, not learned (zero-shot): the class
whose text is most like the picture wins. Probabilities are a softmax over the
classes; of SiglipModel, BlipForImageTextRetrieval and Blip2ForImageTextRetrieval,
each is that of a match by itself.

Examples:

    fovea classify --model clip-vit-base-patch32 --labels cat,dog,bird photos
    fovea classify --model siglip-base-patch16-224 --labels cat,dog --template "This is a photo of {}." a.jpg
    fovea classify --model clip-vit-base-patch32 --labels "sunny,rainy" --template "a {} day" --json a.jpg`
}

// classified is a picture and its likeliest classes.
type classified struct {
	Image   string  `json:"image"`
	Classes []class `json:"classes"`
}

type class struct {
	Label       string  `json:"label"`
	Probability float32 `json:"probability"`
}

func (c *classifyCmd) Run(ctx context.Context, g *globals) error {
	texts, err := c.texts()
	if err != nil {
		return err
	}
	files, err := pictureFiles(c.Image)
	if err != nil {
		return err
	}
	d, err := c.openDual(g)
	if err != nil {
		return err
	}
	defer d.close()
	all, err := c.classify(ctx, d, files, texts)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(os.Stdout, all)
	}
	for _, p := range all {
		fmt.Println(p.Image)
		for _, k := range p.Classes {
			fmt.Printf("  %6.2f %%  %s\n", 100*k.Probability, k.Label)
		}
	}
	return nil
}

// texts are those of the classes.
func (c *classifyCmd) texts() ([]string, error) {
	if !strings.Contains(c.Template, "{}") {
		return nil, fmt.Errorf("--template %q: has no {} for the class", c.Template)
	}
	if len(c.Labels) < 2 {
		return nil, errors.New("--labels: give two classes or more, separated by commas")
	}
	texts := make([]string, len(c.Labels))
	for i, l := range c.Labels {
		c.Labels[i] = strings.TrimSpace(l)
		texts[i] = strings.ReplaceAll(c.Template, "{}", c.Labels[i])
	}
	return texts, nil
}

func (c *classifyCmd) classify(ctx context.Context, d *dual, files, texts []string) ([]classified, error) {
	ids, err := d.tokens(texts)
	if err != nil {
		return nil, err
	}
	known := d.embedTexts(ids)
	var out []classified
	p := newProgress(0, len(files), len(files) < 2)
	defer p.end()
	for i, file := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		odds, err := d.odds(file, known, ids)
		if err != nil {
			return nil, err
		}
		out = append(out, classified{file, c.best(odds)})
		p.at(i+1, "classifying")
	}
	return out, nil
}

// odds are the probabilities of texts for a picture.
func (d *dual) odds(file string, known *tensor.Tensor, ids [][]int32) ([]float32, error) {
	s, err := d.see(file)
	if err != nil {
		return nil, err
	}
	if odds := d.matches(s, ids); odds != nil {
		return odds, nil
	}
	if odds := d.pairs(s.vectors, known); odds != nil {
		return odds, nil
	}
	y := d.net.Similarity(&d.ctx, s.vectors, known).F32
	kernel.Softmax(y, y)
	return y, nil
}

// best are the likeliest classes.
func (c *classifyCmd) best(odds []float32) []class {
	all := make([]class, len(odds))
	for i, p := range odds {
		all[i] = class{c.Labels[i], p}
	}
	slices.SortStableFunc(all, func(a, b class) int { return cmp.Compare(b.Probability, a.Probability) })
	if c.Top > 0 {
		all = all[:min(c.Top, len(all))]
	}
	return all
}
