package main

import (
	"io"
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// terminal reports whether a file is one that a person looks at.
func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// speaker prints an answer as it comes. On a terminal it leaves out control
// characters: a model's words must not move the cursor or change the title.
type speaker struct {
	w     io.Writer
	plain bool // nothing to guard
	open  bool // the last line has not ended
}

func newSpeaker(f *os.File) *speaker { return &speaker{w: f, plain: !terminal(f)} }

func (s *speaker) say(text string) {
	if text == "" {
		return
	}
	s.open = !strings.HasSuffix(text, "\n")
	if !s.plain {
		text = strings.Map(printable, text)
	}
	_, _ = io.WriteString(s.w, text)
}

// end breaks the last line.
func (s *speaker) end() {
	if s.open {
		_, _ = io.WriteString(s.w, "\n")
	}
	s.open = false
}

func printable(r rune) rune {
	if unicode.IsControl(r) && r != '\n' && r != '\t' {
		return -1
	}
	return r
}
