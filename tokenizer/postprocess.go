package tokenizer

import (
	"encoding/json"
	"fmt"
)

// newAffix reads a post-processor: what it puts around a single sequence.
func newAffix(c *component, depth int) (affix, error) {
	if c == nil {
		return affix{}, nil
	}
	switch c.Type {
	case "ByteLevel": // concerns offsets only
		return affix{}, nil
	case "Sequence":
		return sequenceAffix(c, depth)
	case "TemplateProcessing":
		return templateAffix(c)
	case "RobertaProcessing", "BertProcessing":
		return clsSepAffix(c)
	}
	return affix{}, c.unsupported()
}

func sequenceAffix(c *component, depth int) (affix, error) {
	var p struct {
		Processors []*component `json:"processors"`
	}
	if err := c.into(&p); err != nil {
		return affix{}, err
	}
	if depth >= maxDepth {
		return affix{}, errTooDeep
	}
	var all affix
	for _, q := range p.Processors {
		a, err := newAffix(q, depth+1)
		if err != nil {
			return affix{}, err
		}
		all.prefix = append(a.prefix, all.prefix...)
		all.suffix = append(all.suffix, a.suffix...)
	}
	return all, nil
}

func templateAffix(c *component) (affix, error) {
	type named struct {
		ID string `json:"id"`
	}
	var p struct {
		Single []struct {
			SpecialToken *named
			Sequence     *named
		} `json:"single"`
		SpecialTokens map[string]struct {
			IDs []int32 `json:"ids"`
		} `json:"special_tokens"`
	}
	if err := c.into(&p); err != nil {
		return affix{}, err
	}
	var a affix
	seen := false
	for _, part := range p.Single {
		switch {
		case part.Sequence != nil && !seen:
			seen = true
		case part.Sequence != nil:
			return a, fmt.Errorf("%s: single names the sequence twice", c.Type)
		case part.SpecialToken != nil:
			t, ok := p.SpecialTokens[part.SpecialToken.ID]
			if !ok {
				return a, fmt.Errorf("%s: special token %q has no ids", c.Type, part.SpecialToken.ID)
			}
			if seen {
				a.suffix = append(a.suffix, t.IDs...)
			} else {
				a.prefix = append(a.prefix, t.IDs...)
			}
		}
	}
	if !seen {
		return a, fmt.Errorf("%s: single does not name the sequence", c.Type)
	}
	return a, nil
}

func clsSepAffix(c *component) (affix, error) {
	var p struct {
		CLS, SEP [2]json.RawMessage
	}
	if err := c.into(&p); err != nil {
		return affix{}, err
	}
	var cls, sep int32
	if err := json.Unmarshal(p.CLS[1], &cls); err != nil {
		return affix{}, fmt.Errorf("%s: cls: %w", c.Type, err)
	}
	if err := json.Unmarshal(p.SEP[1], &sep); err != nil {
		return affix{}, fmt.Errorf("%s: sep: %w", c.Type, err)
	}
	return affix{prefix: []int32{cls}, suffix: []int32{sep}}, nil
}

// check makes sure that every id is in the vocabulary.
func (a affix) check(v *vocabulary) error {
	for _, ids := range [][]int32{a.prefix, a.suffix} {
		for _, id := range ids {
			if !v.has(id) {
				return fmt.Errorf("id %d is not in the vocabulary", id)
			}
		}
	}
	return nil
}
