package model

import (
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/tokenizer"
)

// Turn is one message of a conversation. Its pictures and videos stand before its
// text unless the text says <image> or <video> where each belongs.
type Turn struct {
	Role   string // "system", "user" or "assistant"
	Text   string
	Images []*imageproc.RGB
	Videos []*imageproc.Video
	Mute   bool    // an answer that Learn reads and does not label
	Weight float64 // of an answer's loss, in Prompt.Weights; 0 stands for 1
}

// Pictures are those of all turns, in order.
func Pictures(turns []Turn) []*imageproc.RGB {
	var out []*imageproc.RGB
	for _, t := range turns {
		out = append(out, t.Images...)
	}
	return out
}

// Videos are those of all turns, in order.
func Videos(turns []Turn) []*imageproc.Video {
	var out []*imageproc.Video
	for _, t := range turns {
		out = append(out, t.Videos...)
	}
	return out
}

// Processor turns conversations into prompts. It owns the tokenizer, the chat
// template and the picture pipeline of a checkpoint.
type Processor interface {
	// Process renders the conversation with the checkpoint's chat template, ready for an answer.
	Process(conv []Turn) (*Prompt, error)
	// ProcessText takes text that is already in the model's format, with a marker for every picture and video.
	ProcessText(text string, images []*imageproc.RGB, videos ...*imageproc.Video) (*Prompt, error)
	// Learn is Process for training: answers are in the conversation and labelled. Of one
	// turn without a role, a document, all text is.
	Learn(conv []Turn) (*Prompt, error)
	// LearnApart is Learn for questions that have only their pictures in common: none sees another.
	LearnApart(conv []Turn) (*Prompt, error)
	Tokenizer() *tokenizer.Tokenizer
	PictureProcessor() *imageproc.Processor    // nil for models of text only
	VideoProcessor() *imageproc.VideoProcessor // nil for models that take no videos
}
