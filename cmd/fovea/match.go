package main

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"
)

type matchCmd struct {
	Image []string `help:"Picture file or folder; may be repeated." short:"i" required:"" placeholder:"FILE" sep:"none"`
	JSON  bool     `name:"json" help:"Print a JSON list."`
	Text  []string `arg:"" help:"The texts."`
	dualFlags
}

func (matchCmd) Help() string {
	return `Tells how well texts and pictures go together.

similarity is the cosine of the embeddings of picture and text, of BLIP-2 that of
the text and the query which is most like it; match is the probability that the
text belongs to the picture, of a model that tells it: SiglipModel by the
embeddings, BlipForImageTextRetrieval and Blip2ForImageTextRetrieval by reading
the text with the picture before it, which is slower.

Examples:

    fovea match --model blip-itm-base-coco --image a.jpg "two cats on a sofa" "a dog"
    fovea match --model blip2_pretrained.pth --image a.jpg "two cats on a sofa"
    fovea match --model clip-vit-base-patch32 --image photos --json "a beach"`
}

// matched is a picture and a text.
type matched struct {
	Image      string   `json:"image"`
	Text       string   `json:"text"`
	Similarity float32  `json:"similarity"`
	Match      *float32 `json:"match,omitempty"`
}

func (c *matchCmd) Run(ctx context.Context, g *globals) error {
	files, err := pictureFiles(c.Image)
	if err != nil {
		return err
	}
	d, err := c.openDual(g)
	if err != nil {
		return err
	}
	defer d.close()
	all, err := c.match(ctx, d, files)
	if err != nil {
		return err
	}
	if c.JSON {
		return writeJSON(os.Stdout, all)
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, m := range all {
		match := ""
		if m.Match != nil {
			match = fmt.Sprintf("match %5.1f %%", 100**m.Match)
		}
		fmt.Fprintf(t, "%s\t%q\tsimilarity %6.3f\t%s\n", m.Image, m.Text, m.Similarity, match)
	}
	return t.Flush()
}

func (c *matchCmd) match(ctx context.Context, d *dual, files []string) ([]matched, error) {
	ids, err := d.tokens(c.Text)
	if err != nil {
		return nil, err
	}
	texts := d.embedTexts(ids)
	var out []matched
	p := newProgress(0, len(files), len(files) == 1)
	defer p.end()
	for i, file := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := d.see(file)
		if err != nil {
			return nil, err
		}
		first := len(out)
		for j, text := range c.Text {
			out = append(out, matched{Image: file, Text: text, Similarity: s.cosine(texts.Row(j))})
		}
		match := d.pairs(s.vectors, texts)
		if match == nil {
			match = d.matches(s, ids)
		}
		for j := range match {
			out[first+j].Match = &match[j]
		}
		p.at(i+1, "comparing")
	}
	return out, nil
}
