package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
)

// OpenToLearn opens a directory for training. Beside what OpenDir opens that is one
// with a config.json whose encoders and language model name the directories that
// they come from:
//
//	{"architectures": ["EnsembleForConditionalGeneration"],
//	 "vision": {"image_size": 224, "encoders": [{"from": "../clip"}, {"from": "../dinov2"}]},
//	 "text_config": {"from": "../llama"}}
//
// or a BLIP-2 made of what its first stage of training left and a language model, or
// such a first stage made of a picture encoder and BERT:
//
//	{"architectures": ["Blip2ForConditionalGeneration"], "from": "../stage1", "text_config": {"from": "../opt"}}
//	{"architectures": ["Blip2Qformer"], "vision_config": {"from": "../clip", "num_hidden_layers": 23},
//	 "qformer_config": {"from": "../bert-base-uncased"}}
//
// where the picture encoder may also be that of a file of LAVIS, such as eva_vit_g.pth.
// Fields of an entry go before those of the directory's config.json. What no
// directory has, the adapters, has no values yet; tokenizer and chat template
// are the language model's unless the directory has its own.
func OpenToLearn(dir string) (*Model, error) {
	if HasWeights(dir) {
		return OpenDir(dir)
	}
	m := &Model{Name: dir}
	if err := m.compose(dir); err != nil {
		m.Close() // the reason is err
		return nil, fmt.Errorf("zoo: %s: %w", dir, err)
	}
	return m, nil
}

// HasWeights reports whether a directory holds weights that OpenDir would open.
func HasWeights(dir string) bool {
	if checkpoint.HasWeights(dir) {
		return true
	}
	names, err := sphinxShards().Find(os.DirFS(dir))
	return err != nil || len(names) > 0
}

// origin is the directory that a part of a model comes from.
type origin struct {
	dir    string
	prefix string // of the part's parameters

	bind func(m *Model) error // how, where not as an encoder of an ensemble or a language model
}

// composition is a config.json whose parts come from elsewhere.
type composition struct {
	into    *Model // which closes what is opened
	dir     string
	origins []origin
	over    map[string][]byte
}

func (m *Model) compose(dir string) error {
	own := os.DirFS(dir)
	data, err := fs.ReadFile(own, "config.json")
	if err != nil {
		return err
	}
	c := &composition{into: m, dir: dir, over: map[string][]byte{}}
	config, err := c.resolve(data)
	if err != nil {
		return fmt.Errorf("config.json: %w", err)
	}
	if len(c.origins) == 0 {
		return fmt.Errorf("it has neither weights nor a config.json that says where its parts come \"from\": %w", fs.ErrNotExist)
	}
	c.over["config.json"] = config
	if _, err := fs.Stat(own, "preprocessor_config.json"); errors.Is(err, fs.ErrNotExist) && c.over["preprocessor_config.json"] == nil {
		if err := c.pictures(config); err != nil {
			return err
		}
	}
	m.files = layered{FS: own, over: c.over}
	if err := m.declare(); err != nil {
		return err
	}
	for _, o := range c.origins {
		if err := m.bindFrom(o); err != nil {
			return fmt.Errorf("%s: %w", o.dir, err)
		}
	}
	return nil
}

// resolve puts the configs of the parts in the place of where they come from.
func (c *composition) resolve(data []byte) ([]byte, error) {
	var whole map[string]any
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, err
	}
	if err := c.blip2(whole); err != nil {
		return nil, err
	}
	vision, _ := whole["vision"].(map[string]any)
	if err := c.encoders(vision, vision["join"] == "tokens"); err != nil {
		return nil, err
	}
	if text, ok := whole["text_config"].(map[string]any); ok {
		config, err := c.part(text, languagePrefix)
		if err != nil {
			return nil, fmt.Errorf("text_config: %w", err)
		}
		if n := len(c.origins); n > 0 && c.origins[n-1].prefix == languagePrefix {
			c.borrow(os.DirFS(c.origins[n-1].dir))
		}
		whole["text_config"] = config
	}
	return json.MarshalIndent(whole, "", "  ")
}

// encoders resolves a list of them, each in a group of its own or all in one.
func (c *composition) encoders(vision map[string]any, apart bool) error {
	list, _ := vision["encoders"].([]any)
	for i, e := range list {
		entry, ok := e.(map[string]any)
		if !ok {
			return fmt.Errorf("vision: encoders: %d is no object", i)
		}
		group, place := 0, i
		if apart {
			group, place = i, 0
		}
		if inner, ok := entry["encoders"].([]any); ok && apart {
			for k := range inner {
				if err := c.encoder(inner, k, group, k); err != nil {
					return err
				}
			}
			continue
		}
		if err := c.encoder(list, i, group, place); err != nil {
			return err
		}
	}
	return nil
}

func (c *composition) encoder(list []any, i, group, place int) error {
	entry, ok := list[i].(map[string]any)
	if !ok {
		return fmt.Errorf("vision: encoders: %d is no object", i)
	}
	config, err := c.part(entry, fmt.Sprintf("vision.groups.%d.encoders.%d.", group, place))
	if err != nil {
		return fmt.Errorf("vision: encoders: %d: %w", i, err)
	}
	list[i] = config
	return nil
}

// part is the config of an entry: what the directory says that it comes from, and
// over it what the entry says itself.
func (c *composition) part(entry map[string]any, prefix string) (map[string]any, error) {
	from, ok := entry["from"].(string)
	if !ok {
		return entry, nil
	}
	if !filepath.IsAbs(from) {
		from = filepath.Join(c.dir, from)
	}
	config := map[string]any{}
	if err := readJSON(from, "config.json", &config); err != nil {
		return nil, err
	}
	if inner, ok := config["vision_config"].(map[string]any); ok && config["qformer_config"] == nil && prefix != languagePrefix { // both towers of CLIP or SigLIP
		kind, _ := config["model_type"].(string)
		config = inner
		config["model_type"] = kind + "_vision_model"
	}
	if config["model_type"] == "blip-2" {
		config["model_type"] = "blip_2_qformer"
		delete(config, "text_config")
	}
	if prefix != languagePrefix {
		var pictures map[string]any
		if err := readJSON(from, "preprocessor_config.json", &pictures); err == nil {
			for _, name := range []string{"image_mean", "image_std"} {
				if v := pictures[name]; v != nil {
					config[name] = v
				}
			}
		}
	}
	for name, v := range entry {
		if name != "from" {
			config[name] = v
		}
	}
	c.origins = append(c.origins, origin{dir: from, prefix: prefix})
	return config, nil
}

func readJSON(dir, name string, v any) error {
	data, err := fs.ReadFile(os.DirFS(dir), name)
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	return nil
}

// borrow takes the files of a tokenizer that the directory lacks.
func (c *composition) borrow(other fs.FS) {
	own := os.DirFS(c.dir)
	for _, name := range []string{
		"tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
		"chat_template.jinja", "generation_config.json",
	} {
		if _, err := fs.Stat(own, name); err == nil {
			continue
		}
		if data, err := fs.ReadFile(other, name); err == nil {
			c.over[name] = data
		}
	}
}

// pictures writes the pipeline of a square that shows the whole picture.
func (c *composition) pictures(config []byte) (err error) {
	norm := imageproc.CLIPNormalize()
	f := struct {
		Vision struct {
			Side int `json:"image_size"`
			Mean any `json:"image_mean"`
			Std  any `json:"image_std"`
		} `json:"vision"`
	}{}
	f.Vision.Mean, f.Vision.Std = norm.Mean[:], norm.Std[:]
	if err := json.Unmarshal(config, &f); err != nil {
		return err
	}
	side := f.Vision.Side
	c.over["preprocessor_config.json"], err = json.MarshalIndent(map[string]any{
		"image_processor_type": "LlavaImageProcessor", "do_pad": true, "image_mean": f.Vision.Mean, "image_std": f.Vision.Std,
		"size": map[string]int{"shortest_edge": side}, "crop_size": map[string]int{"height": side, "width": side},
	}, "", "  ")
	return err
}

// elsewhere are tensors of checkpoints that the part which is taken out of them has no use for.
var elsewhere = []string{"text_model.*", "*_projection.*", "logit_*", "classifier.*", "language_model.*", "*pooler.*"}

// bindFrom binds the parameters of a part.
func (m *Model) bindFrom(o origin) error {
	if o.bind != nil {
		return o.bind(m)
	}
	c, err := checkpoint.OpenDir(o.dir)
	if err != nil {
		return err
	}
	m.others = append(m.others, c)
	under := checkpoint.Rename{From: "^", To: o.prefix}
	if o.prefix == languagePrefix {
		return m.bindPart(c, o.prefix, []checkpoint.Rename{under}, nil)
	}
	names := []checkpoint.Rename{{From: `^(vision_model|dinov2|convnext)\.`, To: ""}, under}
	if slices.ContainsFunc(m.params(), func(p checkpoint.Param) bool { return p.Name == o.prefix+"query_tokens" }) {
		names = names[1:] // the Q-Former's directory has its tower under that name
		return m.bindPart(c, o.prefix, names, append(stage1Heads, elsewhere...))
	}
	return m.bindPart(c, o.prefix, names, elsewhere)
}
