package main

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/data"
)

type dataConvertCmd struct {
	dataFlags
	Out   string `arg:"" help:"File to write. Of the formats in JSON, a name with .jsonl has a line for each sample."`
	To    string `help:"Format to write; fovea data formats lists them." required:"" placeholder:"FORMAT"`
	Save  string `name:"save-images" help:"Folder that gets a copy of every picture; without it files name the pictures where they are." placeholder:"DIR"`
	Lossy bool   `help:"Leave out what the format cannot hold, and write boxes as text."`
	Quiet bool   `help:"Show no progress."`
}

func (dataConvertCmd) Help() string {
	return `Writes every sample that is whole. What the format cannot hold is an error that names it,
unless --lossy. Broken rows and broken pictures are left out and counted, unless --strict.

Examples:

    fovea data convert llava.json llava.jsonl --to swift
    fovea data convert refcoco refcoco.json --to qwen-vl --images train2014 --lossy
    fovea data convert 'shards/{000..009}.tar' data.jsonl --to openai --save-images pictures
    fovea data convert questions.json 00000.tar --to webdataset --images val2014`
}

// Run converts a data set.
func (c *dataConvertCmd) Run() error {
	d, err := c.open()
	if err != nil {
		return err
	}
	w, err := data.Create(c.Out, c.To, data.WriteOptions{Save: c.Save, Lossy: c.Lossy})
	if err != nil {
		return errors.Join(err, d.Close())
	}
	left, err := c.copy(w, d)
	if err != nil {
		return errors.Join(err, w.Abort(), d.Close())
	}
	if err := errors.Join(w.Close(), d.Close()); err != nil {
		return err
	}
	fmt.Printf("%d samples in %s", d.Len()-left, c.Out)
	if n := left + d.Broken(); n > 0 {
		fmt.Printf("; %d broken ones left out, see fovea data validate", n)
	}
	fmt.Println()
	return nil
}

// copy writes the samples and tells how many were left out.
func (c *dataConvertCmd) copy(w *data.Writer, d *data.Set) (left int, err error) {
	p := newProgress(0, d.Len(), c.Quiet || d.Len() < fewSamples)
	defer p.end()
	for i := range d.Len() {
		s, err := d.At(i)
		if err == nil {
			err = w.Write(s)
		}
		if _, broken := errors.AsType[*data.Problem](err); broken && !c.Strict {
			left++
			err = nil
		}
		if err != nil {
			return left, err
		}
		p.at(i+1, "samples")
	}
	return left, nil
}
