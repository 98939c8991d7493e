package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
)

// shardName is what LLaMA2-Accessory calls the file of a process that ran a part
// of every layer (https://github.com/Alpha-VLLM/LLaMA2-Accessory).
var shardName = regexp.MustCompile(`^consolidated\.(\d{1,4})-of-(\d{1,4})\.model\.pth$`)

// OpenConsolidated opens a model in the root of fsys whose matrices were cut over
// several processes, in files consolidated.00-of-02.model.pth and so on, all of
// which hold tensors of the same names. axis tells along which axis a tensor is
// joined; below 0, all files hold the whole of it.
//
// A tensor that is joined is a copy; all others stay in their mapped file. Errors
// name the file: one that is missing, and those that do not fit each other.
func OpenConsolidated(fsys fs.FS, axis func(tensor string) int) (*Checkpoint, error) {
	c := &Checkpoint{label: "consolidated.*.model.pth", files: map[string]*file{}, tensors: map[string]Info{}, metadata: map[string]string{}}
	if err := c.openConsolidated(fsys, axis); err != nil {
		c.Close() // what is open already; the reason is err
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return c, nil
}

// HasConsolidated reports whether the root of fsys holds files that OpenConsolidated would open.
func HasConsolidated(fsys fs.FS) bool {
	found, err := fs.Glob(fsys, "consolidated.*.model.pth")
	return err == nil && slices.ContainsFunc(found, shardName.MatchString)
}

func (c *Checkpoint) openConsolidated(fsys fs.FS, axis func(string) int) error {
	names, err := consolidated(fsys)
	if err != nil {
		return err
	}
	var parts []*Checkpoint
	for _, name := range names {
		part := &Checkpoint{files: c.files, tensors: map[string]Info{}, metadata: c.metadata}
		if err := part.add(fsys, name, readAny); err != nil {
			return err
		}
		parts = append(parts, part)
	}
	for _, p := range parts[1:] {
		if err := parts[0].sameNames(p, names[0]); err != nil {
			return err
		}
	}
	for name := range parts[0].tensors {
		info, err := merge(name, parts, axis(name))
		if err != nil {
			return err
		}
		c.tensors[name] = info
	}
	return nil
}

// consolidated lists the files of all processes in their order.
func consolidated(fsys fs.FS) ([]string, error) {
	all, err := fs.Glob(fsys, "consolidated.*.pth")
	if err != nil {
		return nil, err
	}
	byRank, count := map[int]string{}, 0
	for _, name := range all {
		m := shardName.FindStringSubmatch(name)
		if m == nil {
			return nil, fmt.Errorf("%s: only consolidated.RR-of-NN.model.pth are read, no differences to another model and no files of Meta's", name)
		}
		rank, _ := strconv.Atoi(m[1]) // digits, both
		of, _ := strconv.Atoi(m[2])
		if count != 0 && of != count {
			return nil, fmt.Errorf("%s: beside it are files of %d processes: two models in one directory", name, count)
		}
		if byRank[rank] != "" || rank >= of {
			return nil, fmt.Errorf("%s: no file of %d that belong together", name, of)
		}
		byRank[rank], count = name, of
	}
	if count == 0 {
		return nil, fmt.Errorf("no consolidated.00-of-NN.model.pth: %w", fs.ErrNotExist)
	}
	names := make([]string, count)
	var lost problems
	for rank := range names {
		if names[rank] = byRank[rank]; names[rank] == "" {
			lost = append(lost, fmt.Sprintf("missing shard consolidated.%02d-of-%02d.model.pth", rank, count))
		}
	}
	if len(lost) > 0 {
		return nil, lost
	}
	return names, nil
}

// sameNames refuses a file that lacks tensors which another has, or has more.
func (c *Checkpoint) sameNames(other *Checkpoint, own string) error {
	var odd problems
	for _, name := range c.Names() {
		if _, ok := other.tensors[name]; !ok {
			odd = append(odd, fmt.Sprintf("tensor %q is in %s only", name, own))
		}
	}
	for _, name := range other.Names() {
		if info, ok := other.tensors[name]; ok && c.tensors[name].Name == "" {
			odd = append(odd, fmt.Sprintf("tensor %q is in %s only", name, info.File))
		}
	}
	if len(odd) > 0 {
		return fmt.Errorf("the shards are not of one model: %w", odd)
	}
	return nil
}

// merge is the tensor of which every file has a part or the whole.
func merge(name string, files []*Checkpoint, axis int) (Info, error) {
	info := files[0].tensors[name]
	if axis >= len(info.Shape) {
		return info, fmt.Errorf("%s: tensor %q of shape %v cannot be joined along axis %d", info.File, name, info.Shape, axis)
	}
	if axis >= 0 && len(files) > 1 {
		info.parts = []Info{info}
		info.Shape, info.strides, info.axis = slices.Clone(info.Shape), nil, axis
	}
	for _, f := range files[1:] {
		p := f.tensors[name]
		if p.DType != info.DType || !besides(p.Shape, files[0].tensors[name].Shape, axis) {
			return info, fmt.Errorf("%s: tensor %q is %v %v, and %v %v in %s: shards of different runs?",
				p.File, name, p.DType, p.Shape, info.DType, files[0].tensors[name].Shape, info.File)
		}
		if axis < 0 {
			continue
		}
		info.parts = append(info.parts, p)
		info.Shape[axis] += p.Shape[axis]
	}
	var err error
	info.Bytes, err = byteSize(info.Shape, info.DType)
	return info, wrap(err, "%s: tensor %q", info.File, name)
}

// besides reports whether two parts have one shape. That of a process is as large as any other's.
func besides(a, b []int, axis int) bool { return slices.Equal(a, b) && (axis < 0 || a[axis] > 0) }

// join copies the parts of a tensor into their places.
func (c *Checkpoint) join(info Info) ([]byte, error) {
	out := make([]byte, info.Bytes)
	outer := 1
	for _, n := range info.Shape[:info.axis] {
		outer *= n
	}
	at, line := 0, len(out)/max(outer, 1)
	for _, p := range info.parts {
		raw, err := c.raw(p)
		if err != nil {
			return nil, err
		}
		n := len(raw) / max(outer, 1)
		for i := range outer {
			copy(out[i*line+at:], raw[i*n:(i+1)*n])
		}
		at += n
	}
	return out, nil
}

// Split is a rule that cuts a tensor, by rows, into as many equal ones as it names:
// queries, keys and values that another dialect keeps in one matrix. From is a
// regular expression; To may use its groups as ${1}.
type Split struct {
	From string
	To   []string
}

// Split applies rules to the tensors, whose parts stay where the whole is.
func (c *Checkpoint) Split(rules []Split) error {
	for _, r := range rules {
		re, err := regexp.Compile(r.From)
		if err != nil {
			return fmt.Errorf("checkpoint: split rule %q: %w", r.From, err)
		}
		for _, name := range c.Names() {
			if !re.MatchString(name) {
				continue
			}
			var into []string
			for _, to := range r.To {
				into = append(into, re.ReplaceAllString(name, to))
			}
			if err := c.split(name, into); err != nil {
				return fmt.Errorf("checkpoint: %s: tensor %q: %w", c.tensors[name].File, name, err)
			}
		}
	}
	return nil
}

func (c *Checkpoint) split(name string, into []string) error {
	whole, n := c.tensors[name], len(into)
	if whole.parts != nil || len(whole.Shape) == 0 {
		return errors.New("it cannot be cut")
	}
	if whole.Shape[0]%n != 0 {
		return fmt.Errorf("%d rows cannot be cut into %d parts", whole.Shape[0], n)
	}
	delete(c.tensors, name)
	for i, to := range into {
		if _, ok := c.tensors[to]; ok {
			return fmt.Errorf("there is a tensor %q beside it", to)
		}
		part := whole
		part.Name, part.Bytes, part.Shape = to, whole.Bytes/int64(n), slices.Clone(whole.Shape)
		part.Shape[0] /= n
		if whole.strides == nil {
			part.offset += int64(i) * part.Bytes
		} else {
			part.offset += int64(i*part.Shape[0]) * whole.strides[0] * int64(whole.DType.Size())
		}
		c.tensors[to] = part
	}
	return nil
}
