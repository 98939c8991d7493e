package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/embedded"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// modelFlags name the model of a command.
type modelFlags struct {
	Model    string `help:"Checkpoint directory, GGUF file, or .pth file of LAVIS's BLIP-2, instead of the model in the binary." placeholder:"PATH"`
	Mmproj   string `help:"GGUF file of the picture encoder that goes with a GGUF --model." placeholder:"FILE"`
	Language string `name:"language-model" help:"Directory of the language model that goes with a .pth --model, or with LLaVA's mm_projector.bin." placeholder:"DIR"`
	Tower    string `name:"vision-tower" help:"Directory of the CLIP that goes with a --model of LLaVA's own repository." placeholder:"DIR"`
	Quant    string `help:"Quantise the language model on opening; fovea quantize --help lists the types." placeholder:"TYPE"`
	LoRA     string `name:"lora" help:"Directory of LoRA, rsLoRA or DoRA weights in PEFT's layout, to be added to the model's." placeholder:"DIR"`
}

// openModel opens the model as the flags say.
func (f modelFlags) openModel() (*zoo.Model, error) {
	m, err := openPath(f.Model, f.Mmproj, zoo.Beside{Tower: f.Tower, Language: f.Language})
	if err != nil {
		return nil, err
	}
	if f.Quant != "" {
		err = quantize(m, f.Quant)
	}
	if err == nil && f.LoRA != "" {
		err = adapt(m, f.LoRA)
	}
	if err != nil {
		_ = m.Close()
		return nil, err
	}
	return m, nil
}

// adapt attaches the adapter in a directory.
func adapt(m *zoo.Model, dir string) error {
	pool := kernel.NewPool(runtime.GOMAXPROCS(0))
	defer pool.Close()
	return m.OpenLoRA(dir, pool)
}

// openPath opens a directory, or a GGUF file or one of LAVIS with what goes with it; "" stands for the model in the binary.
func openPath(path, mmproj string, o zoo.Beside) (*zoo.Model, error) {
	switch {
	case isLAVIS(path) && mmproj == "":
		return zoo.OpenLAVIS(path, o.Language)
	case mmproj == "" && path != "" && zoo.IsOriginalLLaVA(path):
		return zoo.OpenOriginalLLaVA(path, o)
	case o.Language != "":
		return nil, fmt.Errorf("--language-model %s: it goes with a --model that is a .pth file, or LLaVA's mm_projector.bin", o.Language)
	case o.Tower != "":
		return nil, fmt.Errorf("--vision-tower %s: it goes with a --model of LLaVA's own repository", o.Tower)
	case isGGUF(path):
		return zoo.OpenGGUF(path, mmproj)
	case mmproj != "":
		return nil, fmt.Errorf("--mmproj %s: it goes with a --model that is a GGUF file", mmproj)
	case path == "":
		return zoo.Open(embedded.Tiny(), embedded.Name)
	}
	return zoo.OpenDir(path)
}

func isLAVIS(path string) bool { return strings.EqualFold(filepath.Ext(path), ".pth") }

func isGGUF(path string) bool { return strings.EqualFold(filepath.Ext(path), ".gguf") }

// quantize stores the language model's matrices as a mixture of that name has them.
func quantize(m *zoo.Model, mixture string) error {
	x, err := checkpoint.ParseMixture(mixture)
	if err != nil {
		return err
	}
	p := newProgress(0, 1, false)
	defer p.end()
	return m.Quantize(x, func(done, total int) { p.of(total).at(done, "quantising to "+x.Name) })
}

// openGenerator opens a model that answers questions.
func (f modelFlags) openGenerator() (*zoo.Model, model.VLM, error) {
	m, err := f.openModel()
	if err != nil {
		return nil, nil, err
	}
	vlm, ok := m.VLM()
	if !ok {
		_ = m.Close()
		return nil, nil, fmt.Errorf("%s: a %s does not generate text; try fovea inspect", m.Name, m.Family.Architecture)
	}
	return m, vlm, nil
}

// pictureFlags say how picture files are read.
type pictureFlags struct {
	Background *colour `help:"Colour behind transparent pixels: white, black or #rrggbb. Without it transparency is dropped." placeholder:"COLOUR"`
}

// open decodes picture files for a model, and refuses those that it cannot see.
func (f pictureFlags) open(m *zoo.Model, files ...string) ([]*imageproc.RGB, error) {
	if len(files) > 0 && m.Pictures == nil {
		return nil, fmt.Errorf("%s reads text only and takes no pictures: leave them out, or give another --model", m.Name)
	}
	var out []*imageproc.RGB
	for _, file := range files {
		img, err := imageproc.OpenFile(file, imageproc.Options{Background: (*imageproc.Color)(f.Background)})
		if err != nil {
			return nil, err
		}
		if err := m.Pictures.Fits(img.W, img.H); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		out = append(out, img)
	}
	return out, nil
}

// videoFlags say how videos are read.
type videoFlags struct {
	Frames int     `help:"See this many frames of each video, evenly spaced, instead of what the model's reference takes." placeholder:"N"`
	FPS    float64 `name:"fps" help:"See this many frames a second of each video." placeholder:"X"`
	Rate   float64 `name:"frame-rate" help:"Frames a second that the pictures of a video folder are apart; without it all are seen, as many a second as the model is used to." placeholder:"X"`
}

// open opens videos for a model, and refuses those that it cannot see.
func (f videoFlags) open(m *zoo.Model, pictures pictureFlags, paths ...string) ([]*imageproc.Video, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	if m.Processor == nil || m.Processor.VideoProcessor() == nil {
		return nil, fmt.Errorf("%s takes no videos: give pictures of it with --image, or another --model; fovea models tells which take videos", m.Name)
	}
	var out []*imageproc.Video
	for _, path := range paths {
		o := imageproc.VideoOptions{Sampling: imageproc.Sampling{Frames: f.Frames, FPS: f.FPS}}
		o.Background = (*imageproc.Color)(pictures.Background)
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			o.Rate = f.Rate
		}
		v, err := imageproc.OpenVideoFile(path, o)
		if err != nil {
			return nil, err
		}
		if _, err := m.Processor.VideoProcessor().Plan(v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// colour is a flag's value: a name or #rrggbb.
type colour imageproc.Color

// UnmarshalText reads a colour.
func (c *colour) UnmarshalText(text []byte) error {
	switch string(text) {
	case "white":
		*c = colour(imageproc.White)
		return nil
	case "black":
		*c = colour{}
		return nil
	}
	if _, err := fmt.Sscanf(string(text), "#%02x%02x%02x", &c[0], &c[1], &c[2]); err != nil || len(text) != len("#rrggbb") {
		return fmt.Errorf("%q is not white, black or #rrggbb", text)
	}
	return nil
}
