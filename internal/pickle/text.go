package pickle

import (
	"fmt"
	"strconv"
	"strings"
)

// written reads a value of protocol 0, which stands in a line of text.
func (u *machine) written(op byte) (any, error) {
	text, err := u.line()
	if err != nil {
		return nil, err
	}
	switch op {
	case 'I': // INT
		switch text {
		case "00", "01":
			return text == "01", nil
		}
		return strconv.ParseInt(text, 10, 64)
	case 'L': // LONG
		return strconv.ParseInt(strings.TrimSuffix(text, "L"), 10, 64)
	case 'F': // FLOAT
		return strconv.ParseFloat(text, 64)
	case 'V': // UNICODE
		return unescape(text, false)
	}
	n := len(text) // STRING
	if n < 2 || text[0] != text[n-1] || text[0] != '\'' && text[0] != '"' {
		return nil, fmt.Errorf("a string %.40q without quotes", text)
	}
	return unescape(text[1:n-1], true)
}

// unescape reads what Python's repr of a string of bytes wrote, or the raw-unicode-escape
// of a text, in which only \u and \U escape and every other byte is a character.
func unescape(text string, quoted bool) (string, error) {
	var out strings.Builder
	for text != "" {
		c := text[0]
		escaped := c == '\\' && (quoted || strings.HasPrefix(text[1:], "u") || strings.HasPrefix(text[1:], "U"))
		switch {
		case !escaped && quoted:
			out.WriteByte(c)
		case !escaped:
			out.WriteRune(rune(c))
		case strings.HasPrefix(text, `\'`) || strings.HasPrefix(text, `\"`):
			out.WriteByte(text[1])
			text = text[1:]
		default:
			v, multibyte, rest, err := strconv.UnquoteChar(text, 0)
			if err != nil {
				return "", fmt.Errorf("a string with the escape %.10q: %w", text, err)
			}
			if multibyte {
				out.WriteRune(v)
			} else {
				out.WriteByte(byte(v))
			}
			text = rest
			continue
		}
		text = text[1:]
	}
	return out.String(), nil
}
