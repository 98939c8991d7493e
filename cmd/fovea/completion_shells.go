package main

import (
	"fmt"
	"strings"
)

// bashScript completes commands and flags by what was typed before, and files
// everywhere else.
func bashScript(all []completion) string {
	var b strings.Builder
	b.WriteString(`_fovea() {
  local cur=${COMP_WORDS[COMP_CWORD]} path= w
  for w in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $w" in
`)
	for _, c := range all[1:] {
		fmt.Fprintf(&b, "      %s) path=%s ;;\n", quote(" "+c.path), quote(" "+c.path))
	}
	b.WriteString(`    esac
  done
  local words=
  case "$path" in
`)
	for _, c := range all {
		path := ""
		if c.path != "" {
			path = " " + c.path
		}
		fmt.Fprintf(&b, "    %s) words=%s ;;\n", quote(path), quote(strings.TrimSpace(texts(c.commands)+" "+texts(c.flags))))
	}
	b.WriteString(`  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _fovea fovea
`)
	return b.String()
}

// zshScript tells zsh what bash knows, with the help beside each word.
func zshScript(all []completion) string {
	var b strings.Builder
	b.WriteString(`#compdef fovea
_fovea() {
  local at w
  for w in "${(@)words[2,CURRENT-1]}"; do
    case "$at $w" in
`)
	for _, c := range all[1:] {
		fmt.Fprintf(&b, "      %s) at=%s ;;\n", quote(" "+c.path), quote(" "+c.path))
	}
	b.WriteString(`    esac
  done
  local -a found
  case "$at" in
`)
	for _, c := range all {
		path := ""
		if c.path != "" {
			path = " " + c.path
		}
		fmt.Fprintf(&b, "    %s) found=(", quote(path))
		for _, w := range append(c.commands, c.flags...) {
			fmt.Fprintf(&b, "\n      %s", quote(strings.ReplaceAll(w.text, ":", `\:`)+":"+w.help))
		}
		b.WriteString(") ;;\n")
	}
	b.WriteString(`  esac
  _describe -t words fovea found
  [[ $PREFIX == -* ]] || _files
}
compdef _fovea fovea
`)
	return b.String()
}

// fishScript lists every word with the commands that must stand before it.
func fishScript(all []completion) string {
	var b strings.Builder
	for _, c := range all {
		condition := "__fish_use_subcommand"
		if c.path != "" {
			var seen []string
			for _, name := range strings.Fields(c.path) {
				seen = append(seen, "__fish_seen_subcommand_from "+name)
			}
			condition = strings.Join(seen, "; and ")
		}
		for _, w := range c.commands {
			fmt.Fprintf(&b, "complete -c fovea -n %s -a %s -d %s\n", quote(condition), w.text, quote(w.help))
		}
		for _, w := range c.flags {
			takes := ""
			if w.takes {
				takes = " -r"
			}
			fmt.Fprintf(&b, "complete -c fovea -n %s -l %s%s -d %s\n", quote(condition), strings.TrimPrefix(w.text, "--"), takes, quote(w.help))
		}
	}
	return b.String()
}
