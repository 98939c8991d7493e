package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// component is one part of tokenizer.json's pipeline, kept raw until its type is known.
type component struct {
	Type string
	raw  json.RawMessage
}

const maxDepth = 16 // of Sequences in Sequences

func (c *component) UnmarshalJSON(data []byte) error {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return err
	}
	c.Type = head.Type
	c.raw = append(c.raw[:0], data...)
	return nil
}

func (c *component) into(v any) error {
	if err := json.Unmarshal(c.raw, v); err != nil {
		return fmt.Errorf("%s: %w", c.Type, err)
	}
	return nil
}

func (c *component) unsupported() error { return fmt.Errorf("type %q is not supported", c.Type) }

var errTooDeep = errors.New("type \"Sequence\" is nested too deeply")

// patternSpec is {"String": s} or {"Regex": s}.
type patternSpec struct {
	String *string
	Regex  *string
}
