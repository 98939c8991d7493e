package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"

	"github.com/fovea-ml/fovea/tensor"
)

// Parallel are the files of a model that was split among devices as it was
// trained, each with its part of the same tensors.
type Parallel struct {
	Pattern string // of their names: a regular expression with the number of a file, from 0, and how many there are
	// Axis is the dimension by which a tensor is split, -1 for one that every file has whole.
	Axis func(name string) int
}

// Find lists the files that a directory has, in order. None is no error; some of
// them are.
func (p Parallel) Find(fsys fs.FS) ([]string, error) {
	re, err := regexp.Compile("^" + p.Pattern + "$")
	if err != nil {
		return nil, fmt.Errorf("checkpoint: pattern %q: %w", p.Pattern, err)
	}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	byNumber, of := map[int]string{}, ""
	for _, e := range entries {
		m := re.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		n, err := strconv.Atoi(m[1])
		if err != nil || byNumber[n] != "" || of != "" && of != m[2] {
			return nil, fmt.Errorf("checkpoint: %s and %s do not belong to one set of shards", byNumber[least(byNumber)], e.Name())
		}
		byNumber[n], of = e.Name(), m[2]
	}
	return inOrder(byNumber, of)
}

func least(byNumber map[int]string) int {
	first := math.MaxInt
	for n := range byNumber {
		first = min(first, n)
	}
	return first
}

// inOrder lists the files of a set, of which none may be missing.
func inOrder(byNumber map[int]string, of string) ([]string, error) {
	if len(byNumber) == 0 {
		return nil, nil
	}
	total, err := strconv.Atoi(of)
	if err != nil || total < 1 || total > 1<<10 {
		return nil, fmt.Errorf("checkpoint: %s: a set of %s shards", byNumber[least(byNumber)], of)
	}
	var names []string
	var lost problems
	for n := range total {
		if byNumber[n] == "" {
			lost = append(lost, fmt.Sprintf("missing shard %d of %d, counted from 0", n, total))
		}
		names = append(names, byNumber[n])
	}
	if lost == nil && len(byNumber) > total {
		lost = append(lost, fmt.Sprintf("%d shards, and their names say %d", len(byNumber), total))
	}
	if lost != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", byNumber[least(byNumber)], lost)
	}
	return names, nil
}

// Open opens the files, which Find has listed. A tensor that is split is put
// together when it is asked for; of those that all files have, the first file's
// counts.
func (p Parallel) Open(fsys fs.FS, names []string) (*Checkpoint, error) {
	c := &Checkpoint{files: map[string]*file{}, tensors: map[string]Info{}, metadata: map[string]string{}, label: path.Base(names[0])}
	if err := p.open(c, fsys, names); err != nil {
		c.Close() // what is open already; the reason is err
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	return c, nil
}

func (p Parallel) open(c *Checkpoint, fsys fs.FS, names []string) error {
	var shards []map[string]Info
	for _, name := range names {
		one := &Checkpoint{files: c.files, tensors: map[string]Info{}, metadata: c.metadata}
		if err := one.add(fsys, name, readAny); err != nil {
			return err
		}
		shards = append(shards, one.tensors)
	}
	if len(names) == 1 {
		c.tensors = shards[0]
		return nil
	}
	var wrong, lost problems
	for name, first := range shards[0] {
		parts := []Info{first}
		for i, s := range shards[1:] {
			part, ok := s[name]
			if !ok {
				lost = append(lost, fmt.Sprintf("tensor %q of %s is not in %s", name, names[0], names[i+1]))
				break
			}
			parts = append(parts, part)
		}
		if len(parts) < len(names) {
			continue
		}
		joined, err := join(c, parts, p.Axis(name))
		if err != nil {
			wrong = append(wrong, err.Error())
		}
		c.tensors[name] = joined
	}
	for i, s := range shards[1:] {
		for name := range s {
			if _, ok := shards[0][name]; !ok {
				lost = append(lost, fmt.Sprintf("tensor %q of %s is not in %s", name, names[i+1], names[0]))
			}
		}
	}
	if wrong == nil && lost == nil {
		return p.distinct(c)
	}
	slices.Sort(wrong)
	slices.Sort(lost)
	wrong = append(wrong, lost...)
	return fmt.Errorf("%s: these are not shards of one checkpoint: %w", c.label, wrong)
}

// distinct refuses files of which one is the copy of another: the smallest tensor that is split tells.
func (p Parallel) distinct(c *Checkpoint) error {
	var least Info
	for _, name := range c.Names() {
		if t := c.tensors[name]; t.parts != nil && (least.parts == nil || t.Bytes < least.Bytes) {
			least = t
		}
	}
	seen := map[string]string{}
	for _, part := range least.parts {
		raw, err := c.bytesOf(part)
		if err != nil {
			return wrap(err, "%s: tensor %q", part.File, part.Name)
		}
		if other, ok := seen[string(raw)]; ok && len(bytes.Trim(raw, "\x00")) > 0 {
			return fmt.Errorf("%s and %s hold the same part of tensor %q: is one a copy of the other?", other, part.File, part.Name)
		}
		seen[string(raw)] = part.File
	}
	return nil
}

// join is the tensor that parts of equal shape make along an axis, or the first
// of them if they are all the same one.
func join(c *Checkpoint, parts []Info, axis int) (Info, error) {
	whole := parts[0]
	for _, p := range parts[1:] {
		if p.DType != whole.DType || !slices.Equal(p.Shape, whole.Shape) {
			return whole, fmt.Errorf("tensor %q is %v %v in %s and %v %v in %s", p.Name, whole.DType, whole.Shape, whole.File, p.DType, p.Shape, p.File)
		}
		if axis < 0 && len(p.Shape) == 1 {
			if err := c.alike(whole, p); err != nil {
				return whole, err
			}
		}
	}
	if axis < 0 {
		return whole, nil
	}
	if axis >= len(whole.Shape) || whole.DType.Quantised() {
		return whole, fmt.Errorf("tensor %q: %v %v in %s cannot be a part along dimension %d", whole.Name, whole.DType, whole.Shape, whole.File, axis)
	}
	whole.parts, whole.axis, whole.strides = parts, axis, nil
	whole.Shape = slices.Clone(whole.Shape)
	if whole.Shape[axis] > maxInt/len(parts) {
		return whole, fmt.Errorf("tensor %q: shape %v is too large", whole.Name, whole.Shape)
	}
	whole.Shape[axis] *= len(parts)
	var err error
	whole.Bytes, err = byteSize(whole.Shape, whole.DType)
	return whole, wrap(err, "tensor %q", whole.Name)
}

// alike refuses vectors that every file should have the same, and which differ by
// more than devices do that each rounded for itself.
func (c *Checkpoint) alike(a, b Info) error {
	if !a.DType.Float() || a.DType.Quantised() {
		return nil
	}
	x, err := c.floatsOf(a)
	if err != nil {
		return err
	}
	y, err := c.floatsOf(b)
	if err != nil {
		return err
	}
	const allowed = 0.05
	largest, apart := 0.0, 0.0
	for i, v := range x {
		largest = max(largest, math.Abs(float64(v)))
		apart = max(apart, math.Abs(float64(v)-float64(y[i])))
	}
	if apart > allowed*largest {
		return fmt.Errorf("tensor %q, which is not split, differs between %s and %s", a.Name, a.File, b.File)
	}
	return nil
}

func (c *Checkpoint) floatsOf(info Info) ([]float32, error) {
	t, err := c.load(info)
	if err != nil {
		return nil, wrap(err, "%s: tensor %q", info.File, info.Name)
	}
	x := make([]float32, t.Len())
	t.Floats(x)
	return x, nil
}

// assemble puts the parts of a tensor together.
func (c *Checkpoint) assemble(info Info) ([]byte, error) {
	outer := tensor.Size(info.Shape[:info.axis])
	var parts [][]byte
	for _, p := range info.parts {
		raw, err := c.bytesOf(p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, raw)
	}
	out := bytes.NewBuffer(make([]byte, 0, info.Bytes))
	for i := range outer {
		for _, p := range parts {
			n := len(p) / outer
			out.Write(p[i*n : (i+1)*n])
		}
	}
	return out.Bytes(), nil
}

// SplitRows replaces every tensor whose name matches from, a regular expression, by
// as many of equal rows as there are names; these may use groups, as ${1}. Queries,
// keys and values that are one matrix become three so, without being copied.
func (c *Checkpoint) SplitRows(from string, names ...string) error {
	re, err := regexp.Compile(from)
	if err != nil {
		return fmt.Errorf("checkpoint: split %q: %w", from, err)
	}
	for _, name := range c.Names() {
		if !re.MatchString(name) {
			continue
		}
		if err := c.split(name, re, names); err != nil {
			return fmt.Errorf("checkpoint: %s: tensor %q: %w", c.tensors[name].File, name, err)
		}
	}
	return nil
}

func (c *Checkpoint) split(name string, re *regexp.Regexp, names []string) error {
	info := c.tensors[name]
	if info.parts != nil || info.strides != nil || info.DType.Quantised() {
		return errors.New("its rows cannot be split as they are stored")
	}
	if len(info.Shape) == 0 || info.Shape[0]%len(names) != 0 {
		return fmt.Errorf("shape %v is not %d times as many rows", info.Shape, len(names))
	}
	delete(c.tensors, name)
	for i, to := range names {
		part := info
		part.Name = re.ReplaceAllString(name, to)
		part.Shape = slices.Clone(info.Shape)
		part.Shape[0] /= len(names)
		part.Bytes /= int64(len(names))
		part.offset += int64(i) * part.Bytes
		if _, twice := c.tensors[part.Name]; twice {
			return fmt.Errorf("there is a tensor %q beside it", part.Name)
		}
		c.tensors[part.Name] = part
	}
	return nil
}
