package imageproc

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"
)

// readSafetensors returns the bytes of every tensor in a safetensors file.
func readSafetensors(t testing.TB, path string) map[string][]byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(file)
	var header map[string]struct {
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(file[8:8+n], &header); err != nil {
		t.Fatal(err)
	}
	tensors := map[string][]byte{}
	for name, h := range header {
		tensors[name] = file[8+n:][h.Offsets[0]:h.Offsets[1]]
	}
	return tensors
}

func open(t testing.TB, path string) *RGB {
	t.Helper()
	img, err := OpenFile(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}
