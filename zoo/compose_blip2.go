package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/tensor"
)

// blip2 resolves a BLIP-2 whose tower and Q-Former come from elsewhere.
func (c *composition) blip2(whole map[string]any) error {
	if from, ok := whole["from"].(string); ok {
		delete(whole, "from")
		return c.stage1(whole, c.path(from))
	}
	if vision, ok := whole["vision_config"].(map[string]any); ok {
		if from, ok := vision["from"].(string); ok {
			if err := c.eye(whole, vision, c.path(from)); err != nil {
				return fmt.Errorf("vision_config: %w", err)
			}
		}
	}
	if qformer, ok := whole["qformer_config"].(map[string]any); ok {
		if from, ok := qformer["from"].(string); ok {
			if err := c.bert(whole, qformer, c.path(from)); err != nil {
				return fmt.Errorf("qformer_config: %w", err)
			}
		}
	}
	return nil
}

// path is where an entry comes from.
func (c *composition) path(from string) string {
	if filepath.IsAbs(from) {
		return from
	}
	return filepath.Join(c.dir, from)
}

// stage1 takes what the first stage of training left, a directory or a file of LAVIS:
// tower, queries and Q-Former, and what else the model and it have in common.
func (c *composition) stage1(whole map[string]any, from string) error {
	var config map[string]any
	files := os.DirFS(from)
	bind := func(into *Model) error { return into.bindCommon(from) }
	if isTorchFile(from) {
		files = os.DirFS(filepath.Dir(from))
		l, err := c.lavis(from)
		if err == nil {
			config, err = l.stage1Config()
		}
		if err == nil {
			err = override(config, files, besideLAVIS(from))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		bind = func(into *Model) error { return l.bind(into.common(l.q.c, l.names())) }
	} else if err := readJSON(from, "config.json", &config); err != nil {
		return err
	} else if config["qformer_config"] == nil {
		return fmt.Errorf("%s: config.json has no qformer_config: it is no BLIP-2", from)
	}
	for _, name := range []string{"vision_config", "qformer_config", "num_query_tokens", "image_text_hidden_size", "model_type"} {
		if whole[name] == nil && config[name] != nil {
			whole[name] = config[name]
		}
	}
	qformer, _ := whole["qformer_config"].(map[string]any)
	if qformer != nil {
		qformer["use_qformer_text_input"] = whole["text_config"] == nil
	}
	c.origins = append(c.origins, origin{dir: from, bind: bind})
	return c.beside(files, config, whole["text_config"] == nil)
}

// lavis opens a file of LAVIS, of which only some tensors are wanted, and its picture encoder.
func (c *composition) lavis(path string) (*lavis, error) {
	file, err := c.open(path)
	if err != nil {
		return nil, err
	}
	l := newLAVIS(file)
	l.pick = true
	return l, c.into.openEye(l, filepath.Dir(path))
}

// open opens a file of weights, which the model closes.
func (c *composition) open(path string) (*checkpoint.Checkpoint, error) {
	file, err := openFile(path)
	if err == nil {
		c.into.others = append(c.into.others, file)
	}
	return file, err
}

// isTorchFile reports whether a path is that of a file as LAVIS keeps them.
func isTorchFile(path string) bool { return strings.EqualFold(filepath.Ext(path), ".pth") }

// beside takes the files that stand beside weights: how pictures are prepared, and if
// reads says so the tokenizer.
func (c *composition) beside(files fs.FS, config map[string]any, reads bool) (err error) {
	data, err := fs.ReadFile(files, "preprocessor_config.json")
	if errors.Is(err, fs.ErrNotExist) {
		data, err = json.Marshal(lavisPictures(config))
	}
	if err != nil {
		return err
	}
	c.over["preprocessor_config.json"] = data
	if !reads {
		return nil
	}
	if _, err := fs.Stat(files, bertDir); err == nil {
		if files, err = fs.Sub(files, bertDir); err != nil {
			return err
		}
	}
	c.borrow(files)
	return nil
}

// common are the parameters that a BLIP-2 must have of another, and those that the
// other's checkpoint has.
func (m *Model) common(c *checkpoint.Checkpoint, names []checkpoint.Rename) []checkpoint.Param {
	theirs, _ := checkpoint.Renamed(c.Names(), names) // what is wrong with names, Bind tells
	return slices.DeleteFunc(m.params(), func(p checkpoint.Param) bool {
		must := p.Name == "query_tokens" || strings.HasPrefix(p.Name, "vision_model.") || strings.HasPrefix(p.Name, "qformer.")
		return !must && (strings.HasPrefix(p.Name, languagePrefix) || !slices.Contains(theirs, p.Name))
	})
}

// bindCommon binds them from a directory.
func (m *Model) bindCommon(dir string) error {
	c, err := checkpoint.OpenDir(dir)
	if err != nil {
		return err
	}
	m.others = append(m.others, c)
	return checkpoint.Bind(c, m.common(c, nil), nil, checkpoint.BindOptions{Ignore: []string{"*"}})
}

// stage1Heads are tensors of a first stage that its queries have no use for.
var stage1Heads = []string{
	"embeddings.*", "qformer.encoder.layer.*.intermediate.dense.*", "qformer.encoder.layer.*.output.dense.*", "qformer.encoder.layer.*.output.LayerNorm.*",
	"itm_head.*", "temp", "cls.*",
}

// eye takes a picture encoder: the tower of a directory of CLIP, or of a file of LAVIS,
// EVA's or CLIP's. The norm behind it is new.
func (c *composition) eye(whole, entry map[string]any, from string) error {
	config, files := map[string]any{}, os.DirFS(from)
	bind := func(m *Model, params []checkpoint.Param) error { return m.bindSome(from, params) }
	if isTorchFile(from) {
		files = os.DirFS(filepath.Dir(from))
		l, err := c.lavisEye(from)
		if err == nil {
			config, err = l.visionConfig()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		bind = func(_ *Model, params []checkpoint.Param) error { return l.bind(params) }
	} else {
		if err := readJSON(from, "config.json", &config); err != nil {
			return err
		}
		if inner, ok := config["vision_config"].(map[string]any); ok && config["model_type"] == "clip" {
			config = inner
			config["model_type"] = "clip_vision_model"
		}
		if kind := config["model_type"]; kind != "clip_vision_model" {
			return fmt.Errorf("%s: a %v; a picture encoder of BLIP-2 is a directory of CLIP, or EVA's %s", from, kind, evaFile)
		}
	}
	lay(config, entry)
	delete(config, "from")
	whole["vision_config"] = config
	c.origins = append(c.origins, origin{dir: from, bind: func(m *Model) error {
		return bind(m, slices.DeleteFunc(m.params(), func(p checkpoint.Param) bool {
			return !strings.HasPrefix(p.Name, "vision_model.") || strings.HasPrefix(p.Name, "vision_model.post_layernorm.")
		}))
	}})
	return c.beside(files, whole, false)
}

// lavisEye opens a file for its picture encoder alone: that of evaFile or clipFile, or
// of a whole BLIP-2.
func (c *composition) lavisEye(path string) (*lavis, error) {
	file, err := c.open(path)
	if err != nil {
		return nil, err
	}
	l := newLAVIS(file)
	if l.pick = true; l.eye == nil {
		l.eye = &part{c: file}
	}
	return l, c.into.openEye(l, filepath.Dir(path))
}

// bindSome binds parameters from a directory that has more.
func (m *Model) bindSome(dir string, params []checkpoint.Param) error {
	c, err := checkpoint.OpenDir(dir)
	if err != nil {
		return err
	}
	m.others = append(m.others, c)
	return checkpoint.Bind(c, params, nil, checkpoint.BindOptions{Ignore: []string{"*"}})
}

// bert takes the layers of BERT as a Q-Former, as LAVIS does: the queries' feed-forward
// parts begin as the text's. Attention to pictures is new.
func (c *composition) bert(whole, entry map[string]any, from string) error {
	config := map[string]any{}
	if err := readJSON(from, "config.json", &config); err != nil {
		return err
	}
	if kind := config["model_type"]; kind != "bert" {
		return fmt.Errorf("%s: a %v, want bert", from, kind)
	}
	resolved := map[string]any{"cross_attention_frequency": 2, "use_qformer_text_input": true}
	for _, name := range []string{
		"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act", "layer_norm_eps", "max_position_embeddings",
	} {
		if v := config[name]; v != nil {
			resolved[name] = v
		}
	}
	if n, ok := resolved["vocab_size"].(float64); ok {
		resolved["vocab_size"] = n + 1 // for the token that captions begin with
	}
	if vision, ok := whole["vision_config"].(map[string]any); ok && vision["hidden_size"] != nil {
		resolved["encoder_hidden_size"] = vision["hidden_size"]
	}
	lay(resolved, entry)
	delete(resolved, "from")
	whole["qformer_config"] = resolved
	c.borrow(os.DirFS(from))
	c.origins = append(c.origins, origin{dir: from, bind: func(m *Model) error { return m.bindBERT(from) }})
	return nil
}

// bertNames are those of BERT in ours.
var bertNames = []checkpoint.Rename{
	{From: `^(.*)\.gamma$`, To: "${1}.weight"}, {From: `^(.*)\.beta$`, To: "${1}.bias"}, // as in the first checkpoints
	{From: "bert.", To: ""},
	{From: "embeddings.LayerNorm.", To: "qformer.layernorm."},
	{From: "encoder.", To: "qformer.encoder."},
	{From: `^(qformer\..*attention)\.self\.`, To: "${1}.attention."},
}

// bindBERT binds what a Q-Former has of BERT.
func (m *Model) bindBERT(dir string) error {
	c, err := checkpoint.OpenDir(dir)
	if err != nil {
		return err
	}
	m.others = append(m.others, c)
	var params []checkpoint.Param
	o := checkpoint.BindOptions{Ignore: []string{"*"}}
	for _, p := range m.params() {
		of := strings.HasPrefix(p.Name, "qformer.") || strings.HasPrefix(p.Name, "embeddings.") || strings.HasPrefix(p.Name, "cls.")
		switch {
		case !of || strings.Contains(p.Name, ".crossattention."):
			continue
		case p.Name == "embeddings.word_embeddings.weight" || p.Name == "cls.predictions.bias":
			if err := grow(c, p); err != nil {
				return err
			}
			continue
		case strings.Contains(p.Name, "_query."):
			o.Tied = append(o.Tied, checkpoint.Tied{Name: p.Name, To: strings.Replace(p.Name, "_query.", ".", 1)})
		}
		params = append(params, p)
	}
	return checkpoint.Bind(c, params, bertNames, o)
}

// grow fills a parameter of the vocabulary with BERT's rows and, for the token that
// captions begin with, one that is their mean.
func grow(c *checkpoint.Checkpoint, p checkpoint.Param) error {
	names := c.Names()
	ours, err := checkpoint.Renamed(names, bertNames)
	if err != nil {
		return err
	}
	at := slices.Index(ours, p.Name)
	if at < 0 {
		return fmt.Errorf("it lacks %s: a BERT with its head for masked tokens has it", p.Name)
	}
	old, err := c.Floats(names[at])
	if err != nil {
		return err
	}
	width := p.T.Len() / p.T.Shape[0]
	if len(old) == p.T.Len() {
		p.T.F32, p.T.DType = old, tensor.F32
		return nil
	}
	if len(old)+width != p.T.Len() {
		return fmt.Errorf("%s has %d elements, want %d or a row less", names[at], len(old), p.T.Len())
	}
	p.T.F32, p.T.DType = make([]float32, p.T.Len()), tensor.F32
	copy(p.T.F32, old)
	sums := make([]float64, width)
	for i, v := range old {
		sums[i%width] += float64(v)
	}
	for i, s := range sums {
		p.T.F32[len(old)+i] = float32(s / float64(p.T.Shape[0]-1))
	}
	return nil
}
