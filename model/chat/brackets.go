package chat

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/model"
)

// Brackets are how Qwen-VL marks a picture: between two tokens stands its name,
// which takes as many tokens as the picture does.
type Brackets struct {
	End int32 // closes what the Marker has opened
	Pad int32 // fills up
}

// placeBetween is place for pictures between brackets. What the text has between
// them is a name: the reference writes its bytes as ids, and pads.
func (p *Processor) placeBetween(out *model.Prompt, ids []int32, taught []float32) (*model.Prompt, error) {
	add := func(id int32, weight float32) {
		out.IDs = append(out.IDs, id)
		teach(out, id, weight)
	}
	for i := 0; i < len(ids); i++ {
		var weight float32
		if taught != nil {
			weight = taught[i]
		}
		add(ids[i], weight)
		if ids[i] != p.Marker {
			continue
		}
		n, err := p.next(out)
		if err != nil {
			return nil, err
		}
		length := slices.Index(ids[i+1:], p.Brackets.End)
		if length < 0 {
			return nil, fmt.Errorf("chat: %s without a %s behind it", p.mark(), p.Tok.Token(p.Brackets.End))
		}
		name := p.Tok.Decode(ids[i+1:i+1+length], true)
		if len(name) > n {
			return nil, fmt.Errorf("chat: a picture's name of %d bytes, and it takes %d tokens", len(name), n)
		}
		for k := range n {
			if id := p.Brackets.Pad; k >= len(name) {
				add(id, 0)
			} else {
				add(int32(name[k]), 0)
			}
		}
		i += length
	}
	if taught == nil {
		out.Labels = nil
	}
	return p.placed(out, taught != nil)
}
