package checkpoint

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// fields are the parts of a GGUF file: text is written with its length, raw bytes and numbers as they are.
func fields(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b = appendText(b, p)
		case []byte:
			b = append(b, p...)
		default:
			b, _ = binary.Append(b, le, p)
		}
	}
	return b
}

// u4 and u8 keep constants short in the tables.
type (
	u4 = uint32
	u8 = uint64
)

func ggufHead(tensors, keys u8) []byte { return fields([]byte(ggufMagic), u4(3), tensors, keys) }

// oneKey is a file with metadata only.
func oneKey(value ...any) []byte {
	return append(append(ggufHead(0, 1), fields("k")...), fields(value...)...)
}

// oneTensor is a file with a tensor "x" of the given sizes, innermost first.
func oneTensor(kind u4, offset u8, data int, sizes ...u8) []byte {
	b := append(ggufHead(1, 0), fields("x", u4(len(sizes)), sizes, kind, offset)...)
	return padded(b, data)
}

// twoTensors is a file of two tensors of 8 floats.
func twoTensors(first, second string, offset u8, data int) []byte {
	b := append(ggufHead(2, 0), fields(first, u4(1), u8(8), u4(0), u8(0), second, u4(1), u8(8), u4(0), offset)...)
	return padded(b, data)
}

func padded(b []byte, data int) []byte {
	return append(b, make([]byte, -len(b)&31+data)...)
}

func openGGUFBytes(data []byte) (*Checkpoint, error) {
	return Open(fstest.MapFS{"m.gguf": {Data: data}}, "m.gguf")
}

func TestGGUFBadFiles(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                {nil, "does not start with GGUF"},
		"other magic":          {[]byte("GGML????????????"), "does not start with GGUF"},
		"magic only":           {[]byte("GGUF"), "truncated?"},
		"version 1":            {fields([]byte(ggufMagic), u4(1), u4(0), u4(0)), "GGUF version 1 is too old"},
		"version 4":            {fields([]byte(ggufMagic), u4(4), u8(0), u8(0)), "GGUF version 4, known are 2 and 3"},
		"version 0":            {fields([]byte(ggufMagic), u4(0), u8(0), u8(0)), "GGUF version 0"},
		"big-endian":           {fields([]byte(ggufMagic), u4(3<<24), u8(0), u8(0)), "GGUF version 3 in big-endian order"},
		"absurd keys":          {ggufHead(0, 1<<60), "1152921504606846976 keys, and 0 bytes are left"},
		"absurd tensors":       {append(ggufHead(1<<60, 0), 0, 0), "1152921504606846976 tensors, and 2 bytes are left"},
		"no key":               {ggufHead(0, 1), "1 keys, and 0 bytes are left"},
		"absurd key":           {append(ggufHead(0, 1), fields(u8(1<<40), make([]byte, 99))...), "key 1: a string of 1099511627776 bytes"},
		"long key":             {append(ggufHead(0, 1), fields(strings.Repeat("k", maxGGUFName+1), ggufUint8, u4(0))...), "at most 65536 are left or allowed"},
		"empty key":            {append(ggufHead(0, 1), fields("", ggufUint8, u4(0))...), `key "" is empty`},
		"key twice":            {append(ggufHead(0, 2), fields("k", ggufUint32, u4(0), "k", ggufUint32, u4(0))...), `key "k" is empty or there twice`},
		"type of a value":      {oneKey(u4(13), u8(0)), `key "k": unknown type 13 of a value`},
		"type of elements":     {oneKey(ggufArray, u4(99), u8(1), u8(0)), `key "k": unknown type 99 of an array's elements`},
		"value cut off":        {oneKey(ggufUint64, u4(0)), `key "k": 8 bytes are wanted, and 4 are left`},
		"absurd string":        {oneKey(ggufString, u8(math.MaxUint64)), `key "k": a string of 18446744073709551615 bytes`},
		"absurd array":         {oneKey(ggufArray, ggufFloat64, u8(math.MaxUint64/8+2), u8(0)), "2305843009213693953 elements, and 8 bytes are left"},
		"absurd strings":       {oneKey(ggufArray, ggufString, u8(1<<61), u8(0)), "2305843009213693952 elements, and 8 bytes are left"},
		"string in an array":   {oneKey(ggufArray, ggufString, u8(2), "a", u8(9)), "element 1: a string of 9 bytes"},
		"deep":                 {oneKey(ggufArray, slices.Repeat(fields(ggufArray, u8(1)), 9)), "arrays within arrays, more than 4 deep"},
		"alignment type":       {append(ggufHead(0, 1), fields(alignmentKey, ggufUint64, u8(32))...), "want a power of two of type uint32"},
		"alignment 0":          {append(ggufHead(0, 1), fields(alignmentKey, ggufUint32, u4(0))...), `key "general.alignment" is 0`},
		"alignment 24":         {append(ggufHead(0, 1), fields(alignmentKey, ggufUint32, u4(24))...), `key "general.alignment" is 24`},
		"rank":                 {oneTensor(0, 0, 32, 1, 1, 1, 1, 1), `tensor "x": 5 dimensions, at most 4`},
		"unknown type":         {oneTensor(77, 0, 32, 8), `tensor "x": unknown type 77`},
		"retired type":         {oneTensor(4, 0, 32, 8), `tensor "x": unknown type 4`},
		"type without dtype":   {oneTensor(16, 0, 4096, 256), `tensor "x": type IQ2_XXS (16) cannot be read`},
		"row and block":        {oneTensor(8, 0, 4096, 33, 2), `tensor "x": shape [2 33]: rows of Q8_0 are multiples of 32 elements`},
		"no row":               {oneTensor(12, 0, 4096), `tensor "x": shape []: rows of Q4_K are multiples of 256 elements`},
		"blocks past the end":  {oneTensor(8, 0, 67, 64), `tensor "x": 68 bytes at 0 lie behind the end`},
		"absurd dimension":     {oneTensor(0, 0, 32, 1<<63), `tensor "x": dimension 9223372036854775808 is too large`},
		"overflow":             {oneTensor(0, 0, 32, 1<<40, 1<<40), `tensor "x": shape [1099511627776 1099511627776] is too large`},
		"overflow by dtype":    {oneTensor(0, 0, 32, 1<<61), "is too large"},
		"overflow beside zero": {oneTensor(0, 0, 32, 0, 1<<40, 1<<40), "is too large"},
		"absurd offset":        {oneTensor(0, 1<<63, 32, 8), `tensor "x": offset 9223372036854775808 is too large`},
		"offset past the end":  {oneTensor(0, 1<<62, 32, 8), `tensor "x": 32 bytes at 4611686018427387904 lie behind the end of the file's 32 bytes`},
		"truncated":            {oneTensor(0, 0, 31, 8), `tensor "x": 32 bytes at 0 lie behind the end of the file's 31 bytes of data: truncated?`},
		"no data":              {oneTensor(0, 0, 0, 8)[:60], "the data start at 64, and the file has 60 bytes"},
		"misaligned":           {oneTensor(0, 16, 64, 8), `tensor "x": offset 16 is no multiple of 32`},
		"tensor twice":         {twoTensors("a", "a", 32, 64), `tensor "a" is there twice`},
		"overlap":              {twoTensors("a", "b", 0, 64), `tensor "b": its data overlap those of "a"`},
		"two problems":         {twoTensors("a", "b", 40, 16), `tensor "a": 32 bytes at 0 lie behind the end of the file's 16 bytes of data: truncated?; tensor "b": offset 40 is no multiple`},
		"tensor cut off":       {append(ggufHead(1, 0), fields("x", u4(2), u8(1), u4(0))...), `tensor "x": 2 elements, and 12 bytes are left`},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := openGGUFBytes(test.data)
			if err == nil {
				t.Fatalf("opened with tensors %v, metadata %v", c.Names(), c.GGUF())
			}
			if got := err.Error(); !strings.HasPrefix(got, "checkpoint: m.gguf: ") || !strings.Contains(got, test.want) {
				t.Errorf("error %.300q, want %q in it", got, test.want)
			}
		})
	}
}

// ggufValues are one of each type that metadata may have.
func ggufValues() []KV {
	return []KV{
		{"general.architecture", "test"},
		{"u8", uint8(255)}, {"i8", int8(-128)}, {"u16", uint16(65535)}, {"i16", int16(-32768)},
		{"u32", uint32(math.MaxUint32)}, {"i32", int32(math.MinInt32)}, {"f32", float32(0.1)},
		{"true", true}, {"false", false}, {"text", "grüß 你"}, {"empty text", ""},
		{"u64", uint64(math.MaxUint64)}, {"i64", int64(math.MinInt64)}, {"f64", 0.1},
		{"bytes", []uint8{0, 255}}, {"i8s", []int8{-1}}, {"u16s", []uint16{1}}, {"i16s", []int16{-1}},
		{"u32s", []uint32{1}}, {"i32s", []int32{-1, 2}}, {"f32s", []float32{0.5, -1}}, {"bools", []bool{true, false}},
		{"texts", []string{"a", "", "ü"}}, {"u64s", []uint64{1}}, {"i64s", []int64{-1}}, {"f64s", []float64{1e300}},
		{"none", []string{}}, {"lists", []any{[]int32{1, 2}, []int32{3}}}, {"mixed", []any{[]string{"x"}, []any{[]bool{true}}}},
	}
}

func asMap(metadata []KV) map[string]any {
	m := map[string]any{}
	for _, kv := range metadata {
		m[kv.Key] = kv.Value
	}
	return m
}

// sameValues compares metadata by key.
func sameValues(t *testing.T, got, want map[string]any) {
	t.Helper()
	for key := range maps.Keys(want) {
		if !reflect.DeepEqual(got[key], want[key]) {
			t.Errorf("%s: %T %v, want %T %v", key, got[key], got[key], want[key], want[key])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d keys, want %d", len(got), len(want))
	}
}

func asGGUF(list ...Param) []GGUFTensor {
	var out []GGUFTensor
	for _, p := range list {
		out = append(out, GGUFTensor{Name: p.Name, T: p.T, DType: p.T.DType})
	}
	return out
}

// rewritten is a GGUF file of the given contents, opened.
func rewritten(t *testing.T, metadata []KV, tensors []GGUFTensor) *Checkpoint {
	t.Helper()
	dir := t.TempDir()
	if err := WriteGGUF(filepath.Join(dir, "x.gguf"), metadata, tensors); err != nil {
		t.Fatal(err)
	}
	c, err := Open(os.DirFS(dir), "x.gguf")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGGUFRoundTrip(t *testing.T) {
	ints := &tensor.Tensor{Shape: []int{3}, DType: kernel.I16, Raw: []byte{1, 0, 2, 0, 255, 255}}
	tensors := asGGUF(param("m", []int{2, 3}, 1, 2, 3, 4, 5, 6), Param{"ints", ints}, param("scalar", []int{}, 7),
		param("none", []int{2, 0}), param("cube", []int{1, 2, 2}, 1, 2, 3, 4))
	for _, align := range []uint32{32, 1, 256} {
		metadata := append(ggufValues(), KV{alignmentKey, align})
		c := rewritten(t, metadata, tensors)
		sameValues(t, c.GGUF(), asMap(metadata))
		for _, want := range tensors {
			got, err := c.Tensor(want.Name)
			if err != nil {
				t.Fatal(err)
			}
			if got.DType != want.DType || !slices.Equal(got.Shape, want.T.Shape) || !slices.Equal(got.F32, want.T.F32) || !slices.Equal(got.Raw, want.T.Raw) {
				t.Errorf("alignment %d: %s: %v %v %v, want %v", align, want.Name, got, got.F32, got.Raw, want.T)
			}
		}
		if got, err := c.Ints("ints"); err != nil || !slices.Equal(got, []int64{1, 2, -1}) {
			t.Errorf("ints %v, %v", got, err)
		}
	}
}

// Rows can be written in another order, and elements in another dtype, without a copy of the whole.
func TestGGUFConverts(t *testing.T) {
	const rows, cols = 7, chunk/3 + 1 // several runs of rows
	values := make([]float32, rows*cols)
	for i := range values {
		values[i] = float32(i%251 - 100)
	}
	x := tensor.From(values, rows, cols)
	reverse := func(i int) int { return rows - 1 - i }
	c := rewritten(t, nil, []GGUFTensor{
		{Name: "f32", T: x, DType: kernel.F32, Row: reverse}, {Name: "f16", T: x, DType: kernel.F16},
		{Name: "bf16", T: x, DType: kernel.BF16, Row: reverse},
	})
	for _, name := range c.Names() {
		got, err := c.Floats(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows {
			from := i
			if name != "f16" {
				from = reverse(i)
			}
			if !slices.Equal(got[i*cols:(i+1)*cols], x.Row(from)) {
				t.Errorf("%s: row %d differs", name, i)
			}
		}
	}
	y, err := c.Tensor("bf16")
	if err != nil {
		t.Fatal(err)
	}
	back, err := rewritten(t, nil, []GGUFTensor{{Name: "y", T: y, DType: kernel.F32, Row: reverse}}).Floats("y")
	if err != nil || !slices.Equal(back, values) {
		t.Errorf("back from BF16: %v", err)
	}
}

func TestGGUFBind(t *testing.T) {
	c := rewritten(t, nil, asGGUF(param("token_embd.weight", []int{2, 3}, 1, 2, 3, 4, 5, 6)))
	p := declare("model.embed_tokens.weight", 2, 3)
	if err := Bind(c, []Param{p}, []Rename{{"token_embd.", "model.embed_tokens."}}, BindOptions{}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.T.F32, []float32{1, 2, 3, 4, 5, 6}) {
		t.Errorf("bound %v", p.T.F32)
	}
}

func TestGGUFSameBytes(t *testing.T) {
	var files [2][]byte
	for i := range files {
		path := filepath.Join(t.TempDir(), "x.gguf")
		if err := WriteGGUF(path, ggufValues(), asGGUF(param("b", []int{1}, 1), param("a", []int{1}, 2))); err != nil {
			t.Fatal(err)
		}
		files[i], _ = os.ReadFile(path)
	}
	if !slices.Equal(files[0], files[1]) || len(files[0])%32 != 0 {
		t.Errorf("files of %d and %d bytes", len(files[0]), len(files[1]))
	}
}

func TestWriteGGUFRefuses(t *testing.T) {
	endless := []any{nil}
	endless[0] = endless
	short := param("x", []int{2}, 1, 2)
	short.T = &tensor.Tensor{Shape: []int{3}, F32: short.T.F32}
	bools := Param{"x", &tensor.Tensor{Shape: []int{1}, DType: kernel.Bool, Raw: []byte{1}}}
	for name, test := range map[string]struct {
		metadata []KV
		tensors  []GGUFTensor
		want     string
	}{
		"key twice":     {[]KV{{"k", true}, {"k", false}}, nil, `key "k" is empty, too long or there twice`},
		"no key":        {[]KV{{"", true}}, nil, `key "" is empty`},
		"int":           {[]KV{{"k", 3}}, nil, `key "k": values of type int are not in GGUF`},
		"nil":           {[]KV{{"k", nil}}, nil, "values of type <nil>"},
		"map":           {[]KV{{"k", map[string]int{}}}, nil, "values of type map[string]int"},
		"ints":          {[]KV{{"k", []int{1}}}, nil, "values of type []int"},
		"scalar within": {[]KV{{"k", []any{int32(1)}}}, nil, "element 0 is of type int32, want a slice"},
		"endless":       {[]KV{{"k", endless}}, nil, "too deep in arrays"},
		"alignment":     {[]KV{{alignmentKey, uint32(3)}}, nil, "want a power of two"},
		"tensor twice":  {nil, asGGUF(param("x", []int{1}, 1), param("x", []int{1}, 1)), `tensor "x" is there twice`},
		"no name":       {nil, asGGUF(param("", []int{1}, 1)), "the name has 0 bytes"},
		"long name":     {nil, asGGUF(param(strings.Repeat("x", 64), []int{1}, 1)), "the name has 64 bytes, want 1 to 63"},
		"rank":          {nil, asGGUF(param("x", []int{1, 1, 1, 1, 1}, 1)), "at most 4 dimensions"},
		"no data":       {nil, asGGUF(short), "8 bytes of data, F32[3] takes 12"},
		"blocks":        {nil, []GGUFTensor{{Name: "x", T: tensor.New(2, 33), DType: kernel.Q8_0}}, "rows of Q8_0 are multiples of 32 elements"},
		"importance":    {nil, []GGUFTensor{{Name: "x", T: tensor.New(2, 32), DType: kernel.Q8_0, Importance: make([]float32, 31)}}, "31 weights for the columns of F32[2 32]"},
		"dtype":         {nil, asGGUF(bools), "GGUF has no type BOOL"},
		"conversion":    {nil, []GGUFTensor{{Name: "x", T: &tensor.Tensor{Shape: []int{1}, DType: kernel.I8, Raw: []byte{1}}, DType: kernel.F32}}, "cannot convert I8 to F32"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := WriteGGUF(filepath.Join(dir, "x.gguf"), test.metadata, test.tensors)
			if err == nil || !strings.HasPrefix(err.Error(), "checkpoint: write ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left %v", left)
			}
		})
	}
}

// split returns the files of a model in n parts, each with one tensor t0, t1, …
func split3(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for no := range 3 {
		metadata := []KV{{splitNo, uint16(no)}, {splitCount, uint16(3)}, {splitTensors, int32(3)}}
		if no == 0 {
			metadata = append(metadata, KV{"general.architecture", "test"})
		}
		path := filepath.Join(t.TempDir(), "x")
		if err := WriteGGUF(path, metadata, asGGUF(param(fmt.Sprint("t", no), []int{1}, float32(no)))); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("in/m-%05d-of-00003.gguf", no+1)] = &fstest.MapFile{Data: data}
	}
	return files
}

func TestGGUFSplit(t *testing.T) {
	for name, test := range map[string]struct {
		damage func(fstest.MapFS)
		open   string
		want   string // in the error
	}{
		"first": {nil, "m-00001-of-00003.gguf", ""},
		"last":  {nil, "m-00003-of-00003.gguf", ""},
		"missing": {func(f fstest.MapFS) {
			delete(f, "in/m-00002-of-00003.gguf")
			delete(f, "in/m-00003-of-00003.gguf")
		}, "m-00001-of-00003.gguf", "checkpoint: m-00001-of-00003.gguf: missing file m-00002-of-00003.gguf; missing file m-00003-of-00003.gguf"},
		"renamed": {func(f fstest.MapFS) { f["in/m.gguf"] = f["in/m-00001-of-00003.gguf"] }, "m.gguf", "split.count is 3, so the name should end in -00001-of-00003.gguf"},
		"same file twice": {func(f fstest.MapFS) { f["in/m-00002-of-00003.gguf"] = f["in/m-00001-of-00003.gguf"] }, "m-00001-of-00003.gguf",
			`m-00002-of-00003.gguf: tensor "t0" is in m-00001-of-00003.gguf too`},
		"damaged": {func(f fstest.MapFS) { f["in/m-00003-of-00003.gguf"] = &fstest.MapFile{Data: []byte("GG")} }, "m-00001-of-00003.gguf",
			"m-00003-of-00003.gguf: does not start with GGUF"},
		"swapped": {func(f fstest.MapFS) {
			f["in/m-00002-of-00003.gguf"], f["in/m-00003-of-00003.gguf"] = f["in/m-00003-of-00003.gguf"], f["in/m-00002-of-00003.gguf"]
		}, "m-00001-of-00003.gguf", "m-00002-of-00003.gguf: split.no is 2, want 1; m-00003-of-00003.gguf: split.no is 1, want 2"},
	} {
		t.Run(name, func(t *testing.T) {
			files := split3(t)
			if test.damage != nil {
				test.damage(files)
			}
			c, err := Open(files, "in/"+test.open)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want %s", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.GGUF()["general.architecture"] != "test" || !slices.Equal(c.Names(), []string{"t0", "t1", "t2"}) {
				t.Errorf("tensors %v, metadata %v", c.Names(), c.GGUF())
			}
		})
	}
}

// The format is known by its first bytes, and safetensors files have no GGUF metadata.
func TestGGUFByMagic(t *testing.T) {
	c, err := Open(fstest.MapFS{"blob": {Data: twoTensors("a", "b", 32, 64)}}, "blob")
	if err != nil || len(c.GGUF()) != 0 || c.GGUF() == nil {
		t.Errorf("%v, %v", c, err)
	}
	if c, err = openBytes(build("{}", 0)); err != nil || c.GGUF() != nil {
		t.Errorf("safetensors: %v, %v", c, err)
	}
}

// testdata/writer.gguf was written by GGUFWriter of the Python package gguf 0.19.0: the metadata and tensors below,
// in this order, with add_custom_alignment(64).
func TestGGUFOfReference(t *testing.T) {
	c, err := Open(os.DirFS("testdata"), "writer.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sameValues(t, c.GGUF(), map[string]any{
		"general.architecture": "test", alignmentKey: uint32(64),
		"u8": uint8(255), "i8": int8(-128), "u16": uint16(65535), "i16": int16(-32768), "u32": uint32(math.MaxUint32), "i32": int32(math.MinInt32),
		"f32": float32(0.1), "true": true, "text": "grüß 你", "u64": uint64(math.MaxUint64), "i64": int64(math.MinInt64), "f64": 0.1,
		"texts": []string{"a", "", "ü"}, "i32s": []int32{-1, 2}, "f32s": []float32{0.5, -1}, "bools": []bool{true, false},
		"lists": []any{[]int32{1, 2}, []int32{3}},
	})
	for _, name := range []string{"t.f32", "t.f16", "t.f64", "t.bf16"} {
		if got, err := c.Floats(name); err != nil || !slices.Equal(got, []float32{0, 1, 2, 3, -4, 100}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"t.i8", "t.i16", "t.i32", "t.i64"} {
		if got, err := c.Ints(name); err != nil || !slices.Equal(got, []int64{0, 1, 2, 3, -4, 100}) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	cube, err := c.Tensor("cube")
	if err != nil || !slices.Equal(cube.Shape, []int{2, 3, 4}) || cube.F32[23] != 23 {
		t.Errorf("cube %v, %v", cube, err)
	}
}

// testdata/quantised.gguf is of the same package: for each type a tensor t.TYPE of two rows, of normal numbers quantised
// by it, or of random blocks where it cannot quantise, and f.TYPE, what it decodes that to.
func TestGGUFQuantised(t *testing.T) {
	c, err := Open(os.DirFS("testdata"), "quantised.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, name := range []string{"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL"} {
		got, err := c.Floats("t." + name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := c.Floats("f." + name)
		if err != nil {
			t.Fatal(err)
		}
		x, err := c.Tensor("t." + name)
		if err != nil || x.DType.String() != name || !slices.Equal(x.Shape, []int{2, 256}) || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, x, err)
		}
		// Blocks are moved by rows, and encoding needs no more than the values.
		swap := func(i int) int { return 1 - i }
		again := rewritten(t, nil, []GGUFTensor{{Name: "x", T: x, DType: x.DType, Row: swap}, {Name: "y", T: tensor.From(want, 2, 256), DType: x.DType}})
		if got, err = again.Floats("x"); err != nil || !slices.Equal(got[256:], want[:256]) || !slices.Equal(got[:256], want[256:]) {
			t.Errorf("%s: rows swapped: %v", name, err)
		}
		if y, _ := again.Info("y"); y.DType != x.DType || y.Bytes != int64(len(x.Raw)) {
			t.Errorf("%s: quantised to %+v", name, y)
		}
	}
}

// TestWriteGGUFAsReference writes what testdata/writer.gguf holds, byte for byte.
func TestWriteGGUFAsReference(t *testing.T) {
	c, err := Open(os.DirFS("testdata"), "writer.gguf")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var metadata []KV
	for _, key := range []string{"general.architecture", alignmentKey, "u8", "i8", "u16", "i16", "u32", "i32", "f32", "true", "text",
		"u64", "i64", "f64", "texts", "i32s", "f32s", "bools", "lists"} {
		metadata = append(metadata, KV{key, c.GGUF()[key]})
	}
	var tensors []GGUFTensor
	for _, name := range []string{"t.f32", "t.f16", "t.f64", "t.bf16", "t.i8", "t.i16", "t.i32", "t.i64", "cube"} {
		x, err := c.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, asGGUF(Param{name, x})...)
	}
	path := filepath.Join(t.TempDir(), "x.gguf")
	if err := WriteGGUF(path, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	want, _ := os.ReadFile("testdata/writer.gguf")
	if !slices.Equal(got, want) {
		t.Errorf("wrote\n%q\nwant\n%q", got, want)
	}
}

func FuzzGGUF(f *testing.F) {
	f.Add(twoTensors("a", "b", 32, 64))
	f.Add(oneTensor(0, 0, 32, 1<<40, 1<<40))
	f.Add(oneTensor(8, 0, 68, 64))
	f.Add(oneKey(ggufArray, ggufArray, u8(1), ggufString, u8(1), "a"))
	path := filepath.Join(f.TempDir(), "x")
	if err := WriteGGUF(path, append(ggufValues(), KV{alignmentKey, uint32(64)}), asGGUF(param("x", []int{2, 2}, 1, 2, 3, 4))); err != nil {
		f.Fatal(err)
	}
	if data, err := os.ReadFile(path); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := openGGUFBytes(data); err == nil {
			checkFuzzed(t, c, len(data))
			for _, name := range c.Names() {
				if info, _ := c.Info(name); info.DType.Float() {
					if _, err := c.Floats(name); err != nil {
						t.Errorf("%q: %v", name, err)
					}
				}
			}
		}
	})
}
