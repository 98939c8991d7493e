package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fovea-ml/fovea/data/scenes"
	"github.com/fovea-ml/fovea/eval"
)

type evalRetrievalCmd struct {
	Data   string `help:"JSON file in LLaVA's format, whose answers are captions; without it, the captions of drawn scenes." placeholder:"FILE"`
	Images string `help:"Folder of the file's pictures; by default the file's own." placeholder:"DIR"`
	Limit  int    `help:"Take only the first N pictures of the file; 0 takes all." default:"0" placeholder:"N"`
	Seed   uint64 `help:"Seed of the scenes, in a namespace of its own: training never sees them." default:"1" placeholder:"N"`
	Count  int    `help:"Number of scenes." default:"200" placeholder:"N"`
	Lang   string `help:"Language of the scenes' captions: en or zh." default:"en" placeholder:"LANG"`
	Rerank int    `help:"Read the N most alike again, each text with the picture before it; 0 reads none." default:"0" placeholder:"N"`
	reportFlags
}

func (evalRetrievalCmd) Help() string {
	return `How often a model that compares pictures with texts finds a picture's text, and a
text's picture, among the first 1, 5 and 10 of all (recall), with 95 % Wilson
intervals. --rerank lets BLIP and BLIP-2 order the most alike anew by reading each
text with the picture, which is slower and better. A wrong one that is as alike as
the right one counts as before it; pictures with the same text share it.

Examples:

    fovea eval retrieval --model blip2_pretrained.pth --count 100 --rerank 16
    fovea eval retrieval --model clip-vit-base-patch32 --data flickr.json --images flickr
    fovea eval retrieval --model runs/stage1/model --seed 7 --json --quiet`
}

func (c *evalRetrievalCmd) Run(ctx context.Context, g *globals) (err error) {
	gallery, done, err := c.gallery()
	if err != nil {
		return err
	}
	defer func() {
		if e := done(); err == nil {
			err = e
		}
	}()
	m, err := c.openModel()
	if err != nil {
		return err
	}
	defer m.Close()
	pool := c.pool(g, m)
	defer pool.Close()
	bar := newProgress(0, len(gallery.Pictures), c.Quiet)
	r, err := eval.Retrieval(ctx, m, gallery, eval.RetrievalOptions{Pool: pool, Rerank: c.Rerank, OnStep: func(done, total int) {
		bar.of(total).at(done, "comparing")
	}})
	bar.end()
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(os.Stdout, r)
	}
	return r.Write(os.Stdout)
}

// gallery opens the pictures and texts.
func (c *evalRetrievalCmd) gallery() (*eval.Gallery, func() error, error) {
	if c.Data != "" {
		folder := c.Images
		if folder == "" {
			folder = filepath.Dir(c.Data)
		}
		return eval.Captions(c.Data, folder, max(c.Limit, 0))
	}
	if c.Images != "" || c.Limit != 0 {
		return nil, nil, fmt.Errorf("--images and --limit go with --data")
	}
	if c.Count < 1 {
		return nil, nil, fmt.Errorf("--count is %d, want at least 1", c.Count)
	}
	gallery, err := eval.SceneCaptions(c.Seed, c.Count, scenes.Lang(c.Lang))
	return gallery, func() error { return nil }, err
}
