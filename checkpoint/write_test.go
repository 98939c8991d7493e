package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// testdata/dtypes.safetensors was written by the reference implementation (safetensors 0.8.0).
func TestWriteAsReference(t *testing.T) {
	c, err := Open(os.DirFS("testdata"), "dtypes.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var list []Param
	for _, name := range c.Names() {
		x, err := c.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, Param{name, x})
	}
	path := filepath.Join(t.TempDir(), "out.safetensors")
	if err := Write(path, list, c.Metadata()); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	want, _ := os.ReadFile("testdata/dtypes.safetensors")
	if !bytes.Equal(got, want) {
		t.Errorf("wrote\n%q\nwant\n%q", got, want)
	}
}

func TestWriteConverts(t *testing.T) {
	values := make([]float32, chunk+3) // more than one chunk
	for i := range values {
		values[i] = float32(i % 200)
	}
	for _, from := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
		for _, to := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			t.Run(fmt.Sprint(from, to), func(t *testing.T) {
				x := &tensor.Tensor{Shape: []int{len(values)}, DType: from, F32: values}
				if from != tensor.F32 {
					x.F32, x.Raw = nil, make([]byte, len(values)*from.Size())
					kernel.FromF32(x.Raw, values, from)
				}
				dir := t.TempDir()
				o := WriteOptions{DType: func(Param) tensor.DType { return to }}
				if err := WriteDir(dir, []Param{{"x", x}}, o); err != nil {
					t.Fatal(err)
				}
				c, err := OpenDir(dir)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if info, _ := c.Info("x"); info.DType != to {
					t.Errorf("dtype %v, want %v", info.DType, to)
				}
				if got, err := c.Floats("x"); err != nil || !slices.Equal(got, values) {
					t.Errorf("other elements (%v)", err)
				}
			})
		}
	}
}

func TestWriteDirShards(t *testing.T) {
	dir := t.TempDir()
	list := []Param{param("c", []int{2}, 1, 2), param("a", []int{1}, 3), param("b", []int{5}, 4, 5, 6, 7, 8), param("d", []int{0})}
	for _, test := range []struct {
		limit int64
		files string
	}{
		{12, "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json"},
		{8, "model-00001-of-00003.safetensors model-00002-of-00003.safetensors model-00003-of-00003.safetensors model.safetensors.index.json"},
		{0, "model.safetensors"},
		{12, "model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json"},
	} {
		if err := WriteDir(dir, list, WriteOptions{MaxShard: test.limit}); err != nil {
			t.Fatal(err)
		}
		var files []string
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			files = append(files, e.Name())
		}
		if got := strings.Join(files, " "); got != test.files {
			t.Errorf("limit %d: files %s, want %s", test.limit, got, test.files)
		}
		c, err := OpenDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			if got, err := c.Floats(p.Name); err != nil || !slices.Equal(got, p.T.F32) {
				t.Errorf("limit %d: %s: %v, %v", test.limit, p.Name, got, err)
			}
		}
		c.Close()
	}
}

func TestWriteRefuses(t *testing.T) {
	ints := &tensor.Tensor{Shape: []int{1}, DType: kernel.I8, Raw: []byte{1}}
	toF16 := func(Param) tensor.DType { return tensor.F16 }
	for name, test := range map[string]struct {
		list []Param
		o    WriteOptions
		want string
	}{
		"twice":     {[]Param{param("x", []int{1}, 1), param("x", []int{1}, 1)}, WriteOptions{}, "the name is taken"},
		"metadata":  {[]Param{param("__metadata__", []int{1}, 1)}, WriteOptions{}, "the name is taken"},
		"not UTF-8": {[]Param{param("\xff", []int{1}, 1)}, WriteOptions{}, "not UTF-8"},
		"no data":   {[]Param{declare("x", 2)}, WriteOptions{}, "0 bytes of data, F32[2] takes 8"},
		"no floats": {[]Param{{"x", ints}}, WriteOptions{DType: toF16}, "cannot convert I8 to F16"},
		"quantised": {[]Param{{"x", &tensor.Tensor{Shape: []int{32}, DType: kernel.Q8_0, Raw: make([]byte, 34)}}}, WriteOptions{}, "safetensors has no dtype Q8_0"},
		"overflow":  {[]Param{declare("x", math.MaxInt, 4)}, WriteOptions{}, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := WriteDir(dir, test.list, test.o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

func TestWriteAtomic(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if err := WriteFileAtomic(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("disk full")
	err := writeAtomic(path, func(w io.Writer) error {
		w.Write([]byte("half of the ne"))
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("error %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("after a failure the file holds %q", got)
	}
	if err := WriteFileAtomic(path, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "new" {
		t.Errorf("the file holds %q", got)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left %v", left)
	}
	if err := WriteFileAtomic(filepath.Join(dir, "no", "x"), nil); err == nil || !strings.Contains(err.Error(), "checkpoint: write ") {
		t.Errorf("error %v", err)
	}
}

// A checkpoint can be written over the files that its own tensors are mapped from.
func TestWriteOverMapping(t *testing.T) {
	c := written(t, param("x", []int{2}, 1, 2))
	x, err := c.Tensor("x")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := WriteDir(dir, []Param{{"x", x}}, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	over, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	y, err := over.Tensor("x")
	if err != nil {
		t.Fatal(err)
	}
	err = WriteDir(dir, []Param{{"y", y}}, WriteOptions{})
	if !canMap {
		return // the open file may keep the name
	}
	if err != nil || !slices.Equal(y.F32, []float32{1, 2}) {
		t.Errorf("%v, %v", y.F32, err)
	}
}

// Opening must take the same time whatever the size of the data.
func BenchmarkOpen(b *testing.B) {
	for _, width := range []int{16, 16384} {
		b.Run(fmt.Sprintf("1000x%d", width), func(b *testing.B) {
			dir := b.TempDir()
			data := make([]float32, width)
			var list []Param
			for i := range 1000 {
				list = append(list, param(fmt.Sprintf("model.layers.%d.weight", i), []int{width}, data...))
			}
			if err := WriteDir(dir, list, WriteOptions{}); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				c, err := OpenDir(dir)
				if err != nil {
					b.Fatal(err)
				}
				for _, p := range list {
					if _, err := c.Tensor(p.Name); err != nil {
						b.Fatal(err)
					}
				}
				c.Close()
			}
		})
	}
}
