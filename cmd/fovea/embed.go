package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/fovea-ml/fovea/tensor"
)

type embedCmd struct {
	Image []string `help:"Picture file or folder; may be repeated." short:"i" placeholder:"FILE" sep:"none"`
	Text  []string `arg:"" optional:"" help:"Texts."`
	dualFlags
}

func (embedCmd) Help() string {
	return `Prints the embeddings of pictures and texts, of unit length: the closer two of them
point, the more their picture or text are alike. Each line is a JSON object with
"image" or "text" and "embedding"; a picture has "embeddings", a list of them, where
the model gives it several, as BLIP-2 one for each query.

Examples:

    fovea embed --model clip-vit-base-patch32 --image photos > photos.jsonl
    fovea embed --model clip-vit-base-patch32 "a beach" "a cat" --image a.jpg`
}

// embedding is a line of the output.
type embedding struct {
	Image     string    `json:"image,omitempty"`
	Text      string    `json:"text,omitempty"`
	Embedding []float32 `json:"embedding,omitempty"`

	Embeddings [][]float32 `json:"embeddings,omitempty"` // of a picture that has several
}

// ofPicture is the line of a picture file.
func ofPicture(file string, vectors *tensor.Tensor) embedding {
	if vectors.Rows() == 1 {
		return embedding{Image: file, Embedding: vectors.Row(0)}
	}
	line := embedding{Image: file}
	for i := range vectors.Rows() {
		line.Embeddings = append(line.Embeddings, vectors.Row(i))
	}
	return line
}

func (c *embedCmd) Run(ctx context.Context, g *globals) error {
	if len(c.Image)+len(c.Text) == 0 {
		return errors.New("nothing to embed: give --image FILE, or texts")
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
	w := bufio.NewWriter(os.Stdout)
	if err := c.write(ctx, d, files, json.NewEncoder(w)); err != nil {
		return err
	}
	return w.Flush()
}

func (c *embedCmd) write(ctx context.Context, d *dual, files []string, out *json.Encoder) error {
	out.SetEscapeHTML(false)
	if len(c.Text) > 0 {
		ids, err := d.tokens(c.Text)
		if err != nil {
			return err
		}
		x := d.embedTexts(ids)
		for i, text := range c.Text {
			if err := out.Encode(embedding{Text: text, Embedding: x.Row(i)}); err != nil {
				return err
			}
		}
	}
	p := newProgress(0, len(files), len(files) < 2)
	defer p.end()
	for i, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		s, err := d.see(file)
		if err != nil {
			return err
		}
		if err := out.Encode(ofPicture(file, s.vectors)); err != nil {
			return err
		}
		p.at(i+1, "embedding")
	}
	return nil
}
