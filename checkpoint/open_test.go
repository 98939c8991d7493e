package checkpoint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fovea-ml/fovea/kernel"
)

func tensorFile(t *testing.T, names ...string) []byte {
	t.Helper()
	var list []Param
	for i, name := range names {
		list = append(list, param(name, []int{2}, float32(i), float32(i)+0.5))
	}
	path := filepath.Join(t.TempDir(), "x")
	if err := Write(path, list, map[string]string{"first": names[0]}); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestShards(t *testing.T) {
	a, b := tensorFile(t, "x", "y"), tensorFile(t, "z")
	index := func(text string) fstest.MapFS {
		return fstest.MapFS{IndexName: {Data: []byte(text)}, "a.safetensors": {Data: a}, "b.safetensors": {Data: b}, "c.safetensors": {Data: a}}
	}
	for name, test := range map[string]struct {
		index string
		want  string // an error, or the names
	}{
		"good":          {`{"metadata":{"total_size":24.0},"weight_map":{"x":"a.safetensors","y":"a.safetensors","z":"b.safetensors"}}`, "x y z"},
		"forgotten":     {`{"weight_map":{"x":"a.safetensors","z":"b.safetensors"}}`, "x y z"},
		"missing shard": {`{"weight_map":{"x":"a.safetensors","p":"q.safetensors","r":"s.safetensors"}}`, ": missing shard q.safetensors; missing shard s.safetensors"},
		"wrong shard":   {`{"weight_map":{"x":"b.safetensors","y":"a.safetensors","w":"a.safetensors"}}`, `: tensor "w" is not in a.safetensors; tensor "x" is not in b.safetensors`},
		"in two shards": {`{"weight_map":{"x":"a.safetensors","y":"c.safetensors"}}`, `c.safetensors: tensor "x" is in a.safetensors too`},
		"twice":         {`{"weight_map":{"x":"a.safetensors","x":"b.safetensors"}}`, `duplicate key "x"`},
		"outside":       {`{"weight_map":{"x":"../a.safetensors"}}`, "not the name of a file beside the index"},
		"absolute":      {`{"weight_map":{"x":"/etc/passwd"}}`, "not the name of a file beside the index"},
		"directory":     {`{"weight_map":{"x":"."}}`, "not the name of a file beside the index"},
		"number":        {`{"weight_map":{"x":3}}`, `weight_map: tensor "x": found 3, want a string`},
		"no map":        {`{"metadata":{}}`, "no weight_map"},
		"not JSON":      {`weights`, "invalid character"},
		"empty":         {``, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Open(index(test.index), ".")
			got := ""
			if err != nil {
				if got = err.Error(); !strings.HasPrefix(got, "checkpoint: ") || !strings.Contains(got, ".json: ") && !strings.Contains(got, ".safetensors: ") {
					t.Errorf("error %q does not name the file", got)
				}
			} else {
				got = strings.Join(c.Names(), " ")
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestManyProblems(t *testing.T) {
	p := problems(strings.Split(strings.Repeat("x ", 25), " ")[:25])
	if s := p.Error(); !strings.HasSuffix(s, "x; and 20 more") {
		t.Errorf("%q", s)
	}
}

// Every way of access gives the same tensors: a mapped file, one read at offsets, one read at once.
func TestAccess(t *testing.T) {
	const name = "dtypes.safetensors"
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	for way, fsys := range map[string]fs.FS{
		"mapped": os.DirFS("testdata"),
		"at":     fstest.MapFS{name: {Data: data}},
		"stream": streamFS{fstest.MapFS{name: {Data: data}}},
	} {
		t.Run(way, func(t *testing.T) {
			c, err := Open(fsys, name)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Metadata(); len(got) != 1 || got["format"] != "pt" {
				t.Errorf("metadata %v", got)
			}
			checkDTypes(t, c)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if _, err := c.Tensor("scalar"); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("Tensor after Close: %v", err)
			}
		})
	}
}

// checkDTypes knows what the reference implementation was given for testdata/dtypes.safetensors.
func checkDTypes(t *testing.T, c *Checkpoint) {
	t.Helper()
	if names := c.Names(); len(names) != 18 || !slices.IsSorted(names) {
		t.Errorf("names %q", names)
	}
	for _, d := range []string{"float16", "bfloat16", "float32", "float64"} {
		if got, err := c.Floats("t." + d); err != nil || !slices.Equal(got, []float32{0, 1, 2, 3, -4, 100}) {
			t.Errorf("%s: %v, %v", d, got, err)
		}
	}
	for _, d := range []string{"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"} {
		want := []int64{0, 1, 2, 3, -4, 100}
		switch d[0] {
		case 'u':
			want[4] = 4
		case 'b':
			want = []int64{0, 1, 1, 0, 1, 0}
		}
		if got, err := c.Ints("t." + d); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", d, got, err)
		}
	}
	for name, want := range map[string]kernel.DType{"t.float8_e4m3fn": kernel.F8E4M3, "t.float8_e5m2": kernel.F8E5M2} {
		x, err := c.Tensor(name)
		if err != nil || x.DType != want || !slices.Equal(x.Raw, []byte{0, 0x38, 0x3c, 0x40, 0xb8, 0x50}) {
			t.Errorf("%s: %v %x, %v", name, x, x.Raw, err)
		}
	}
	if v, err := c.Floats("scalar"); err != nil || !slices.Equal(v, []float32{0.5}) {
		t.Errorf("scalar: %v, %v", v, err)
	}
	if v, err := c.Ints(`a "quoted" <name> ü`); err != nil || !slices.Equal(v, []int64{-5}) {
		t.Errorf("quoted: %v, %v", v, err)
	}
	if x, err := c.Tensor("empty"); err != nil || !x.HasData() || !slices.Equal(x.Shape, []int{0, 4}) {
		t.Errorf("empty: %v, %v", x, err)
	}
}

func TestWrongElements(t *testing.T) {
	c, err := Open(os.DirFS("testdata"), "dtypes.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, floatsErr := c.Floats("t.int8")
	_, intsErr := c.Ints("t.bfloat16")
	_, absent := c.Tensor("t.int7")
	for err, want := range map[error]string{
		floatsErr: `checkpoint: dtypes.safetensors: tensor "t.int8": dtype I8, want floating point`,
		intsErr:   `checkpoint: dtypes.safetensors: tensor "t.bfloat16": dtype BF16, want integers`,
		absent:    `checkpoint: dtypes.safetensors: no tensor "t.int7"`,
	} {
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	big := build(`{"x":{"dtype":"U64","shape":[1],"data_offsets":[0,8]}}`, 8)
	big[len(big)-1] = 0x80
	if c, err = openBytes(big); err != nil {
		t.Fatal(err)
	}
	if v, err := c.Ints("x"); err == nil {
		t.Errorf("2^63 as %d", v)
	}
}

// streamFS hides ReadAt.
type streamFS struct{ fs.FS }

func (s streamFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	return struct{ fs.File }{f}, err
}

func TestOpenDir(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenDir(filepath.Join(dir, "no")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if _, err := OpenDir(dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), FileName) || !strings.Contains(err.Error(), dir) {
		t.Errorf("empty directory: %v", err)
	}
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(path); err == nil {
		t.Error("OpenDir takes a file for a directory")
	}
	if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), "model.safetensors: 0 bytes") {
		t.Errorf("empty file: %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(dir); err == nil {
		t.Error("opened a directory as weights")
	}
}
