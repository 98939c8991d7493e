package main

import (
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/data/scenes"
)

type dataCmd struct {
	Scenes   dataScenesCmd   `cmd:"" help:"Draw scenes of coloured shapes with questions and answers."`
	Validate dataValidateCmd `cmd:"" help:"Check every sample and picture of a data set, and tell what is in it."`
	Convert  dataConvertCmd  `cmd:"" help:"Write a data set in another format."`
	Show     dataShowCmd     `cmd:"" help:"Draw samples with their questions and boxes on one sheet."`
	Formats  dataFormatsCmd  `cmd:"" help:"List the formats of data sets."`
}

// dataFlags name a data set and say how it is read.
type dataFlags struct {
	Path     string `arg:"" help:"File, folder, or several files: shards/{000..099}.tar."`
	Format   string `help:"Format, if it is not to be recognised; fovea data formats lists them." placeholder:"FORMAT"`
	Images   string `help:"Folder of the pictures." placeholder:"DIR"`
	Cache    string `help:"Folder of pictures that the data knows by their addresses; nothing is fetched." placeholder:"DIR"`
	Name     string `help:"Entry of a dataset_info.json or an InternVL meta file; all without it." placeholder:"NAME"`
	Split    string `help:"Split, of RefCOCO and Karpathy's COCO; all without it." placeholder:"SPLIT"`
	Answers  string `help:"VQAv2's annotations, if they are not beside the questions." placeholder:"FILE"`
	Prompt   string `help:"What is asked where the format has no questions; {} stands for what is to be found." placeholder:"TEXT"`
	Coords   string `help:"What boxes mean where the format leaves it open: pixel, norm01, norm1000 or norm999, and with commas between xywh and padded." placeholder:"COORDS"`
	Mentions string `help:"Take [x1, y1, x2, y2] in texts for boxes, in such coordinates: norm01,padded." placeholder:"COORDS"`
	Strict   bool   `help:"Fail at the first broken row or picture."`
}

// fewSamples need no progress: fewer are done at once.
const fewSamples = 1000

// open opens the data set.
func (f *dataFlags) open() (*data.Set, error) {
	o := data.Options{
		Format: f.Format, Images: f.Images, Cache: f.Cache, Name: f.Name, Split: f.Split, Answers: f.Answers, Prompt: f.Prompt, Strict: f.Strict,
	}
	for _, c := range []struct {
		flag, text string
		into       **data.Coords
	}{{"--coords", f.Coords, &o.Coords}, {"--mentions", f.Mentions, &o.Mentions}} {
		if c.text == "" {
			continue
		}
		coords, err := data.ParseCoords(c.text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.flag, err)
		}
		*c.into = &coords
	}
	return data.Open(f.Path, o)
}

type dataFormatsCmd struct{}

func (dataFormatsCmd) Help() string {
	return `Those with a mark can be written by fovea data convert.

Example:

    fovea data formats`
}

// Run lists the formats.
func (dataFormatsCmd) Run() error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, f := range data.Formats() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Name, map[bool]string{true: "w"}[f.Writes], f.About)
	}
	return t.Flush()
}

type dataScenesCmd struct {
	Seed      uint64 `help:"Seed: the same seed gives the same files." default:"0" placeholder:"N"`
	N         int    `help:"Number of scenes." default:"8" placeholder:"N"`
	Out       string `help:"Directory to write to." required:"" placeholder:"DIR"`
	Side      int    `help:"Pixels along a side of the pictures." default:"256" placeholder:"N"`
	Questions int    `help:"Questions of each scene, English and Chinese taking turns." default:"12" placeholder:"N"`
	Split     string `help:"Namespace of the seed: no scene of train is one of eval." enum:"train,eval" default:"train"`
}

func (dataScenesCmd) Help() string {
	return `Writes the pictures (images/), conversations in LLaVA's format (scenes.json),
the ground truth with boxes (truth.json), and a page to look at (index.html).

Examples:

    fovea data scenes --seed 7 --n 8 --out scenes
    fovea data scenes --split eval --seed 1 --n 100 --side 128 --out held-out`
}

func (c *dataScenesCmd) Run() error {
	opts := scenes.Options{Split: c.Split, Side: c.Side, Questions: c.Questions}
	if err := scenes.Write(c.Out, c.Seed, c.N, opts); err != nil {
		return err
	}
	fmt.Printf("%d scenes in %s; look at %s\n", c.N, c.Out, filepath.Join(c.Out, "index.html"))
	return nil
}
