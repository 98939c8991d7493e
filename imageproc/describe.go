package imageproc

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// describe says what a file that is no picture looks like.
func describe(data []byte) string {
	head := data[:min(len(data), 512)]
	for _, k := range []struct {
		at          int
		magic, name string
	}{
		{0, "%PDF", "a PDF document"}, {0, "PK\x03\x04", "a ZIP archive"}, {0, "\x1f\x8b", "gzip data"},
		{4, "ftypavif", "an AVIF picture"}, {4, "ftyphei", "a HEIC picture"}, {4, "ftypmif1", "a HEIC picture"},
		{4, "ftypqt", "a QuickTime video"}, {4, "ftyp", "an MP4 video"}, {0, "\x1aE\xdf\xa3", "a Matroska or WebM video"}, {8, "AVI ", "an AVI video"},
		{0, "8BPS", "a Photoshop document"}, {0, "\xff\x0a", "a JPEG XL picture"},
		{0, "\x00\x00\x00\x0cJXL ", "a JPEG XL picture"}, {0, "\x00\x00\x01\x00", "a Windows icon"},
		{0, "GGUF", "a GGUF model"},
	} {
		if len(head) >= k.at+len(k.magic) && string(head[k.at:k.at+len(k.magic)]) == k.magic {
			return "it is " + k.name
		}
	}
	switch low := strings.ToLower(string(head)); {
	case len(head) == 0:
		return "the file is empty"
	case strings.Contains(low, "<svg"):
		return "it is an SVG drawing"
	case strings.Contains(low, "<html"):
		return "it is an HTML page"
	case isText(head):
		line, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
		return fmt.Sprintf("it is text that begins %q", line[:min(len(line), 40)])
	}
	return fmt.Sprintf("it begins with the bytes % x", head[:min(len(head), 8)])
}

// isText reports whether b is UTF-8 text without control characters; its last
// rune may be cut.
func isText(b []byte) bool {
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(b)
		}
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return false
		}
		b = b[n:]
	}
	return true
}
