package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (completionCmd) Help() string {
	return `Examples:

    source <(fovea completion bash)                                    # in ~/.bashrc
    source <(fovea completion zsh)                                     # in ~/.zshrc
    fovea completion fish > ~/.config/fish/completions/fovea.fish`
}

func (c *completionCmd) Run(k *kong.Kong) error {
	all := completions(k.Model.Node, "")
	scripts := map[string]func([]completion) string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
	_, err := fmt.Fprint(os.Stdout, scripts[c.Shell](all))
	return err
}

// completion is what may follow a command.
type completion struct {
	path     string // "data scenes", "" for fovea alone
	commands []word
	flags    []word
}

// word is a completion and what it means.
type word struct {
	text, help string
	takes      bool // a value
}

// completions walks the commands.
func completions(n *kong.Node, path string) []completion {
	c := completion{path: path}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			c.flags = append(c.flags, word{"--" + f.Name, f.Help, !f.IsBool()})
		}
	}
	var below []completion
	for _, child := range n.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		c.commands = append(c.commands, word{text: child.Name, help: child.Help})
		below = append(below, completions(child, strings.TrimSpace(path+" "+child.Name))...)
	}
	if n.Name == "completion" {
		for _, shell := range []string{"bash", "zsh", "fish"} {
			c.commands = append(c.commands, word{text: shell})
		}
	}
	return append([]completion{c}, below...)
}

// quote makes text one word of any of the shells.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func texts(words []word) string {
	var out []string
	for _, w := range words {
		out = append(out, w.text)
	}
	return strings.Join(out, " ")
}
