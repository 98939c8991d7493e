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
func (p *Processor) placeBetween(out *model.Prompt, ids []int32, taught []bool) (*model.Prompt, error) {
	add := func(id int32, taught bool) {
		out.IDs = append(out.IDs, id)
		out.Labels = append(out.Labels, label(id, taught))
	}
	for i := 0; i < len(ids); i++ {
		add(ids[i], taught != nil && taught[i])
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
				add(id, false)
			} else {
				add(int32(name[k]), false)
			}
		}
		i += length
	}
	if taught == nil {
		out.Labels = nil
	}
	return p.placed(out, taught != nil)
}
