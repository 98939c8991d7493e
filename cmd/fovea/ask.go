package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/grounding"
	"github.com/fovea-ml/fovea/zoo"
)

type askCmd struct {
	Image    []string `help:"Picture file; may be repeated." short:"i" placeholder:"FILE" sep:"none"`
	Video    []string `help:"Video: a folder of pictures, or an animated GIF or WebP file; may be repeated." placeholder:"PATH" sep:"none"`
	System   string   `help:"System prompt." placeholder:"TEXT"`
	Turns    string   `name:"conversation" help:"JSON file of what was said before the question, or with it: [{role, content}], the content a text or a list of {type: text, text}, {type: image, image: FILE} and {type: video, video: PATH}." placeholder:"FILE"`
	Raw      bool     `help:"Take the question as a finished prompt, without the chat template; the model's own marker, such as <image> or <|image_pad|>, stands for each picture, and <|video_pad|> or the like for each video."`
	Choose   []string `help:"Tell how likely this answer is among those given, instead of answering; to be repeated." placeholder:"ANSWER" sep:"none"`
	JSON     bool     `name:"json" help:"Print one JSON object with text, token ids and timings."`
	Question []string `arg:"" optional:"" help:"The question, or - to read it from standard input. Models that caption pictures go on from it, and need none."`
	modelFlags
	computeFlags
	pictureFlags
	videoFlags
	boxFlags
	samplingFlags
}

func (askCmd) Help() string {
	return `Examples:

    fovea ask --image examples/five.png "How many objects are there?"
    fovea ask --model vicuna-q4_k_m.gguf --mmproj mmproj.gguf --image a.jpg "What is this?"
    fovea ask --model blip2_pretrained_opt2.7b.pth --language-model opt-2.7b --image a.jpg "Question: what is this? Answer:"
    fovea ask --model llava-1.5-7b --image a.jpg --image b.jpg "What differs?"
    fovea ask --model qwen2.5-vl-3b --video clip.gif "What happens?"
    fovea ask --model llava-onevision-0.5b --video frames/ --frame-rate 25 --frames 8 "What happens in <video>?"
    fovea ask --model llava-1.5-7b --image a.jpg --image b.jpg "Is <image> later than <image>?"
    fovea ask --model llava-1.5-7b --lora runs/lora --image a.jpg "What is this?"
    fovea ask --model qwen2-vl-2b --conversation said.json "And the colour of the other one?"
    fovea ask --model qwen2.5-vl-3b --image a.jpg --boxes --draw b.png "Outline each car, as JSON."
    fovea ask --model qwen-vl-chat --image a.jpg --box "this=10,20,200,300" "What is {}?"
    fovea ask --model blip-vqa-base --image a.jpg --choose yes --choose no "Is it raining?"
    fovea ask --model blip-image-captioning-base --image a.jpg --beams 5
    echo "Describe the picture." | fovea ask --image a.jpg --json -

Pictures and videos stand before the question unless <image> or <video> says where
each belongs. A folder's pictures are in the order of their names.`
}

// askResult is what --json prints.
type askResult struct {
	Text         string          `json:"text"`
	IDs          []int32         `json:"ids"`
	Reason       generate.Reason `json:"reason"`
	PromptTokens int             `json:"prompt_tokens"`
	AnswerTokens int             `json:"answer_tokens"`
	PicturesMS   float64         `json:"pictures_ms"` // reading and resizing
	PrefillMS    float64         `json:"prefill_ms"`  // vision encoder and prompt
	DecodeMS     float64         `json:"decode_ms"`
	DecodeTokS   float64         `json:"decode_tokens_per_s"`

	Boxes []grounding.Mark `json:"boxes,omitempty"`
}

func (c *askCmd) Run(ctx context.Context, g *globals) error {
	m, vlm, err := c.openGenerator()
	if err != nil {
		return err
	}
	defer m.Close()
	if len(c.Choose) > 0 {
		return c.choose(ctx, g, m, vlm)
	}
	opts, err := c.options(m)
	if err != nil {
		return err
	}
	began := time.Now()
	p, images, err := c.prompt(m)
	if err != nil {
		return err
	}
	if begun, ok := m.Processor.(interface{ Begun(*model.Prompt) []int32 }); ok {
		opts.Begun = begun.Begun(p)
	}
	r := askResult{PromptTokens: len(p.IDs), PicturesMS: ms(time.Since(began))}
	pool := c.pool(g, m)
	defer pool.Close()
	capacity := 0
	if opts.MaxTokens > 0 {
		capacity = len(p.Reads()) + opts.MaxTokens
	}
	s := generate.NewSession(vlm, capacity, pool)
	a, err := generate.Start(s, m.Tokenizer, opts)
	if err != nil {
		return err
	}
	err = c.answer(ctx, s, a, p, &r)
	if err == nil && c.wanted() {
		r.Boxes, err = c.find(m, a.IDs, p, images)
	}
	if err != nil {
		return err
	}
	return c.tell(a, &r)
}

// quiet reports whether the answer is not said as it comes.
func (c *askCmd) quiet() bool { return c.JSON || c.Boxes }

// answer runs the model and, unless something else is to be printed, what it says.
func (c *askCmd) answer(ctx context.Context, s *generate.Session, a *generate.Answer, p *model.Prompt, r *askResult) error {
	began := time.Now()
	logits, err := s.Prefill(ctx, p)
	if err != nil {
		return err
	}
	r.PrefillMS = ms(time.Since(began))
	began = time.Now()
	out := newSpeaker(os.Stdout)
	for t, e := range a.From(ctx, logits) {
		err = e
		if !c.quiet() {
			out.say(t.Text)
		}
	}
	if !c.quiet() {
		out.end()
	}
	r.DecodeMS = ms(time.Since(began))
	r.DecodeTokS = float64(len(a.IDs)) / max(time.Since(began).Seconds(), 1e-9)
	return err
}

// tell prints what is left to be told once the answer is there.
func (c *askCmd) tell(a *generate.Answer, r *askResult) error {
	switch {
	case c.JSON:
		r.Text, r.IDs, r.Reason, r.AnswerTokens = a.Text, a.IDs, a.Reason, len(a.IDs)
		return writeJSON(os.Stdout, r)
	case c.Boxes:
		return writeJSON(os.Stdout, append([]grounding.Mark{}, r.Boxes...)) // a list, if an empty one
	}
	if a.Reason == generate.FullContext {
		fmt.Fprintln(os.Stderr, "fovea: the context is full; the answer stops here")
	}
	return nil
}

// prompt reads what is asked, and its pictures.
func (c *askCmd) prompt(m *zoo.Model) (*model.Prompt, []*imageproc.RGB, error) {
	turns, err := c.asked(m)
	if err != nil {
		return nil, nil, err
	}
	var p *model.Prompt
	if last := turns[len(turns)-1]; c.Raw {
		p, err = m.Processor.ProcessText(last.Text, last.Images, last.Videos...)
	} else {
		p, err = m.Processor.Process(turns)
	}
	return p, model.Pictures(turns), err
}

// asked is the conversation up to the question.
func (c *askCmd) asked(m *zoo.Model) ([]model.Turn, error) {
	turns, err := c.before(m)
	if err != nil {
		return nil, err
	}
	if c.Turns == "" || len(c.Question)+len(c.Image)+len(c.Video) > 0 {
		user, err := c.user(m)
		if err != nil {
			return nil, err
		}
		turns = append(turns, user)
	}
	last := &turns[len(turns)-1]
	if last.Role != "user" {
		return nil, fmt.Errorf("%s: the last message is the %s's: give a question", c.Turns, last.Role)
	}
	images := model.Pictures(turns)
	if err := c.check(m, images); err != nil {
		return nil, err
	}
	last.Text, err = c.pointed(m, last.Text, images)
	return turns, err
}

// before are the system prompt and what was said already.
func (c *askCmd) before(m *zoo.Model) ([]model.Turn, error) {
	var system []model.Turn
	if c.System != "" {
		system = []model.Turn{{Role: "system", Text: c.System}}
	}
	if c.Turns == "" {
		return system, nil
	}
	if c.Raw {
		return nil, errors.New("--raw and --conversation: a conversation needs the chat template")
	}
	turns, err := readConversation(c.Turns, opener{
		pictures: func(files ...string) ([]*imageproc.RGB, error) { return c.pictureFlags.open(m, files...) },
		videos: func(paths ...string) ([]*imageproc.Video, error) {
			return c.videoFlags.open(m, c.pictureFlags, paths...)
		},
	})
	if err == nil && c.System != "" && turns[0].Role == "system" {
		err = fmt.Errorf("%s: it has a system prompt: leave out --system", c.Turns)
	}
	return append(system, turns...), err
}

// user is the turn of the question and its pictures.
func (c *askCmd) user(m *zoo.Model) (model.Turn, error) {
	question, err := c.question()
	if err != nil {
		return model.Turn{}, err
	}
	if captions, ok := m.Processor.(interface{ Captions() bool }); question == "" && !(ok && captions.Captions()) {
		return model.Turn{}, errors.New("the question is empty")
	}
	images, err := c.pictureFlags.open(m, c.Image...)
	if err != nil {
		return model.Turn{}, err
	}
	videos, err := c.videoFlags.open(m, c.pictureFlags, c.Video...)
	return model.Turn{Role: "user", Text: question, Images: images, Videos: videos}, err
}

// maxQuestion bounds what is read from standard input.
const maxQuestion = 16 << 20

func (c *askCmd) question() (string, error) {
	text := strings.Join(c.Question, " ")
	if text == "-" {
		data, err := io.ReadAll(io.LimitReader(bufio.NewReader(os.Stdin), maxQuestion+1))
		if err != nil {
			return "", fmt.Errorf("standard input: %w", err)
		}
		if len(data) > maxQuestion {
			return "", fmt.Errorf("standard input: more than %d bytes", maxQuestion)
		}
		text = strings.TrimRight(string(data), "\r\n")
	}
	return text, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
