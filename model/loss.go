package model

import (
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// Loss is the cross-entropy of the prompt's labels, each multiplied by its weight,
// summed and divided by denom: the number of labelled tokens, whatever their weights,
// of the whole batch that is averaged over, of which the prompt may be a part (as
// ms-swift has it, https://github.com/modelscope/ms-swift). Logits are computed only
// where there is a label.
func Loss(c *tensor.Ctx, m VLM, p *Prompt, denom float32) *tensor.Tensor {
	d := m.Decoder()
	h := d.Forward(c, m.Embed(c, p))
	rows := make([]int32, 0, len(p.Labels))
	labels := make([]int32, 0, len(p.Labels))
	var weights []float32
	for i, l := range p.Labels {
		if l >= 0 {
			rows, labels = append(rows, int32(i)), append(labels, l)
			if p.Weights != nil {
				weights = append(weights, p.Weights[i])
			}
		}
	}
	return ops.WeightedCrossEntropy(c, d.Logits(c, ops.Gather(c, rows, h)), labels, weights, denom)
}
