package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// dialogue is a conversation with a model.
type dialogue struct {
	model    *zoo.Model
	session  *generate.Session
	options  generate.Options
	pictures pictureFlags
	videos   videoFlags
	notes    io.Writer // for remarks that are not the model's words

	system  []model.Turn // at most one
	turns   []model.Turn // user and assistant taking turns
	waiting []*imageproc.RGB

	waitingVideos []*imageproc.Video
}

func (d *dialogue) reset(system string) {
	d.system, d.turns, d.waiting, d.waitingVideos = nil, nil, nil, nil
	if system != "" {
		d.system = []model.Turn{{Role: "system", Text: system}}
	}
}

// attach shows a picture with the next question.
func (d *dialogue) attach(file string) error {
	if file == "" {
		return errors.New("/image needs a file")
	}
	images, err := d.pictures.open(d.model, file)
	if err != nil {
		return err
	}
	d.waiting = append(d.waiting, images...)
	fmt.Fprintf(d.notes, "[%s: %d×%d pixels]\n", file, images[0].W, images[0].H)
	return nil
}

// attachVideo shows a video with the next question.
func (d *dialogue) attachVideo(path string) error {
	if path == "" {
		return errors.New("/video needs a folder or a file")
	}
	videos, err := d.videos.open(d.model, d.pictures, path)
	if err != nil {
		return err
	}
	d.waitingVideos = append(d.waitingVideos, videos...)
	fmt.Fprintf(d.notes, "[%s: %d frames of %d×%d pixels]\n", path, videos[0].Len(), videos[0].W, videos[0].H)
	return nil
}

// ask puts a question and prints the answer. If it fails, the conversation is
// as before.
func (d *dialogue) ask(question string) error {
	before := d.turns
	d.turns = append(d.turns[:len(d.turns):len(d.turns)], model.Turn{Role: "user", Text: question, Images: d.waiting, Videos: d.waitingVideos})
	text, err := d.answer()
	if errors.Is(err, context.Canceled) { // before the first word
		d.turns = before
		fmt.Fprintln(d.notes, "[stopped]")
		return nil
	}
	if err != nil {
		d.turns = before
		return err
	}
	d.waiting, d.waitingVideos = nil, nil
	d.turns = append(d.turns, model.Turn{Role: "assistant", Text: text})
	return nil
}

// answer prints the next turn of the assistant. Ctrl-C ends it early; what was
// said by then counts.
func (d *dialogue) answer() (string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p, err := d.prompt()
	if err != nil {
		return "", err
	}
	logits, err := d.session.Extend(ctx, p)
	if err != nil {
		return "", err
	}
	a, err := generate.Start(d.session, d.model.Tokenizer, d.options)
	if err != nil {
		return "", err
	}
	out := newSpeaker(os.Stdout)
	for t, e := range a.From(ctx, logits) {
		err = e
		out.say(t.Text)
	}
	out.end()
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(d.notes, "[stopped]")
	case err != nil:
		return "", err
	case a.Reason == generate.FullContext:
		fmt.Fprintln(d.notes, "[the context is full: the answer stops here, and the oldest turns go when you ask on]")
	}
	return a.Text, nil
}

// prompt renders the conversation. While it leaves too little room for an
// answer the oldest turns go, question and answer together.
func (d *dialogue) prompt() (*model.Prompt, error) {
	capacity := d.session.Room() + len(d.session.IDs())
	dropped := 0
	defer func() {
		if dropped > 0 {
			fmt.Fprintf(d.notes, "[the context of %d tokens is full: dropped the oldest %d of the turns]\n", capacity, dropped)
		}
	}()
	for {
		p, err := d.model.Processor.Process(append(d.system[:len(d.system):len(d.system)], d.turns...))
		if err != nil {
			return nil, err
		}
		if len(p.Reads())+d.reserve(capacity) <= capacity || len(d.turns) <= 2 {
			return p, nil
		}
		d.turns = d.turns[2:]
		dropped += 2
	}
}

// reserve is the room that an answer should have.
func (d *dialogue) reserve(capacity int) int {
	const share = 8 // of the context
	if d.options.MaxTokens > 0 {
		return min(d.options.MaxTokens, capacity/2)
	}
	return capacity / share
}
