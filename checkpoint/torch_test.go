package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fovea-ml/fovea/kernel"
)

// The pieces of a pickle.
const proto, stop, mark, reduce, none = "\x80\x02", ".", "(", "R", "N"

func pyString(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func pyInt(n int) string {
	return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(int32(n))))
}

func pyName(module, name string) string { return "c" + module + "\n" + name + "\n" }

func tuple(items ...string) string { return mark + strings.Join(items, "") + "t" }

func pyInts(list ...int) string {
	var items []string
	for _, n := range list {
		items = append(items, pyInt(n))
	}
	return tuple(items...)
}

// dict has keys and values in turn, and attributes as PyTorch's state dictionaries have.
func dict(items ...string) string {
	return pyName("collections", "OrderedDict") + ")" + reduce + mark + strings.Join(items, "") + "u" + "}" + pyString("_metadata") + none + "s" + "b"
}

// saved is a tensor as torch.save pickles it.
func saved(storage, key string, elements, offset int, shape, strides []int) string {
	id := tuple(pyString("storage"), pyName("torch", storage), pyString(key), pyString("cpu"), pyInt(elements)) + "Q"
	return pyName("torch._utils", "_rebuild_tensor_v2") +
		tuple(id, pyInt(offset), pyInts(shape...), pyInts(strides...), "\x89", pyName("collections", "OrderedDict")+")"+reduce) + reduce
}

// archive writes entries in the order of their names.
func archive(t testing.TB, method uint16, entries map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	names := make([]string, 0, len(entries))
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		e, err := w.CreateHeader(&zip.FileHeader{Name: "model/" + name, Method: method})
		if err == nil {
			_, err = e.Write([]byte(entries[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func torchBytes(t testing.TB, root string, storages map[string]string) []byte {
	entries := map[string]string{"data.pkl": proto + root + stop, "byteorder": "little", "version": "3\n"}
	for key, data := range storages {
		entries["data/"+key] = data
	}
	return archive(t, zip.Store, entries)
}

func float32s(values ...float32) string {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return string(b)
}

func TestTorch(t *testing.T) {
	six := float32s(1, 2, 3, 4, 5, 6)
	parameter := pyName("torch._utils", "_rebuild_parameter") + tuple(saved("HalfStorage", "1", 2, 0, []int{2}, []int{1}), "\x88", none) + reduce
	root := dict(
		pyString("epoch"), pyInt(3), pyString("lr"), "G"+string(binary.BigEndian.AppendUint64(nil, math.Float64bits(0.5))),
		pyString("model"), dict(
			pyString("whole"), saved("FloatStorage", "0", 6, 0, []int{2, 3}, []int{3, 1}),
			pyString("turned"), saved("FloatStorage", "0", 6, 0, []int{3, 2}, []int{1, 3}),
			pyString("row"), saved("FloatStorage", "0", 6, 3, []int{1, 3}, []int{7, 1}),
			pyString("scalar"), saved("FloatStorage", "0", 6, 5, nil, nil),
			pyString("none"), saved("FloatStorage", "0", 6, 6, []int{0, 4}, []int{4, 1}),
			pyString("half"), parameter,
		),
		pyString("steps"), "]"+mark+saved("LongStorage", "2", 1, 0, []int{1}, []int{1})+tuple(none)+"e",
	)
	data := torchBytes(t, root, map[string]string{"0": six, "1": "\x00\x3c\x00\x40", "2": "\x07\x00\x00\x00\x00\x00\x00\x00"})
	c, err := Open(fstest.MapFS{torchName: {Data: data}}, ".")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{
		"model.whole": {1, 2, 3, 4, 5, 6}, "model.turned": {1, 4, 2, 5, 3, 6}, "model.row": {4, 5, 6},
		"model.scalar": {6}, "model.none": {}, "model.half": {1, 2},
	} {
		if got, err := c.Floats(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v; %v", name, got, want, err)
		}
	}
	if got, err := c.Ints("steps.0"); err != nil || !slices.Equal(got, []int64{7}) {
		t.Errorf("steps.0 is %v; %v", got, err)
	}
	if info, _ := c.Info("model.turned"); !slices.Equal(info.Shape, []int{3, 2}) || info.DType != kernel.F32 || info.File != torchName || len(c.Names()) != 7 {
		t.Errorf("%+v among %v", info, c.Names())
	}
}

func TestTorchShards(t *testing.T) {
	shard := func(name string, v float32) *fstest.MapFile {
		root := dict(pyString(name), saved("FloatStorage", "0", 1, 0, []int{1}, []int{1}))
		return &fstest.MapFile{Data: torchBytes(t, root, map[string]string{"0": float32s(v)})}
	}
	files := fstest.MapFS{
		torchIndexName: {Data: []byte(`{"weight_map": {"x": "a.bin", "y": "b.bin"}}`)}, "a.bin": shard("x", 1), "b.bin": shard("y", 2),
	}
	c, err := Open(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	if y, err := c.Floats("y"); err != nil || y[0] != 2 {
		t.Errorf("y is %v; %v", y, err)
	}
	files["b.bin"] = shard("z", 2)
	if _, err := Open(files, "."); err == nil || !strings.Contains(err.Error(), `tensor "y" is not in b.bin`) {
		t.Errorf("error %v", err)
	}
}

// TestTorchRefuses wants errors that name the file, and what is wrong with it.
func TestTorchRefuses(t *testing.T) {
	one := map[string]string{"0": float32s(1, 2)}
	named := func(v string) string { return dict(pyString("x"), v) }
	view := func(elements, offset int, shape, strides []int) string {
		return named(saved("FloatStorage", "0", elements, offset, shape, strides))
	}
	for name, test := range map[string]struct{ root, want string }{
		"code":             {pyName("os", "system") + tuple(pyString("true")) + reduce, "data.pkl: byte 2: the global os.system is not allowed"},
		"code, unused":     {pyName("builtins", "eval") + "0" + dict(), "the global builtins.eval is not allowed"},
		"code, newer":      {pyString("posix") + pyString("system") + "\x93", "the global posix.system is not allowed"},
		"a class":          {named(pyName("argparse", "Namespace") + ")" + "\x81"), "the global argparse.Namespace is not allowed"},
		"an extension":     {"\x82\x01", "instruction 0x82 is not one of those"},
		"a reader's state": {"]" + "}" + "b", "an object with a state"},
		"a call of a list": {"]" + ")" + reduce, "a call of what is no function"},
		"other object":     {tuple(pyString("file")) + "Q", "a persistent object that is no storage"},
		"unknown dtype":    {named(saved("ComplexFloatStorage", "0", 1, 0, nil, nil)), "the global torch.ComplexFloatStorage is not allowed"},
		"no storage":       {named(saved("FloatStorage", "9", 2, 0, []int{2}, []int{1})), `tensor "x": no entry "model/data/9"`},
		"short storage":    {view(3, 0, []int{2}, []int{1}), "leaves its storage of 8 bytes"},
		"behind the end":   {view(2, 1, []int{2}, []int{1}), "leaves its storage"},
		"wide strides":     {view(2, 0, []int{2}, []int{2}), "leaves its storage"},
		"repeated":         {view(2, 0, []int{1 << 20, 1 << 10}, []int{0, 0}), "leaves its storage"},
		"huge":             {view(2, 0, []int{1 << 30, 1 << 30, 1 << 30}, []int{0, 0, 0}), "is too large"},
		"negative":         {view(2, 0, []int{-1}, []int{1}), "a tensor without storage, offset and shape"},
		"strides missing":  {view(2, 0, []int{1, 2}, []int{1}), "strides do not go with its shape"},
		"a bare tensor":    {saved("FloatStorage", "0", 2, 0, []int{2}, []int{1}), "has no name"},
		"twice":            {dict(pyString("x"), saved("FloatStorage", "0", 2, 0, []int{2}, []int{1}), pyString("x"), saved("FloatStorage", "0", 2, 0, []int{2}, []int{1})), `tensor "x" is in x.bin too`},
		"in itself":        {"]" + "q\x00" + "h\x00" + "a", "nested too deeply, or in themselves"},
		"no mark":          {"t", "no mark on the stack"},
		"nothing":          {"0", "nothing on the stack"},
		"odd items":        {"}" + mark + none + "u", "cannot hold them"},
		"never stored":     {"h\x05", "nothing was stored under 5"},
		"long integer":     {"\x8a\x09123456789", "an integer of 9 bytes"},
		"cut":              {"X\xff\xff\xff\x7f", "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, torchBytes(t, test.root, one), test.want) })
	}
	pickle := proto + view(2, 0, []int{2}, []int{1}) + stop
	for want, data := range map[string][]byte{
		`entry "model/data.pkl" is compressed`: archive(t, zip.Deflate, map[string]string{"data.pkl": strings.Repeat(pickle, 9)}),
		"without data.pkl":                     archive(t, zip.Store, map[string]string{"word/document.xml": ""}),
		`byteorder "big", want little`:         archive(t, zip.Store, map[string]string{"data.pkl": pickle, "byteorder": "big", "data/0": one["0"]}),
		"zip: not a valid zip file":            torchBytes(t, view(2, 0, []int{2}, []int{1}), one)[:200],
		"as PyTorch wrote before version 1.6":  []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."),
		"data.pkl: unexpected EOF":             archive(t, zip.Store, map[string]string{"data.pkl": proto}),
	} {
		t.Run(want, func(t *testing.T) { refused(t, data, want) })
	}
}

func refused(t *testing.T, data []byte, want string) {
	t.Helper()
	_, err := Open(fstest.MapFS{"x.bin": {Data: data}}, "x.bin")
	if err == nil || !strings.HasPrefix(err.Error(), "checkpoint: x.bin: ") || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func FuzzTorch(f *testing.F) {
	tensor := saved("FloatStorage", "0", 4, 1, []int{3, 1}, []int{1, 3})
	f.Add([]byte(proto+dict(pyString("x"), tensor)+stop), true)
	f.Add([]byte(proto+dict(pyString("x"), saved("BFloat16Storage", "0", 4, 0, []int{2, 2}, []int{1, 2}))+stop), true)
	f.Add([]byte(proto+"]q\x00"+mark+"h\x00"+tensor+"e"+stop), true)
	f.Add(torchBytes(f, dict(pyString("x"), tensor), map[string]string{"0": float32s(1, 2, 3, 4)}), false)
	f.Fuzz(func(t *testing.T, data []byte, pickle bool) {
		if pickle {
			data = archive(t, zip.Store, map[string]string{"data.pkl": string(data), "data/0": float32s(1, 2, 3, 4)})
		}
		c, err := Open(fstest.MapFS{"x": {Data: data}}, "x")
		if err != nil {
			return
		}
		for _, name := range c.Names() {
			x, err := c.Tensor(name)
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			if x.Bytes() > len(data) || 4*len(x.F32)+len(x.Raw) != x.Bytes() {
				t.Fatalf("%q: %v has %d floats and %d bytes in a file of %d", name, x, len(x.F32), len(x.Raw), len(data))
			}
		}
	})
}
