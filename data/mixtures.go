package data

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// mixtureFormats are files that name data sets.
func mixtureFormats() []format {
	return []format{
		{"llava-yaml", "LLaVA-NeXT's mixtures: datasets of json_path and sampling_strategy", func(p *probe) bool { return p.yaml("datasets:") }, openLLaVAMixture},
		{"accessory", "LLaMA2-Accessory's mixtures: META of path, type, root and ratio", func(p *probe) bool { return p.yaml("META:") }, openAccessory},
		{"dataset-info", "LLaMA-Factory's dataset_info.json, of which --name chooses an entry", func(p *probe) bool {
			return p.base == "dataset_info.json" || p.entry("file_name", "formatting", "columns")
		}, openInfo},
		{"internvl", "InternVL's meta file: root, annotation and repeat_time of each data set", func(p *probe) bool { return p.entry("annotation") }, openInternVL},
	}
}

// yaml recognises a file by a key in it.
func (p *probe) yaml(key string) bool {
	return (p.ext == ".yaml" || p.ext == ".yml") && bytes.Contains(p.head, []byte(key))
}

// entry reports whether an entry of an object has one of these fields.
func (p *probe) entry(keys ...string) bool {
	for _, raw := range p.fields {
		var e map[string]json.RawMessage
		if json.Unmarshal(raw, &e) == nil && slices.ContainsFunc(keys, func(k string) bool { return e[k] != nil }) {
			return true
		}
	}
	return false
}

// maxMixture bounds a file that names data sets.
const maxMixture = 4 << 20

// names reads the file.
func (o *opener) names() ([]byte, error) {
	f, in, err := o.file()
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxMixture+1))
	if err == nil && len(raw) > maxMixture {
		err = fmt.Errorf("larger than %d bytes", maxMixture)
	}
	return raw, errors.Join(err, f.Close())
}

// beside is a path as the file has it: below its own folder.
func (o *opener) beside(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(o.name), filepath.FromSlash(name))
}

// inner are the options for a data set that is named.
func (o *opener) inner() Options {
	opts := o.Options
	opts.Format, opts.Name = "", ""
	return opts
}

// openLLaVAMixture reads {datasets: [{json_path, sampling_strategy}]}
// (https://github.com/LLaVA-VL/LLaVA-NeXT).
func openLLaVAMixture(o *opener) (source, error) {
	raw, err := o.names()
	if err != nil {
		return nil, err
	}
	var file struct {
		Datasets []struct {
			Path   string `yaml:"json_path"`
			Sample string `yaml:"sampling_strategy"`
			Images string `yaml:"image_folder"`
		} `yaml:"datasets"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	b := &blend{}
	for i, d := range file.Datasets {
		opts := o.inner()
		if d.Images != "" {
			opts.Images = o.beside(d.Images)
		}
		err := o.child(b, o.beside(d.Path), opts, func(s *Set) (take, error) { return sampled(d.Sample, s.Len()) })
		if err != nil {
			return nil, errors.Join(fmt.Errorf("data set %d: %w", i+1, err), b.Close())
		}
	}
	return b, nil
}

// sampled reads a strategy: all, or first, end or random with a number or a share.
func sampled(text string, size int) (take, error) {
	if text == "" || text == "all" {
		return take{n: size}, nil
	}
	kind, amount, ok := strings.Cut(text, ":")
	t := take{}
	switch kind {
	case "first":
	case "end":
		t.kind = last
	case "random":
		t.kind = random
	default:
		ok = false
	}
	share, isShare := strings.CutSuffix(amount, "%")
	n, err := strconv.ParseFloat(share, 64)
	if isShare {
		n = math.Ceil(float64(n*float64(size)) / 100)
	}
	if !ok || err != nil || !(n >= 0 && n <= float64(max(size, 1<<31))) {
		return t, fmt.Errorf("sampling_strategy %q, want all, or first, end or random with a number or percentage behind a colon", text)
	}
	t.n = min(int(n), size)
	return t, nil
}

// openAccessory reads {META: [{path, type, root, ratio}]}
// (https://github.com/Alpha-VLLM/LLaMA2-Accessory, which learns from samples of one type
// in each step).
func openAccessory(o *opener) (source, error) {
	raw, err := o.names()
	if err != nil {
		return nil, err
	}
	var file struct {
		Meta []struct {
			Path  string   `yaml:"path"`
			Type  string   `yaml:"type"`
			Root  string   `yaml:"root"`
			Ratio *float64 `yaml:"ratio"`
		} `yaml:"META"`
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		return nil, err
	}
	b := &blend{}
	for i, d := range file.Meta {
		opts := o.inner()
		if d.Root != "" {
			opts.Images = o.beside(d.Root)
		}
		ratio := 1.0
		if d.Ratio != nil {
			ratio = *d.Ratio
		}
		if err := o.child(b, o.beside(d.Path), opts, func(s *Set) (take, error) { return repeated(ratio, s.Len()) }); err != nil {
			return nil, errors.Join(fmt.Errorf("data set %d: %w", i+1, err), b.Close())
		}
		b.types = append(b.types, d.Type)
	}
	return b, nil
}

// repeated takes a share of a set, or takes it several times.
func repeated(times float64, size int) (take, error) {
	n := float64(times * float64(size))
	if !(times > 0 && n < 1<<31) {
		return take{}, fmt.Errorf("%v times %d samples", times, size)
	}
	t := take{n: int(math.Round(n))}
	if times < 1 {
		t.kind = random
	}
	return t, nil
}

// each calls visit with the entries of a JSON object, in the order of their names.
func eachEntry[T any](raw []byte, visit func(name string, entry T) error) error {
	var file map[string]T
	if err := decode(raw, &file); err != nil {
		return err
	}
	var names []string
	for name := range file {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := visit(name, file[name]); err != nil {
			return fmt.Errorf("%.80q: %w", name, err)
		}
	}
	return nil
}

// openInternVL reads {name: {root, annotation, repeat_time}}
// (https://internvl.readthedocs.io/en/latest/get_started/chat_data_format.html).
func openInternVL(o *opener) (source, error) {
	raw, err := o.names()
	if err != nil {
		return nil, err
	}
	type entry struct {
		Root       string   `json:"root"`
		Annotation string   `json:"annotation"`
		Repeat     *float64 `json:"repeat_time"`
	}
	b := &blend{}
	err = eachEntry(raw, func(name string, e entry) error {
		if o.Name != "" && name != o.Name {
			return nil
		}
		opts := o.inner()
		if e.Root != "" {
			opts.Images = o.beside(e.Root)
		}
		times := 1.0
		if e.Repeat != nil {
			times = *e.Repeat
		}
		return o.child(b, o.beside(e.Annotation), opts, func(s *Set) (take, error) { return repeated(times, s.Len()) })
	})
	return o.chosen(b, err)
}

// chosen is the blend, if it has something of the name that is asked for.
func (o *opener) chosen(b *blend, err error) (source, error) {
	if err == nil && o.Name != "" && len(b.sets) == 0 {
		err = fmt.Errorf("there is no entry %q", o.Name)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// openInfo reads a dataset_info.json of LLaMA-Factory; the files it names lie beside it.
func openInfo(o *opener) (source, error) {
	raw, err := o.names()
	if err != nil {
		return nil, err
	}
	b := &blend{}
	err = eachEntry(raw, func(name string, e json.RawMessage) error {
		if o.Name != "" && name != o.Name {
			return nil
		}
		return o.infoEntry(b, e)
	})
	return o.chosen(b, err)
}

func (o *opener) infoEntry(b *blend, raw []byte) error {
	var e struct {
		File       string          `json:"file_name"`
		Formatting string          `json:"formatting"`
		Samples    *int            `json:"num_samples"`
		Columns    json.RawMessage `json:"columns"`
		Tags       json.RawMessage `json:"tags"`
	}
	if err := decode(raw, &e); err != nil {
		return err
	}
	if e.File == "" {
		return errors.New("names no file_name; data sets of a hub are not fetched")
	}
	l := defaultLayout()
	switch e.Formatting {
	case "alpaca", "":
		l.alpaca = true
	case "sharegpt":
	case "openai":
		l.Messages, l.tags = "messages", tags{Role: "role", Content: "content", User: "user", Assistant: "assistant", System: "system"}
	default:
		return fmt.Errorf("formatting %.40q, want alpaca, sharegpt or openai", e.Formatting)
	}
	for _, part := range []struct {
		raw  json.RawMessage
		into any
	}{{e.Columns, &l.columns}, {e.Tags, &l.tags}} {
		if part.raw == nil {
			continue
		}
		if err := decode(part.raw, part.into); err != nil {
			return err
		}
	}
	opts := o.inner()
	opts.Format, opts.layout = "sharegpt", l
	path := o.beside(e.File)
	if opts.Images == "" {
		opts.Images = filepath.Dir(o.name) // where LLaMA-Factory looks
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(escaped(path), "*.json*")
	}
	return o.child(b, path, opts, func(s *Set) (take, error) {
		if e.Samples != nil && *e.Samples < s.Len() && *e.Samples >= 0 {
			return take{n: *e.Samples}, nil
		}
		return take{n: s.Len()}, nil
	})
}
