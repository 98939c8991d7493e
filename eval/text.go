package eval

import "embed"

//go:embed text
var texts embed.FS

// Alice is the beginning of Alice's Adventures in Wonderland (Lewis Carroll,
// 1865; in the public domain), a short English text to compare perplexities on:
// 2,852 words of chapters I and II, a paragraph in a line.
func Alice() (name, text string) {
	data, err := texts.ReadFile("text/alice.txt")
	if err != nil {
		panic(err) // it is in the binary
	}
	return "Alice's Adventures in Wonderland, chapters I and II", string(data)
}
