package lora

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// UnmarshalJSON reads an object and keeps the order of its members, in which they are
// tried.
func (list *Overrides) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	t, err := d.Token()
	if t == nil || err != nil { // null
		return err
	}
	if t != json.Delim('{') {
		return fmt.Errorf("%v where an object of patterns is expected", t)
	}
	*list = nil
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		o := Override{Key: key.(string)} // of an object
		if err := d.Decode(&o.Value); err != nil {
			return fmt.Errorf("%q: %w", o.Key, err)
		}
		*list = append(*list, o)
	}
	return nil
}

// MarshalJSON writes the object.
func (list Overrides) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, o := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		for _, part := range []any{o.Key, o.Value} {
			text, err := json.Marshal(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
			if part == any(o.Key) {
				b.WriteByte(':')
			}
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
