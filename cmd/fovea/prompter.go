package main

import (
	"bufio"
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// prompter reads lines: with editing and a history from a terminal, else as they come.
type prompter struct {
	lines *bufio.Reader
	edit  *term.Terminal // nil if standard input or output is no terminal
}

func newPrompter() *prompter {
	if !terminal(os.Stdin) || !terminal(os.Stdout) {
		return &prompter{lines: bufio.NewReader(os.Stdin)}
	}
	screen := struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}
	return &prompter{edit: term.NewTerminal(screen, "› ")}
}

func (p *prompter) interactive() bool { return p.edit != nil }

// line returns the next line, or io.EOF. The terminal is raw only meanwhile, so
// that Ctrl-C works as usual while an answer runs.
func (p *prompter) line() (string, error) {
	if p.edit == nil {
		text, err := p.lines.ReadString('\n')
		if errors.Is(err, io.EOF) && text != "" {
			err = nil
		}
		return text, err
	}
	fd := int(os.Stdin.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(fd, before) }()
	if w, h, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 0 {
		_ = p.edit.SetSize(w, h) // it fails only where it cannot draw
	}
	text, err := p.edit.ReadLine()
	if err != nil {
		_, _ = p.edit.Write([]byte("\n")) // the shell's prompt gets a line of its own
	}
	return text, err
}
