package zoo

import (
	"fmt"
	"strings"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/tokenizer"
)

// fitTokenizer refuses a tokenizer whose ids the embedding table does not have. Tables
// are often longer than the tokenizer, to be of a round size; and published tokenizers of
// language models have special tokens behind the table that nothing asks for, as <pad>.
func (m *Model) fitTokenizer() error {
	if m.Tokenizer == nil {
		return nil
	}
	if vlm, ok := m.VLM(); ok {
		return fits(m.Tokenizer, vlm.Decoder().Vocab(), m.Tokenizer.Special)
	}
	if _, ok := m.Net.(model.DualEncoder); ok {
		for _, p := range m.params() {
			if strings.HasSuffix(p.Name, "token_embedding.weight") || strings.HasSuffix(p.Name, "word_embeddings.weight") {
				return fits(m.Tokenizer, p.T.Shape[0], m.marks)
			}
		}
	}
	return nil
}

// marks reports whether a token is the one that Hugging Face's processors add for
// pictures, which retrieval never asks for.
func (m *Model) marks(id int32) bool {
	return m.Tokenizer.Special(id) && m.Tokenizer.Token(id) == "<image>"
}

// fits wants every id of tok in a table of so many rows but those that are spared.
func fits(tok *tokenizer.Tokenizer, rows int, spared func(id int32) bool) error {
	for id := tok.Size() - 1; id >= rows; id-- {
		if name := tok.Token(int32(id)); name != "" && (spared == nil || !spared(int32(id))) {
			return fmt.Errorf("the tokenizer has tokens up to %d (%q), and the model's embedding table %d rows: is it another model's?", id, name, rows)
		}
	}
	return nil
}

// markAs sets the token that stands for a picture, which the tokenizer must know as one that is not text.
func markAs(p *chat.Processor, id int32, name string) error {
	has, ok := p.Tok.ID(name)
	switch {
	case ok && has != id:
		return fmt.Errorf("the tokenizer has %s as token %d, and config.json as %d: is it another model's?", name, has, id)
	case !ok && !p.Tok.Special(id):
		return fmt.Errorf("the tokenizer has no %s, and config.json's token %d for pictures is %q there: is it another model's?", name, id, p.Tok.Token(id))
	}
	p.Marker = id
	return nil
}
