package verify

import (
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/tensor"
)

// sequenceLogits are those along all that a decoder has read and written. Where
// they are expected, as of BLIP, so is what it read, before what it generated.
const sequenceLogits = "sequence_logits"

// raw is the prompt with all tokens of the text, the special ones too, which is what
// the reference's processor makes and what its forward pass has run on.
func (r *runner) raw(p *model.Prompt, l *listener) *model.Prompt {
	if !l.want.Has(sequenceLogits) || l.want.Prompt == "" {
		return p
	}
	with := *p
	with.IDs = r.m.Tokenizer.Encode(l.want.Prompt)
	return &with
}

// begun is what the decoder had read where the expected tokens begin with it.
func (l *listener) begun(p *model.Prompt) []int32 {
	if !l.want.Has(sequenceLogits) {
		return nil
	}
	reads := p.Reads()
	if n := min(len(reads), len(l.want.Generated)); n < len(reads) {
		return reads[:n]
	}
	return reads
}

// sequence runs the decoder along all that it reads and writes.
func (r *runner) sequence(vlm model.VLM, p *model.Prompt, l *listener) {
	if !l.want.Has(sequenceLogits) {
		return
	}
	with := *p
	if p.DecoderIDs != nil {
		with.DecoderIDs = l.want.Generated
	} else {
		with.IDs = l.want.Generated
	}
	c := tensor.Ctx{Pool: r.o.Pool}
	d := vlm.Decoder()
	l.floats(sequenceLogits, d.Logits(&c, d.Forward(&c, vlm.Embed(&c, &with))).F32)
}
