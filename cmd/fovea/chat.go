package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fovea-ml/fovea/generate"
)

type chatCmd struct {
	Image  []string `help:"Picture file for the first question; may be repeated." short:"i" placeholder:"FILE" sep:"none"`
	Video  []string `help:"Video for the first question: a folder of pictures, or an animated GIF or WebP file; may be repeated." placeholder:"PATH" sep:"none"`
	System string   `help:"System prompt." placeholder:"TEXT"`
	modelFlags
	computeFlags
	pictureFlags
	videoFlags
	samplingFlags
}

func (chatCmd) Help() string {
	return `What was said stays in the KV cache: only what is new runs through the model. When
the context is full, the oldest turns are dropped, and chat says so.

Within the chat:

    /image FILE    show a picture with the next question; its <image> says where
    /video PATH    show a video with the next question; its <video> says where
    /drop          take back the pictures and videos that wait for the next question
    /reset         start anew
    /help          list these commands
    /quit          leave (so does Ctrl-D; Ctrl-C stops an answer)

Examples:

    fovea chat --model llava-1.5-7b --image a.jpg
    fovea chat --model qwen2.5-vl-3b --video clip.gif
    fovea chat --image examples/five.png
    printf 'How many objects are there?\nWhat is the colour of the square?\n' | fovea chat --image examples/five.png`
}

const chatHelp = `/image FILE    show a picture with the next question; its <image> says where
/video PATH    show a video with the next question; its <video> says where
/drop          take back the pictures and videos that wait for the next question
/reset         start anew
/help          list these commands
/quit          leave (so does Ctrl-D; Ctrl-C stops an answer)
`

func (c *chatCmd) Run(g *globals) error {
	m, vlm, err := c.openGenerator()
	if err != nil {
		return err
	}
	defer m.Close()
	opts, err := c.options(m)
	if err != nil {
		return err
	}
	pool := c.pool(g, m)
	defer pool.Close()
	d := &dialogue{
		model: m, session: generate.NewSession(vlm, 0, pool), options: opts, pictures: c.pictureFlags, videos: c.videoFlags, notes: os.Stderr,
	}
	d.reset(c.System)
	for _, file := range c.Image {
		if err := d.attach(file); err != nil {
			return err
		}
	}
	for _, path := range c.Video {
		if err := d.attachVideo(path); err != nil {
			return err
		}
	}
	in := newPrompter()
	if in.interactive() {
		fmt.Fprintf(os.Stderr, "%s · %d tokens of context · /help\n", m.Name, vlm.Decoder().Context())
	}
	return c.loop(in, d)
}

// loop reads lines until the input ends. What goes wrong with one of a person's
// is told and forgotten; with one of a script's it ends the chat.
func (c *chatCmd) loop(in *prompter, d *dialogue) error {
	for {
		line, err := in.line()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		quit, err := c.do(d, strings.TrimSpace(line))
		if quit {
			return nil
		}
		if err != nil && !in.interactive() {
			return err
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "fovea:", oneLine(err))
		}
	}
}

// do carries out one line.
func (c *chatCmd) do(d *dialogue, line string) (quit bool, err error) {
	command, rest, _ := strings.Cut(line, " ")
	switch {
	case line == "":
	case command == "/quit" || command == "/exit":
		return true, nil
	case command == "/help":
		_, err = io.WriteString(os.Stderr, chatHelp)
	case command == "/reset":
		d.reset(c.System)
	case command == "/drop":
		d.waiting, d.waitingVideos = nil, nil
	case command == "/image":
		err = d.attach(strings.TrimSpace(rest))
	case command == "/video":
		err = d.attachVideo(strings.TrimSpace(rest))
	case strings.HasPrefix(command, "/"):
		err = fmt.Errorf("no command %s; /help lists them", command)
	default:
		err = d.ask(line)
	}
	return false, err
}
