package data

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxFiles is how many files one path may stand for.
const maxFiles = 1 << 17

// expand returns the files that a path stands for: itself if there is such a file, or
// what braces, {000..123} and {a,b}, and the patterns of filepath.Glob make of it.
func expand(path string) ([]string, error) {
	if _, err := os.Stat(path); err == nil {
		return shards(path)
	} else if !strings.ContainsAny(path, "{*?[") {
		return nil, err
	}
	names, err := braces(path)
	if err != nil {
		return nil, err
	}
	if !strings.ContainsAny(path, "*?[") {
		return names, nil
	}
	var out []string
	for _, name := range names {
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		out = append(out, found...)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no such file: %w", path, os.ErrNotExist)
	}
	return out, nil
}

// shards are a folder itself, or the files in it where they are shards of one data set.
func shards(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	for _, pattern := range []string{"*.tar", "*.parquet", "*.jsonl.zip"} {
		names, err := filepath.Glob(filepath.Join(escaped(path), pattern))
		if err == nil && len(names) > 0 {
			slices.Sort(names)
			return names, nil
		}
	}
	return []string{path}, nil
}

// escaped is a path of which filepath.Glob takes every character as it is.
func escaped(path string) string {
	if filepath.Separator == '\\' {
		return path
	}
	return strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `\`, `\\`).Replace(path)
}

// braces expands as shells do: {a,b} and {08..11}, whose numbers keep their width.
func braces(text string) ([]string, error) {
	open := strings.IndexByte(text, '{')
	if open < 0 {
		return []string{text}, nil
	}
	length := strings.IndexByte(text[open:], '}')
	if length < 0 {
		return nil, fmt.Errorf("%s: a brace that is not closed", text)
	}
	inside := text[open+1 : open+length]
	words := strings.Split(inside, ",")
	if from, to, ok := strings.Cut(inside, ".."); ok {
		var err error
		if words, err = numbers(from, to); err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
	}
	rest, err := braces(text[open+length+1:])
	if err != nil {
		return nil, err
	}
	if len(words)*len(rest) > maxFiles {
		return nil, fmt.Errorf("%s: more than %d files", text, maxFiles)
	}
	var out []string
	for _, w := range words {
		for _, r := range rest {
			out = append(out, text[:open]+w+r)
		}
	}
	return out, nil
}

func numbers(from, to string) ([]string, error) {
	a, errA := strconv.ParseUint(from, 10, 31)
	b, errB := strconv.ParseUint(to, 10, 31)
	if errA != nil || errB != nil || b < a || b-a >= maxFiles {
		return nil, fmt.Errorf("{%s..%s}: want two numbers, at most %d apart", from, to, maxFiles)
	}
	width := 0
	if from[0] == '0' && len(from) > 1 || to[0] == '0' && len(to) > 1 {
		width = max(len(from), len(to))
	}
	var out []string
	for n := a; n <= b; n++ {
		out = append(out, fmt.Sprintf("%0*d", width, n))
	}
	return out, nil
}
