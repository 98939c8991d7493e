package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// build makes a safetensors file from the text of its header and the number of data bytes.
func build(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	return append(b, make([]byte, data)...)
}

func openBytes(data []byte) (*Checkpoint, error) {
	return Open(fstest.MapFS{"m.safetensors": {Data: data}}, "m.safetensors")
}

func TestBadFiles(t *testing.T) {
	one := func(dtype, shape, offsets string, data int) []byte {
		return build(fmt.Sprintf(`{"x":{"dtype":%q,"shape":%s,"data_offsets":%s}}`, dtype, shape, offsets), data)
	}
	two := func(first, second string, data int) []byte {
		return build(fmt.Sprintf(`{"a":{"dtype":"U8","shape":[4],"data_offsets":%s},"b":{"dtype":"U8","shape":[4],"data_offsets":%s}}`, first, second), data)
	}
	huge := binary.LittleEndian.AppendUint64(nil, 1<<63)
	for name, test := range map[string]struct {
		data []byte
		want string // in the error, behind the name of the file
	}{
		"empty":                   {nil, "0 bytes are too few"},
		"short":                   {[]byte("1234567"), "7 bytes are too few"},
		"text":                    {[]byte("hello, I am a text"), "not a safetensors file?"},
		"header over the cap":     {binary.LittleEndian.AppendUint64(nil, maxHeader+1), "at most 100000000 are allowed"},
		"header of 2^63":          {huge, "at most 100000000 are allowed"},
		"header longer than file": {build("{}", 0)[:9], "header of 2 bytes in a file of 9: truncated?"},
		"no header":               {build("", 0), "does not start with {"},
		"space before":            {build(" {}", 0), "does not start with {"},
		"array":                   {build("[]", 0), "does not start with {"},
		"cut off":                 {build(`{"x":`, 0), "unexpected EOF"},
		"behind the end":          {build(`{} {}`, 0), "after the end"},
		"NUL padding":             {build("{}\x00", 0), "invalid character"},
		"not UTF-8":               {build("{\"\xff\":{}}", 0), "not UTF-8"},
		"no object":               {build(`{"x":3}`, 0), `tensor "x": found 3, want "{"`},
		"deep":                    {build(`{"x":`+strings.Repeat("[", 1<<20), 0), `tensor "x"`},
		"metadata number":         {build(`{"__metadata__":{"a":1}}`, 0), `__metadata__: "a": found 1, want a string`},
		"metadata twice":          {build(`{"__metadata__":{"a":"1","a":"2"}}`, 0), `duplicate key "a"`},
		"tensor twice": {build(`{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 2),
			`duplicate key "x"`},
		"key twice":            {build(`{"x":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), `tensor "x": duplicate key "dtype"`},
		"unknown key":          {build(`{"x":{"dtype":"U8","Shape":[1]}}`, 1), `unknown key "Shape"`},
		"no offsets":           {build(`{"x":{"dtype":"U8","shape":[1]}}`, 1), "needs dtype, shape and two data_offsets"},
		"one offset":           {one("U8", "[1]", "[0]", 1), "needs dtype, shape and two data_offsets"},
		"three offsets":        {one("U8", "[1]", "[0,1,2]", 1), "data_offsets: more than 2 numbers"},
		"unknown dtype":        {one("F7", "[1]", "[0,4]", 4), `unknown dtype "F7"`},
		"quantised dtype":      {one("Q8_0", "[32]", "[0,34]", 34), `safetensors has no dtype Q8_0`},
		"negative dimension":   {one("F32", "[-1]", "[0,4]", 4), "shape: -1 is not an integer from 0"},
		"fractional dimension": {one("F32", "[1.0]", "[0,4]", 4), "shape: 1.0 is not an integer"},
		"string dimension":     {one("F32", `["1"]`, "[0,4]", 4), "want an integer"},
		"dimension of 2^64":    {one("F32", "[18446744073709551616]", "[0,4]", 4), "is not an integer"},
		"overflow":             {one("F32", "[4611686018427387904,4]", "[0,0]", 0), "is too large"},
		"overflow by dtype":    {one("F64", "[2305843009213693952]", "[0,0]", 0), "is too large"},
		"overflow beside zero": {one("F32", "[0,4611686018427387904,4]", "[0,0]", 0), "is too large"},
		"rank":                 {one("F32", "[1"+strings.Repeat(",1", 64)+"]", "[0,4]", 4), "shape: more than 64 numbers"},
		"absurd shape":         {one("F32", "[1000000000000]", "[0,4000000000000]", 4), "behind the end"},
		"offsets past the end": {one("U8", "[4]", "[0,4]", 3), "behind the end of the file's 3 bytes of data: truncated?"},
		"offsets backwards":    {one("U8", "[4]", "[4,0]", 4), "run backwards"},
		"negative offset":      {one("U8", "[4]", "[-4,0]", 4), "data_offsets: -4 is not an integer"},
		"size and shape":       {one("F32", "[2]", "[0,4]", 4), `tensor "x": F32 [2] takes 8 bytes, data_offsets [0 4] give it 4`},
		"overlap":              {two("[0,4]", "[3,7]", 7), `tensor "b": its data overlap those of "a"`},
		"same place":           {two("[0,4]", "[0,4]", 4), "overlap"},
		"hole":                 {two("[0,4]", "[5,9]", 9), "1 bytes before its data belong to no tensor"},
		"hole at the start":    {one("U8", "[4]", "[1,5]", 5), "1 bytes before its data"},
		"rest":                 {one("U8", "[4]", "[0,4]", 6), "2 bytes after the last tensor"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := openBytes(test.data)
			if err == nil {
				t.Fatalf("opened with tensors %v", c.Names())
			}
			if got := err.Error(); !strings.HasPrefix(got, "checkpoint: m.safetensors: ") || !strings.Contains(got, test.want) {
				t.Errorf("error %.300q, want %q in it", got, test.want)
			}
		})
	}
}

func TestOddButValid(t *testing.T) {
	for name, test := range map[string]struct {
		data  []byte
		names int
	}{
		"no tensors":      {build("{}", 0), 0},
		"padding":         {build("{}      ", 0), 0},
		"metadata only":   {build(`{"__metadata__":{}}`, 0), 0},
		"empty and full":  {build(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}}`, 4), 2},
		"any order":       {build(`{"b":{"data_offsets":[1,2],"shape":[1],"dtype":"U8"},"a":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}}`, 2), 2},
		"unaligned float": {build(`{"b":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 5), 2},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := openBytes(test.data)
			if err != nil {
				t.Fatal(err)
			}
			if n := len(c.Names()); n != test.names {
				t.Errorf("%d tensors, want %d", n, test.names)
			}
			for _, name := range c.Names() {
				if x, err := c.Tensor(name); err != nil || !x.HasData() {
					t.Errorf("Tensor(%q): %v, %v", name, x, err)
				}
			}
		})
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add(build(`{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}`, 8))
	f.Add(build(`{"b":{"dtype":"BF16","shape":[0],"data_offsets":[1,1]},"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, 1))
	f.Add(build(`{"x":{"dtype":"I64","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzzOpen(t, data)
		fuzzOpen(t, build(string(data), len(data)%16)) // the header alone, mutated
	})
}

func fuzzOpen(t *testing.T, data []byte) {
	if c, err := openBytes(data); err == nil {
		checkFuzzed(t, c, len(data))
	}
}

// checkFuzzed reads every tensor of a file of size bytes: what the header promises must be there.
func checkFuzzed(t *testing.T, c *Checkpoint, size int) {
	total := int64(0)
	for _, name := range c.Names() {
		x, err := c.Tensor(name)
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		info, _ := c.Info(name)
		if int64(x.Bytes()) != info.Bytes || int64(4*len(x.F32)+len(x.Raw)) != info.Bytes {
			t.Fatalf("%q: %v has %d floats and %d bytes, want %d bytes", name, x, len(x.F32), len(x.Raw), info.Bytes)
		}
		total += info.Bytes
	}
	if total > int64(size) {
		t.Fatalf("%d bytes of tensors in a file of %d", total, size)
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":4},"weight_map":{"x":"a.safetensors","y":"b.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"x":"../a.safetensors"}}`))
	file := &fstest.MapFile{Data: build(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Open(fstest.MapFS{IndexName: {Data: data}, "a.safetensors": file}, ".")
		if err == nil && !bytes.Contains(data, []byte("weight_map")) && !bytes.Contains(data, []byte(`\u`)) {
			t.Fatalf("%q opened: %v", data, c.Names())
		}
	})
}
