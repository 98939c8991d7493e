package zoo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/fovea-ml/fovea/tensor"
)

// TestWriteDirKeepsTheAdaptersTokenizer: InstructBLIP's Q-Former reads text by one of its own.
func TestWriteDirKeepsTheAdaptersTokenizer(t *testing.T) {
	const folder = "qformer_tokenizer"
	m, err := OpenDir("../testdata/instructblip")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	dir := filepath.Join(t.TempDir(), "written")
	if err := m.WriteDir(dir, func(stored tensor.DType) tensor.DType { return stored }); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(filepath.Join(dir, folder)); err != nil || len(files) == 0 {
		t.Errorf("%d files in %s: %v", len(files), folder, err)
	}
	again, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
