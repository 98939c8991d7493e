package watch

import (
	"bytes"
	"embed"
	"encoding/json"
)

//go:embed page.html
var files embed.FS

// hole is where a page that needs no server has its state.
const hole = "null/* the state of a page without a server */"

// page is the page of a server.
func page() []byte {
	text, err := files.ReadFile("page.html")
	if err != nil {
		panic(err) // it was there when the program was built
	}
	return text
}

// Report is the page as one file, with everything in it.
func (b *Board) Report() ([]byte, error) {
	s := b.state(0, 0, func(_, _, _ int, p picture) string { return p.uri() })
	data, err := json.Marshal(s) // which writes no <
	if err != nil {
		return nil, wrap(err)
	}
	return bytes.Replace(page(), []byte(hole), data, 1), nil
}
