// Package data reads what vision-language models are trained and measured on:
// conversations about pictures, captions, boxes, and documents with pictures in them.
//
// Every [Dataset] has random access, and [Shuffled] is an order of it that needs no
// memory, so that what a training step sees is a function of seed, epoch and place
// alone and a resumed run goes on exactly where it stopped. [Open] reads the formats of
// [Formats]; files stay on disk, and memory holds some 16 to 24 bytes for each sample.
// Nothing is ever fetched.
package data

// What stands in the text of a turn for something that is no text.
const (
	Marker = "<image>"      // the sample's next picture
	RefTag = "<ref-object>" // the turn's next label
	BoxTag = "<bbox>"       // the turn's next box
)

// Roles of a [Turn].
const (
	System    = "system"
	User      = "user"
	Assistant = "assistant"
)

// Turn is one message of a conversation.
type Turn struct {
	Role   string // System, User or Assistant; "" in a document
	Text   string
	Places *Places // what the tags of Text stand for; nil: the text has none
	Mute   bool    // an answer that is read, not learned
	Weight float64 // of an answer's loss; 0 stands for 1
}

// Places are the labels and boxes of a turn, as many as its text has tags
// (the way of ms-swift, https://github.com/modelscope/ms-swift).
type Places struct {
	Refs  []string
	Boxes []Box
}

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
	Rejected string  // an answer that is worse than the last one; "" if none is known
	Verdict  Verdict // on the last answer
	Meta     []Meta  // what is known of each answer, in order; nil if nothing is

	file string // that it was read from, and its row there
	row  int
}

// Verdict is what somebody thought of an answer.
type Verdict int8

// Verdicts.
const (
	NoVerdict Verdict = iota
	Good
	Bad
)

// Meta is what a benchmark knows of one question and its answer.
type Meta struct {
	Type    string   `json:"type,omitempty"`    // kind of question
	Lang    string   `json:"lang,omitempty"`    // language, "en" or "zh"
	Answers []string `json:"answers,omitempty"` // every answer that is right, as often as it was given
}

// Dataset is a list of samples. Its methods are safe for concurrent use.
//
// Those of this package have a method Fingerprint() string besides: a short text that
// differs when the samples, or their order, do, so that a trainer that stores it with its
// checkpoints can tell that a data set has changed.
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
