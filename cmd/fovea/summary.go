package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

// summary is what inspect tells about a model.
type summary struct {
	Name           string       `json:"name"`
	Architecture   string       `json:"architecture"`
	Parameters     int          `json:"parameters"`
	Parts          []partLine   `json:"parts"`
	DTypes         []string     `json:"dtypes,omitempty"` // as stored
	Weights        bool         `json:"weights"`          // whether they are there
	TokensPerImage int          `json:"tokens_per_image,omitempty"`
	Varies         bool         `json:"tokens_vary,omitempty"` // with the picture: the number is the largest
	Pictures       string       `json:"pictures,omitempty"`    // the pipeline
	Videos         string       `json:"videos,omitempty"`      // the pipeline of frames
	Context        int          `json:"context,omitempty"`
	Vocabulary     int          `json:"vocabulary,omitempty"`
	ChatTemplate   bool         `json:"chat_template"`
	EndTokens      []string     `json:"end_tokens,omitempty"`
	Memory         memory       `json:"memory"`
	Kernel         string       `json:"kernel"`
	Prompts        string       `json:"compute_prompts"` // dtype of matrix products
	Steps          string       `json:"compute_steps"`   // the same for generated tokens
	Tensors        []tensorLine `json:"tensors,omitempty"`

	Picture *pictureSummary `json:"picture,omitempty"`
	Video   *videoSummary   `json:"video,omitempty"`
}

// partLine is a part of a model: vision, adapter, language.
type partLine struct {
	Part       string `json:"part"`
	Parameters int    `json:"parameters"`
	Bytes      int64  `json:"bytes"`
}

// tensorLine is a parameter or a stored tensor.
type tensorLine struct {
	Name  string `json:"name"`
	Part  string `json:"part,omitempty"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
}

func newTensorLine(name, part string, d tensor.DType, shape []int) tensorLine {
	return tensorLine{name, part, d.String(), append([]int{}, shape...)}
}

func (l tensorLine) elements() int { return tensor.Size(l.Shape) }

func tensorsOf(m *zoo.Model) (lines []tensorLine) {
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) {
		lines = append(lines, newTensorLine(name, m.Family.PartOf(name), t.DType, t.Shape))
	})
	return lines
}

func summarise(m *zoo.Model, whole bool) *summary {
	s := &summary{Name: m.Name, Architecture: m.Family.Architecture, Weights: whole, Kernel: kernel.Name()}
	prompts, steps := m.Compute()
	s.Prompts, s.Steps = prompts.String(), steps.String()
	for i, p := range m.Family.Parts {
		if slices.ContainsFunc(m.Family.Parts[:i], func(q zoo.Part) bool { return q.Name == p.Name }) {
			continue // of more than one prefix
		}
		s.Parts = append(s.Parts, partLine{Part: p.Name})
	}
	nn.Walk(m.Net, func(name string, t *tensor.Tensor) { s.add(m.Family.PartOf(name), t) })
	if t, ok := m.Net.(interface{ TokensPerImage() int }); ok {
		s.TokensPerImage = t.TokensPerImage()
	}
	if m.Pictures != nil {
		s.Pictures, s.Varies = m.Pictures.String(), m.Pictures.Tiling() != nil
		if r, ok := m.Pictures.Smart(); ok && m.Processor != nil {
			s.TokensPerImage, s.Varies = r.Max/(r.Factor*r.Factor), true
		}
	}
	if m.Processor != nil && m.Processor.VideoProcessor() != nil {
		s.Videos = m.Processor.VideoProcessor().String()
	}
	if m.Tokenizer != nil {
		s.Vocabulary, s.ChatTemplate = m.Tokenizer.Size(), m.Tokenizer.HasChatTemplate("")
		if p, ok := m.Processor.(interface{ Templated() bool }); ok {
			s.ChatTemplate = p.Templated() // of its family, where the checkpoint has none
		}
		for _, id := range m.Generation.EOS {
			s.EndTokens = append(s.EndTokens, m.Tokenizer.Token(id))
		}
	}
	if vlm, ok := m.VLM(); ok {
		s.Context = vlm.Decoder().Context()
	}
	s.Memory = memoryOf(m)
	return s
}

// add counts a parameter.
func (s *summary) add(part string, t *tensor.Tensor) {
	n := tensor.Size(t.Shape)
	s.Parameters += n
	for i := range s.Parts {
		if p := &s.Parts[i]; p.Part == part {
			p.Parameters += n
			p.Bytes += int64(t.Bytes())
		}
	}
	if s.Weights && !slices.Contains(s.DTypes, t.DType.String()) {
		s.DTypes = append(s.DTypes, t.DType.String())
	}
}

// write prints the summary for people.
func (s *summary) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("model", "%s", s.Name)
	row("architecture", "%s", s.Architecture)
	row("parameters", "%s", count(s.Parameters))
	for _, p := range s.Parts {
		if p.Parameters > 0 {
			row("  "+p.Part, "%s", count(p.Parameters))
		}
	}
	if s.Weights {
		row("weights", "%s", strings.Join(s.DTypes, ", "))
	} else {
		row("weights", "none in the directory; counted as F32")
	}
	if s.Pictures != "" {
		row("pictures", "%s", s.Pictures)
	}
	if s.Videos != "" {
		row("videos", "%s", s.Videos)
	}
	if s.TokensPerImage > 0 {
		row("tokens per picture", map[bool]string{true: "up to %d", false: "%d"}[s.Varies], s.TokensPerImage)
	}
	if s.Context > 0 {
		row("context", "%d tokens", s.Context)
	}
	if s.Vocabulary > 0 {
		row("vocabulary", "%d tokens", s.Vocabulary)
		row("chat template", "%s", map[bool]string{true: "yes", false: "none: texts are joined as they are"}[s.ChatTemplate])
	}
	if len(s.EndTokens) > 0 {
		row("end of an answer", "%s", strings.Join(s.EndTokens, " "))
	}
	s.Memory.write(row)
	row("kernel", "%s; products in %s, of generated tokens in %s", s.Kernel, s.Prompts, s.Steps)
	if err := t.Flush(); err != nil {
		return err
	}
	if s.Picture != nil {
		if err := s.Picture.write(w); err != nil {
			return err
		}
	}
	if s.Video != nil {
		if err := s.Video.write(w); err != nil {
			return err
		}
	}
	if s.Tensors == nil {
		return nil
	}
	fmt.Fprintln(w)
	return writeTensors(w, s.Tensors)
}

// count shows a number with its thousands apart.
func count(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// size shows bytes as people read them.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.2f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
}
