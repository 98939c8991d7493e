package verify

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
)

// TestTorchShards runs a checkpoint whose weights are two files of torch.save and their index.
func TestTorchShards(t *testing.T) {
	dir := copied(t, "llava15")
	c, err := checkpoint.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names, index := c.Names(), map[string]string{}
	for i, part := range [][]string{names[:len(names)/2], names[len(names)/2:]} {
		file := fmt.Sprintf("pytorch_model-%05d-of-00002.bin", i+1)
		for _, name := range part {
			index[name] = file
		}
		write(file, torchSave(t, params(t, c, part)))(t, dir)
	}
	list, err := json.Marshal(map[string]any{"weight_map": index})
	if err != nil {
		t.Fatal(err)
	}
	write("pytorch_model.bin.index.json", string(list))(t, dir)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, checkpoint.FileName)); err != nil {
		t.Fatal(err)
	}
	wantPass(t, run(t, dir, dir, Float32()))
}

// params are tensors of a checkpoint.
func params(t *testing.T, c *checkpoint.Checkpoint, names []string) (list []checkpoint.Param) {
	t.Helper()
	for _, name := range names {
		x, err := c.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, checkpoint.Param{Name: name, T: x})
	}
	return list
}

// torchSave writes tensors of single and half precision as PyTorch does: a pickle of a
// dictionary, and the elements of each in an entry of its own.
func torchSave(t *testing.T, list []checkpoint.Param) string {
	t.Helper()
	var file, pickle bytes.Buffer
	z := zip.NewWriter(&file)
	entry := func(name string, data []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text := func(s string) {
		pickle.WriteByte('X')
		pickle.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
		pickle.WriteString(s)
	}
	numbers := func(list ...int) {
		for _, n := range list {
			pickle.WriteByte('J')
			pickle.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		}
	}
	pickle.WriteString("\x80\x02}(")
	for i, p := range list {
		name, x := p.Name, p.T
		data, storage := x.Raw, "HalfStorage"
		if x.DType == kernel.F32 {
			storage = "FloatStorage"
			for _, v := range x.F32 {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
			}
		} else if x.DType != kernel.F16 {
			t.Fatalf("%s: %v", name, x)
		}
		key := fmt.Sprint(i)
		entry("data/"+key, data)
		text(name)
		pickle.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
		text("storage")
		pickle.WriteString("ctorch\n" + storage + "\n")
		text(key)
		text("cpu")
		numbers(x.Len())
		pickle.WriteString("tQ")
		numbers(0)
		pickle.WriteByte('(')
		numbers(x.Shape...)
		pickle.WriteString("t(")
		for d := range x.Shape {
			stride := 1
			for _, n := range x.Shape[d+1:] {
				stride *= n
			}
			numbers(stride)
		}
		pickle.WriteString("t\x89}tR")
	}
	pickle.WriteString("u.")
	entry("data.pkl", pickle.Bytes())
	entry("byteorder", []byte("little"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}
