package checkpoint

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// parallelShard is a file with a matrix split by rows, one by columns, one that is
// whole, and a vector that is.
func parallelShard(t *testing.T, rows, columns []float32, vector float32, more ...string) *fstest.MapFile {
	t.Helper()
	n := len(columns) / 2
	root := dict(pyString("model"), dict(append([]string{
		pyString("rows"), saved("FloatStorage", "0", len(rows), 0, []int{len(rows) / 3, 3}, []int{3, 1}),
		pyString("columns"), saved("FloatStorage", "1", len(columns), 0, []int{2, n}, []int{n, 1}),
		pyString("whole"), saved("FloatStorage", "2", 6, 0, []int{6, 1}, []int{1, 1}),
		pyString("vector"), saved("FloatStorage", "3", 2, 0, []int{2}, []int{1}),
	}, more...)...))
	return &fstest.MapFile{Data: torchBytes(t, root, map[string]string{
		"0": float32s(rows...), "1": float32s(columns...), "2": float32s(1, 2, 3, 4, 5, 6), "3": float32s(vector, 1),
	})}
}

func parallel() Parallel {
	return Parallel{Pattern: `part\.(\d+)-of-(\d+)\.pth`, Axis: func(name string) int {
		return map[string]int{"model.rows": 0, "model.columns": 1, "model.whole": -1, "model.vector": -1}[name]
	}}
}

func openParallel(files fstest.MapFS) (*Checkpoint, error) {
	names, err := parallel().Find(files)
	if err != nil || names == nil {
		return nil, err
	}
	return parallel().Open(files, names)
}

func TestParallel(t *testing.T) {
	c, err := openParallel(fstest.MapFS{
		"part.01-of-02.pth": parallelShard(t, []float32{7, 8, 9}, []float32{3, 4, 7, 8}, 1.01),
		"part.00-of-02.pth": parallelShard(t, []float32{4, 5, 6}, []float32{1, 2, 5, 6}, 1),
		"other.bin":         {},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, want := range map[string][]float32{
		"model.rows": {4, 5, 6, 7, 8, 9}, "model.columns": {1, 2, 3, 4, 5, 6, 7, 8}, "model.whole": {1, 2, 3, 4, 5, 6}, "model.vector": {1, 1},
	} {
		if got, err := c.Floats(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s is %v, want %v; %v", name, got, want, err)
		}
	}
	for name, want := range map[string][]int{"model.rows": {2, 3}, "model.columns": {2, 4}, "model.whole": {6, 1}} {
		if info, _ := c.Info(name); !slices.Equal(info.Shape, want) {
			t.Errorf("%s has shape %v, want %v", name, info.Shape, want)
		}
	}
	if err := c.SplitRows(`^model\.(whole)$`, "a.${1}", "b.${1}", "c.${1}"); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Floats("b.whole"); err != nil || !slices.Equal(got, []float32{3, 4}) {
		t.Errorf("the second part is %v; %v", got, err)
	}
	if _, ok := c.Info("model.whole"); ok || len(c.Names()) != 6 {
		t.Errorf("tensors %v", c.Names())
	}
	for from, want := range map[string]string{
		`^model\.rows$`: "cannot be split as they are stored", `^a\.whole$`: "is not 5 times as many rows", `(`: "split",
	} {
		if err := c.SplitRows(from, "1", "2", "3", "4", "5"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", from, err, want)
		}
	}
}

func TestParallelRefuses(t *testing.T) {
	first := parallelShard(t, []float32{1, 2, 3}, []float32{1, 2}, 1)
	second := parallelShard(t, []float32{4, 5, 6}, []float32{3, 4}, 1)
	for name, test := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"missing":  {fstest.MapFS{"part.00-of-03.pth": first, "part.02-of-03.pth": second}, "missing shard 1 of 3"},
		"two sets": {fstest.MapFS{"part.00-of-02.pth": first, "part.01-of-03.pth": second}, "part.00-of-02.pth and part.01-of-03.pth do not belong to one set"},
		"beyond":   {fstest.MapFS{"part.00-of-01.pth": first, "part.01-of-01.pth": second}, "2 shards, and their names say 1"},
		"twice":    {fstest.MapFS{"part.0-of-2.pth": first, "part.00-of-2.pth": second}, "do not belong to one set"},
		"absurd":   {fstest.MapFS{"part.00-of-99999.pth": first}, "a set of 99999 shards"},
		"none":     {fstest.MapFS{"part.00-of-00.pth": first}, "a set of 00 shards"},
		"shape":    {fstest.MapFS{"part.00-of-02.pth": first, "part.01-of-02.pth": parallelShard(t, []float32{1, 2, 3, 4, 5, 6}, []float32{1, 2}, 1)}, `tensor "model.rows" is F32 [1 3] in part.00-of-02.pth and F32 [2 3] in part.01-of-02.pth`},
		"values":   {fstest.MapFS{"part.00-of-02.pth": first, "part.01-of-02.pth": parallelShard(t, []float32{4, 5, 6}, []float32{3, 4}, 2)}, `tensor "model.vector", which is not split, differs between part.00-of-02.pth and part.01-of-02.pth`},
		"a copy":   {fstest.MapFS{"part.00-of-02.pth": first, "part.01-of-02.pth": first}, `part.00-of-02.pth and part.01-of-02.pth hold the same part of tensor "model.columns"`},
		"more":     {fstest.MapFS{"part.00-of-02.pth": first, "part.01-of-02.pth": parallelShard(t, []float32{4, 5, 6}, []float32{3, 4}, 1, pyString("x"), saved("FloatStorage", "3", 2, 0, []int{2}, []int{1}))}, `tensor "model.x" of part.01-of-02.pth is not in part.00-of-02.pth`},
		"fewer":    {fstest.MapFS{"part.01-of-02.pth": first, "part.00-of-02.pth": parallelShard(t, []float32{4, 5, 6}, []float32{3, 4}, 1, pyString("x"), saved("FloatStorage", "3", 2, 0, []int{2}, []int{1}))}, `tensor "model.x" of part.00-of-02.pth is not in part.01-of-02.pth`},
		"no file":  {fstest.MapFS{"part.00-of-02.pth": first, "part.01-of-02.pth": {Data: []byte("PK\x03\x04")}}, "part.01-of-02.pth"},
	} {
		if c, err := openParallel(test.files); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q; %v", name, err, test.want, c)
		}
	}
	if names, err := parallel().Find(fstest.MapFS{"x": first}); names != nil || err != nil {
		t.Errorf("no shards: %v, %v", names, err)
	}
}
