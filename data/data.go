// Package data reads what vision-language models are trained and measured on:
// conversations about pictures.
//
// Every [Dataset] has random access, and [Shuffled] is an order of it that needs no
// memory, so that what a training step sees is a function of seed, epoch and place
// alone and a resumed run goes on exactly where it stopped.
package data

import "github.com/fovea-ml/fovea/imageproc"

// Marker is where a picture stands in the text of a turn.
const Marker = "<image>"

// Roles of a [Turn].
const (
	System    = "system"
	User      = "user"
	Assistant = "assistant"
)

// Turn is one message of a conversation.
type Turn struct {
	Role string // System, User or Assistant
	Text string
}

// Picture opens one picture of a sample. It reads and decodes anew on every call.
type Picture func() (*imageproc.RGB, error)

// Sample is a conversation about pictures: at most one system turn, then user and
// assistant taking turns, the assistant last.
//
// Pictures that stand before the whole conversation, the usual case, have no [Marker]:
// a picture is then the start of whichever user turn is shown first. Otherwise the
// texts hold exactly one marker for each picture.
//
// A document is one turn without a role, all of which is learned.
type Sample struct {
	ID       string
	Turns    []Turn
	Images   []Picture
	Document bool
	Meta     []Meta // what is known of each answer, in order; nil if nothing is
}

// Meta is what a benchmark knows of one question and its answer.
type Meta struct {
	Type    string   // kind of question
	Lang    string   // language, "en" or "zh"
	Answers []string // every answer that is right
}

// Dataset is a list of samples. Both methods are safe for concurrent use.
type Dataset interface {
	Len() int
	// At returns sample i of [0, Len()). It panics outside.
	At(i int) (*Sample, error)
}

// Group says what one sample of a question-answering data set is.
type Group int

// One question is a sample of its own, or all questions about a picture are the rounds
// of one conversation.
const (
	ByQuestion Group = iota
	ByImage
)
