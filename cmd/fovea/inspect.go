package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/zoo"
)

type inspectCmd struct {
	Path   string `arg:"" optional:"" help:"Checkpoint directory, GGUF file, .safetensors, .bin or .pth file."`
	Mmproj string `help:"GGUF file of the picture encoder that goes with a GGUF PATH." placeholder:"FILE"`

	Tower    string `name:"vision-tower" help:"Directory of the CLIP that goes with a PATH of LLaVA's own repository." placeholder:"DIR"`
	Language string `name:"language-model" help:"Directory of the language model that goes with a .pth PATH of LAVIS's BLIP-2." placeholder:"DIR"`

	Tensors bool   `help:"List every tensor."`
	Image   string `help:"Picture file: print the views that the model has of it, its tiles and its tokens." short:"i" placeholder:"FILE"`
	Video   string `help:"Video, a folder of pictures or an animated GIF or WebP file: print the frames that the model sees of it, when they are, and its tokens." placeholder:"PATH"`
	Draw    string `help:"PNG file to draw the views of --image to." placeholder:"FILE"`
	JSON    bool   `name:"json" help:"Print JSON."`
	pictureFlags
	videoFlags
}

func (inspectCmd) Help() string {
	return `Architecture, parameters by part, tokens per picture, picture pipeline, context and
the memory that inference takes. A directory may lack the weights. With --image or
--video, what the model sees of a picture or a video.

Examples:

    fovea inspect llava-1.5-7b
    fovea inspect llava-1.5-7b --json --tensors
    fovea inspect llava-v1.6-vicuna-7b --image a.jpg --draw tiles.png
    fovea inspect qwen2.5-vl-3b --video clip.gif --fps 1
    fovea inspect vicuna-q4_k_m.gguf --mmproj mmproj-f16.gguf
    fovea inspect model.safetensors`
}

func (c *inspectCmd) Run() error {
	if c.Draw != "" && c.Image == "" {
		return errors.New("--draw needs --image, the picture to draw")
	}
	if st, err := os.Stat(c.Path); err == nil && !st.IsDir() && !c.generates() {
		return c.file()
	}
	m, whole, err := c.open()
	if err != nil {
		return err
	}
	defer m.Close()
	s := summarise(m, whole)
	if c.Tensors {
		s.Tensors = tensorsOf(m)
	}
	if c.Image != "" {
		images, err := c.pictureFlags.open(m, c.Image)
		if err != nil {
			return err
		}
		if s.Picture, err = lookAt(m, images[0], c.Image, c.Draw); err != nil {
			return err
		}
	}
	if c.Video != "" {
		videos, err := c.videoFlags.open(m, c.pictureFlags, c.Video)
		if err != nil {
			return err
		}
		if s.Video, err = watch(m, videos[0]); err != nil {
			return err
		}
	}
	if c.JSON {
		return writeJSON(os.Stdout, s)
	}
	return s.write(os.Stdout)
}

// open reports whether the weights are there too.
func (c *inspectCmd) open() (m *zoo.Model, whole bool, err error) {
	if c.Path == "" || isGGUF(c.Path) || isLAVIS(c.Path) || zoo.HasWeights(c.Path) {
		m, err = openPath(c.Path, c.Mmproj, zoo.Beside{Tower: c.Tower, Language: c.Language})
		return m, true, err
	}
	if _, err := os.Stat(c.Path); err != nil {
		return nil, false, err
	}
	m, err = zoo.Declare(os.DirFS(c.Path), c.Path)
	return m, false, err
}

// generates reports whether a file is a GGUF file of a language model, or has one beside it.
func (c *inspectCmd) generates() bool {
	if !isGGUF(c.Path) {
		return isLAVIS(c.Path) && c.Language != ""
	}
	ckpt, err := openFile(c.Path)
	if err != nil {
		return true // opening it as a model tells why not
	}
	defer ckpt.Close()
	return ckpt.GGUF()["general.architecture"] != "clip"
}

func openFile(path string) (*checkpoint.Checkpoint, error) {
	return checkpoint.Open(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}

// file lists the tensors of a single file.
func (c *inspectCmd) file() (err error) {
	ckpt, err := openFile(c.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ckpt.Close()) }()
	var out struct {
		Parameters int               `json:"parameters"`
		Bytes      int64             `json:"bytes"`
		Metadata   map[string]string `json:"metadata,omitempty"`
		Tensors    []tensorLine      `json:"tensors"`
	}
	out.Metadata = ckpt.Metadata()
	for _, name := range ckpt.Names() {
		info, _ := ckpt.Info(name)
		line := newTensorLine(name, "", info.DType, info.Shape)
		out.Parameters += line.elements()
		out.Bytes += info.Bytes
		out.Tensors = append(out.Tensors, line)
	}
	if c.JSON {
		return writeJSON(os.Stdout, out)
	}
	if err := writeTensors(os.Stdout, out.Tensors); err != nil {
		return err
	}
	_, err = fmt.Printf("\n%d tensors, %s parameters, %s\n", len(out.Tensors), count(out.Parameters), size(out.Bytes))
	return err
}

func writeTensors(w io.Writer, lines []tensorLine) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range lines {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", l.DType, strings.Trim(fmt.Sprint(l.Shape), "[]"), l.Name, l.Part)
	}
	return table.Flush()
}
