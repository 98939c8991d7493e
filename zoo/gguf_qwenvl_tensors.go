package zoo

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model/qwen2vl"
	"github.com/fovea-ml/fovea/model/qwenvit"
	"github.com/fovea-ml/fovea/ops"
	"github.com/fovea-ml/fovea/tensor"
)

// generation is the place of a tower in qwenGGUFs.
func generation(v qwenvit.Config) int {
	switch {
	case v.Third():
		return 2
	case v.Gated:
		return 1
	}
	return 0
}

// imageSize is what llama.cpp's converter says: no more than a hint.
func imageSize(v qwenvit.Config) int {
	if v.Third() {
		return v.Positions * v.PatchSize
	}
	return 560
}

// qwenAttention says which blocks attend within windows, and which enter the language model.
func qwenAttention(v qwenvit.Config) ([]checkpoint.KV, error) {
	const key = "clip.vision."
	switch {
	case v.Third():
		if v.Act != ops.GELUTanh {
			return nil, fmt.Errorf("GGUF has no towers of Qwen3-VL with hidden_act %v", v.Act)
		}
		deep := make([]bool, v.Depth)
		for _, i := range v.Deep {
			deep[i] = true
		}
		return []checkpoint.KV{{Key: key + "is_deepstack_layers", Value: deep}}, nil
	case v.Gated:
		every := 0
		if len(v.Full) > 0 {
			every = v.Full[0] + 1
		}
		for i := range v.Depth {
			if every == 0 || slices.Contains(v.Full, i) != ((i+1)%every == 0) {
				return nil, fmt.Errorf("GGUF cannot say that blocks %v of %d attend to whole pictures: it wants every n-th", v.Full, v.Depth)
			}
		}
		return []checkpoint.KV{{Key: key + "n_wa_pattern", Value: uint32(every)}, {Key: key + "window_size", Value: uint32(v.Window)}}, nil
	case v.Act != ops.QuickGELU:
		return nil, fmt.Errorf("GGUF has no towers of Qwen2-VL with hidden_act %v", v.Act)
	}
	return nil, nil
}

// qwenPrefix is what the names of a tower's parameters start with.
func qwenPrefix(v qwenvit.Config) string {
	if v.Third() {
		return "model.visual."
	}
	return "visual."
}

// qwenNamesOf are the names of a tower and its merger. In older files ffn_up and ffn_down are swapped.
func qwenNamesOf(v qwenvit.Config, swapped bool) []ggufName {
	up, down := "v.blk.#.ffn_up.", "v.blk.#.ffn_down."
	if swapped {
		up, down = down, up
	}
	prefix := qwenPrefix(v)
	names := []ggufName{
		{"v.patch_embd.", "patch_embed.proj."}, {"v.position_embd.", "pos_embed."},
		{"v.blk.#.ln1.", "blocks.#.norm1."}, {"v.blk.#.ln2.", "blocks.#.norm2."},
		{"v.blk.#.attn_qkv.", "blocks.#.attn.qkv."},
		{"v.blk.#.attn_q.", "blocks.#.attn.q."}, {"v.blk.#.attn_k.", "blocks.#.attn.k."}, {"v.blk.#.attn_v.", "blocks.#.attn.v."},
		{"v.blk.#.attn_out.", "blocks.#.attn.proj."},
	}
	mlp := [][2]string{{"mlp.fc1.", "mlp.fc2."}, {"mlp.up_proj.", "mlp.down_proj."}, {"mlp.linear_fc1.", "mlp.linear_fc2."}}[generation(v)]
	names = append(names, ggufName{up, "blocks.#." + mlp[0]}, ggufName{down, "blocks.#." + mlp[1]}, ggufName{"v.blk.#.ffn_gate.", "blocks.#.mlp.gate_proj."})
	if v.Third() {
		names = append(names, ggufName{"v.post_ln.", "merger.norm."}, ggufName{"mm.0.", "merger.linear_fc1."}, ggufName{"mm.2.", "merger.linear_fc2."})
		for i, block := range v.Deep {
			theirs, ours := "v.deepstack."+strconv.Itoa(block)+".", "deepstack_merger_list."+strconv.Itoa(i)+"."
			names = append(names, ggufName{theirs + "norm.", ours + "norm."}, ggufName{theirs + "fc1.", ours + "linear_fc1."}, ggufName{theirs + "fc2.", ours + "linear_fc2."})
		}
	} else {
		names = append(names, ggufName{"v.post_ln.", "merger.ln_q."}, ggufName{"mm.0.", "merger.mlp.0."}, ggufName{"mm.2.", "merger.mlp.2."})
	}
	for i := range names {
		names[i].ours = prefix + names[i].ours
	}
	return names
}

// bindQwenLanguage binds the language model, whose names in Qwen3-VL have one part more.
func (m *Model) bindQwenLanguage(net *qwen2vl.Model) error {
	names, model := languageNames(), "model."
	if net.Config().Vision.Third() {
		model = "model.language_model."
		for i := range names {
			if rest, ok := strings.CutPrefix(names[i].ours, "model."); ok {
				names[i].ours = model + rest
			}
		}
	}
	return m.bindGGUF(m.ckpt, toOurs(names, ""), model+"layers.", model+"embed_tokens.", model+"norm.", "lm_head.")
}

// bindQwenPictures binds the tower and the merger: in the file, some of our parameters are several tensors.
func (m *Model) bindQwenPictures(net *qwen2vl.Model) error {
	v := net.Config().Vision
	params, cuts := m.qwenParts(v)
	swapped := !v.Third() && swappedFFN(m.mmproj, v.Width)
	if err := checkpoint.Bind(m.mmproj, params, toOurs(qwenNamesOf(v, swapped), ""), checkpoint.BindOptions{}); err != nil {
		return err
	}
	for _, c := range cuts {
		c.join()
	}
	return nil
}

// writeQwenPictures writes the mmproj file.
func (m *Model) writeQwenPictures(path string, net *qwen2vl.Model, o GGUFOptions) error {
	v := net.Config().Vision
	metadata, err := m.qwenPictureMetadata(net)
	if err != nil {
		return err
	}
	params, cuts := m.qwenParts(v)
	for _, c := range cuts {
		if !c.whole.HasData() {
			return errors.New("the tower has no weights")
		}
		c.cut()
	}
	names := qwenNamesOf(v, !v.Third() && v.FeedForward == v.Width) // as llama.cpp takes it then
	tensors, err := ggufTensors(params, func(ours string) string { return toTheirs(names, ours) }, o)
	if err != nil {
		return err
	}
	for i, t := range tensors {
		if strings.HasPrefix(t.Name, "v.patch_embd.weight") {
			whole := *t.T
			whole.Shape = []int{v.Width, 3, v.PatchSize, v.PatchSize}
			tensors[i].T, tensors[i].DType = &whole, patchDType(t.DType)
		}
	}
	return checkpoint.WriteGGUF(path, withTypes(metadata, tensors, 0), tensors)
}

// cutting is a parameter that is several tensors in a GGUF file.
type cutting struct {
	whole *tensor.Tensor
	parts []*tensor.Tensor
	at    func(part, i int) int // the element of whole that is element i of a part; nil: parts follow each other
}

// qwenParts are the parameters of a tower and its merger, those apart that are so in GGUF files.
func (m *Model) qwenParts(v qwenvit.Config) (params []checkpoint.Param, cuts []cutting) {
	for _, p := range m.params() {
		name, ok := strings.CutPrefix(p.Name, qwenPrefix(v))
		if !ok {
			continue
		}
		var c cutting
		switch {
		case name == "patch_embed.proj.weight":
			c = cutFrames(p.T, v)
			params = append(params, checkpoint.Param{Name: p.Name, T: c.parts[0]}, checkpoint.Param{Name: p.Name + ".1", T: c.parts[1]})
		case strings.Contains(name, ".qkv.") && !v.Third():
			c = cutRows(p.T)
			for i, part := range []string{".q.", ".k.", ".v."} {
				params = append(params, checkpoint.Param{Name: strings.Replace(p.Name, ".qkv.", part, 1), T: c.parts[i]})
			}
		default:
			params = append(params, p)
			continue
		}
		cuts = append(cuts, c)
	}
	return params, cuts
}

// cutRows is a matrix, or a vector, of queries, keys and values.
func cutRows(whole *tensor.Tensor) cutting {
	shape := slices.Clone(whole.Shape)
	shape[0] /= 3
	return cutting{whole: whole, parts: []*tensor.Tensor{tensor.Declare(shape...), tensor.Declare(shape...), tensor.Declare(shape...)}}
}

// cutFrames is a patch embedding over two pictures in time.
func cutFrames(whole *tensor.Tensor, v qwenvit.Config) cutting {
	area := v.PatchSize * v.PatchSize
	declare := func() *tensor.Tensor { return tensor.Declare(v.Width, 3*area) }
	return cutting{whole: whole, parts: []*tensor.Tensor{declare(), declare()}, at: func(part, i int) int {
		return (i/area*2+part)*area + i%area
	}}
}

// join fills the whole with the parts; where it can it keeps how they are stored.
func (c *cutting) join() {
	dtype := c.parts[0].DType
	same := !slices.ContainsFunc(c.parts, func(t *tensor.Tensor) bool { return t.DType != dtype })
	if c.at == nil && same && dtype != tensor.F32 {
		c.whole.DType = dtype
		for _, t := range c.parts {
			c.whole.Raw = append(c.whole.Raw, t.Raw...)
		}
		return
	}
	c.whole.DType, c.whole.F32 = tensor.F32, make([]float32, c.whole.Len())
	for k, t := range c.parts {
		f := make([]float32, t.Len())
		t.Floats(f)
		for i, x := range f {
			c.whole.F32[c.place(k, i)] = x
		}
	}
}

// cut fills the parts with the whole.
func (c *cutting) cut() {
	n := c.parts[0].Len()
	if c.at == nil && c.whole.DType != tensor.F32 {
		size := c.whole.DType.Bytes(n)
		for k, t := range c.parts {
			t.DType, t.Raw = c.whole.DType, c.whole.Raw[k*size:(k+1)*size]
		}
		return
	}
	all := make([]float32, c.whole.Len())
	c.whole.Floats(all)
	for k, t := range c.parts {
		t.DType, t.F32 = tensor.F32, make([]float32, n)
		for i := range t.F32 {
			t.F32[i] = all[c.place(k, i)]
		}
	}
}

func (c *cutting) place(part, i int) int {
	if c.at != nil {
		return c.at(part, i)
	}
	return part*c.parts[0].Len() + i
}
