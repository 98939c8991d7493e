package zoo

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/model"
)

// TextIDs encodes a text for a model.DualEncoder, with padding if the model
// reads it. A text with no tokens or more than the model reads is an error.
func (m *Model) TextIDs(net model.DualEncoder, text string) ([]int32, error) {
	ids, most := m.Tokenizer.Encode(text), net.Context()
	if len(ids) == 0 || len(ids) > most {
		return nil, fmt.Errorf("%q has %d tokens, and %s reads 1 to %d", text, len(ids), m.Name, most)
	}
	if err := m.known(net, text, ids); err != nil {
		return nil, err
	}
	if _, ok := net.(model.PaddedReader); !ok {
		return ids, nil
	}
	pad, ok := m.Tokenizer.Pad()
	if !ok {
		return nil, fmt.Errorf("%s reads texts with padding, and its tokenizer has no pad_token", m.Name)
	}
	return append(ids, slices.Repeat([]int32{pad}, most-len(ids))...), nil
}

// known refuses tokens that the tokenizer has and the model's table has not.
func (m *Model) known(net model.DualEncoder, text string, ids []int32) error {
	last := slices.Max(ids)
	if v, ok := net.(interface{ Vocab() int }); ok && int(last) >= v.Vocab() {
		return fmt.Errorf("%q has the token %q, which %s does not know", text, m.Tokenizer.Token(last), m.Name)
	}
	return nil
}
