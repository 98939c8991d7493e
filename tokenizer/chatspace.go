package tokenizer

import "strings"

// controlSpace applies Jinja's trim_blocks and lstrip_blocks to a template's source: the newline behind a block or a
// comment goes, and so does the white space before it where it begins its line. (The engine's own lstrip also eats a
// space between two tags of one line.) As in Jinja, one newline at the end of the source goes too.
func controlSpace(source string) string {
	source = strings.TrimSuffix(source, "\n")
	var b strings.Builder
	lineStart := true // nothing but text since the line began
	for source != "" {
		i := nextTag(source)
		if i < 0 {
			b.WriteString(source)
			break
		}
		n := tagLength(source[i:])
		lead, tag := source[:i], source[i:i+n]
		source = source[i+n:]
		if tag[1] == '{' {
			b.WriteString(lead + tag)
			lineStart = false
			continue
		}
		if nl := strings.LastIndexByte(lead, '\n'); (nl >= 0 || lineStart) && tag[2] != '+' && strings.Trim(lead[nl+1:], " \t") == "" {
			lead = lead[:nl+1]
		}
		b.WriteString(lead + strings.Replace(tag, tag[:2]+"+", tag[:2], 1))
		lineStart = false
		if isTag(tag, "raw") {
			end := endRaw(source)
			b.WriteString(source[:end])
			source = source[end:]
			continue
		}
		if strings.HasPrefix(source, "\n") {
			source, lineStart = source[1:], true
		}
	}
	return b.String()
}

// nextTag is the index of the first "{{", "{%" or "{#", or -1.
func nextTag(s string) int {
	for i := 0; i+2 < len(s); i++ {
		if s[i] == '{' && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#') {
			return i
		}
	}
	return -1
}

// tagLength is the length of the tag that begins s; end marks inside quotes do not count, except in a comment.
func tagLength(s string) int {
	closing := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[s[1]]
	var quoted byte
	for i := 2; i < len(s); i++ {
		switch c := s[i]; {
		case quoted != 0 && c == '\\':
			i++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case s[1] != '#' && (c == '"' || c == '\''):
			quoted = c
		case strings.HasPrefix(s[i:], closing):
			return i + 2
		}
	}
	return len(s)
}

func isTag(s, name string) bool {
	return strings.HasPrefix(s, "{%") && strings.HasPrefix(strings.TrimLeft(s[2:], "-+ \t\r\n"), name)
}

// endRaw is the index of the tag {% endraw %}, or the length of s.
func endRaw(s string) int {
	for i := range len(s) {
		if s[i] == '{' && isTag(s[i:], "endraw") {
			return i
		}
	}
	return len(s)
}
