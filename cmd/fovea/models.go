package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/nn"
	"github.com/fovea-ml/fovea/tensor"
	"github.com/fovea-ml/fovea/zoo"
)

type modelsCmd struct {
	JSON     bool `name:"json" help:"Print a JSON list."`
	Markdown bool `hidden:"" help:"Print docs/models.md."`
}

func (modelsCmd) Help() string {
	return `Lists the models that can be opened: what they are made of, the memory that the weights
of a published one take in bf16 and as q4_0, and the checkpoints of the reference
implementation that fovea verify compares them with.

Examples:

    fovea models
    fovea models --json`
}

// known is a family as it is told.
type known struct {
	System       string      `json:"system,omitempty"`
	Architecture string      `json:"architecture"`
	Published    []string    `json:"published"`
	Encoder      string      `json:"encoder,omitempty"`
	Adapter      string      `json:"adapter,omitempty"`
	Language     string      `json:"language,omitempty"`
	Layouts      string      `json:"layouts"`
	Videos       string      `json:"videos,omitempty"` // what is seen of them, if they are taken
	Verified     []string    `json:"verified"`         // fixtures, within 1e-5 of each stage's largest magnitude
	Sizes        []knownSize `json:"sizes,omitempty"`
	about        zoo.About
}

// knownSize is the memory that the weights of a published model take.
type knownSize struct {
	Preset     string `json:"preset"`
	Parameters int64  `json:"parameters"`
	BF16       int64  `json:"bf16_bytes"`
	Q4         int64  `json:"q4_0_bytes,omitempty"`
}

func (c *modelsCmd) Run() error {
	all, err := knownModels()
	switch {
	case err != nil:
		return err
	case c.JSON:
		return writeJSON(os.Stdout, all)
	case c.Markdown:
		return writeModels(os.Stdout, all)
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	system := ""
	for i, k := range all {
		if k.System != system || i == 0 {
			system = k.System
			fmt.Fprintf(t, "%s\n", cmp.Or(system, "Parts and language models alone"))
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", k.Architecture, k.made(), k.memory(), strings.Join(k.Published, ", "))
	}
	return t.Flush()
}

// made says what a model is made of.
func (k *known) made() string {
	var parts []string
	for _, p := range []string{k.Encoder, k.Adapter, k.Language} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, " → ")
}

// memory tells that of the first published size.
func (k *known) memory() string {
	if len(k.Sizes) == 0 {
		return ""
	}
	s := k.Sizes[0]
	if s.Q4 == 0 {
		return size(s.BF16)
	}
	return fmt.Sprintf("%s, q4_0 %s", size(s.BF16), size(s.Q4))
}

// knownModels are the families of the zoo, those of a system side by side.
func knownModels() ([]*known, error) {
	var all []*known
	for _, system := range []string{"BLIP", "BLIP-2", "LLaVA", "Qwen-VL", "SPHINX", ""} {
		for _, f := range zoo.Families() {
			if f.About.System != system {
				continue
			}
			a := f.About
			k := &known{a.System, f.Architecture, a.Published, a.Encoder, a.Adapter, a.Language, a.Layouts, a.Videos, a.Fixtures, nil, a}
			for _, name := range a.Presets {
				s, err := presetSize(name)
				if err != nil {
					return nil, err
				}
				k.Sizes = append(k.Sizes, s)
			}
			all = append(all, k)
		}
	}
	return all, nil
}

// presetSize counts what the weights of a preset take. Without a language model that
// can be stored so, there is no q4_0.
func presetSize(name string) (s knownSize, err error) {
	m, err := blankPreset(name)
	if err != nil {
		return s, err
	}
	s.Preset = name
	bf16 := filler{base: tensor.BF16}
	s.BF16 = bf16.bytes(m)
	s.Parameters = int64(nn.Count(m.Net, nil))
	q4, err := checkpoint.ParseMixture("q4_0")
	if err != nil {
		return s, err
	}
	if plan, err := m.DTypes(q4); err == nil {
		f := filler{base: tensor.F16, plan: plan}
		s.Q4 = f.bytes(m)
	}
	return s, nil
}

// writeModels writes docs/models.md.
func writeModels(w io.Writer, all []*known) error {
	var b strings.Builder
	b.WriteString(modelsIntro)
	system := "-"
	for _, k := range all {
		if k.System != system {
			system = k.System
			fmt.Fprintf(&b, "\n## %s\n", cmp.Or(system, "Parts and language models alone"))
		}
		k.write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const modelsIntro = `<!-- go generate ./cmd/fovea writes this file from zoo's table. -->

# Models

What can be opened, exactly as people have it on disk, and what to do with it. Each command is run by a test on a tiny
checkpoint of the reference implementation; here it stands with a published one. Memory is that of the weights of the
published model that is named first, stored in bfloat16 and with the language model as q4_0 (` + "`fovea models --json`" + ` has the
bytes). *Verified* are checkpoints with random weights and what the reference implementation computes of them:
` + "`fovea verify testdata/NAME`" + ` compares every stage, within 1e-5 of its largest magnitude in float32. What
they make of *videos* is in a directory of its own: ` + "`fovea verify testdata/NAME --expected testdata/NAME_video`" + `.
`

func (k *known) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n", k.Architecture)
	row := func(what, is string) {
		if is != "" {
			fmt.Fprintf(b, "| %s | %s |\n", what, is)
		}
	}
	b.WriteString("| | |\n|---|---|\n")
	row("Published", strings.Join(k.Published, ", "))
	row("Made of", k.made())
	row("Videos", k.Videos)
	row("Files", k.Layouts)
	row("Memory", k.memory())
	if len(k.Verified) > 0 {
		row("Verified", "`"+strings.Join(k.Verified, "`, `")+"`")
	}
	if len(k.about.Try) == 0 {
		return
	}
	_, name, _ := strings.Cut(k.Published[0], "/")
	b.WriteString("\n```sh\n")
	for _, try := range k.about.Try {
		b.WriteString(strings.NewReplacer("{model}", name, "{picture}", "photo.jpg", "{video}", "clip.gif").Replace(try) + "\n")
	}
	b.WriteString("```\n")
}
