package verify

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/zoo"
)

// TestGGUF verifies models that went through GGUF files in float32. The stages behind the last feature layer, which is
// where an mmproj file ends, are skipped as they are otherwise.
func TestGGUF(t *testing.T) {
	for name, want := range map[string][4]int{ // cases, stages passed, failed, skipped
		"llava15":      {4, 53, 0, 6},
		"llava_next":   {3, 47, 0, 6},
		"qwen2_vl":     {4, 56, 0, 0},
		"qwen2_5_vl":   {4, 64, 0, 0},
		"qwen3_vl":     {4, 57, 0, 0},
		"stories260k":  {4, 16, 0, 0},
		"qwen2":        {3, 23, 0, 0},
		"qwen3":        {2, 18, 0, 0},
		"qwen2_untied": {1, 10, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := throughGGUF(t, name)
			r, err := Run(context.Background(), m, os.DirFS(fixtures+name), Options{Tolerance: Float32()})
			if err != nil {
				t.Fatal(err)
			}
			wantPass(t, r)
			if got := [4]int{r.CasesPassed, r.StagesPassed, r.StagesFailed, r.StagesSkipped}; got != want {
				t.Errorf("cases, stages passed, failed, skipped: %v, want %v", got, want)
			}
		})
	}
}

func throughGGUF(t *testing.T, fixture string) *zoo.Model {
	t.Helper()
	hf, err := zoo.OpenDir(fixtures + fixture)
	if err != nil {
		t.Fatal(err)
	}
	defer hf.Close()
	path, mmproj := filepath.Join(t.TempDir(), "m.gguf"), ""
	if hf.Pictures != nil {
		mmproj = filepath.Join(t.TempDir(), "mmproj.gguf")
	}
	if err := zoo.WriteGGUF(hf, path, mmproj, func(string, []int) kernel.DType { return kernel.F32 }); err != nil {
		t.Fatal(err)
	}
	m, err := zoo.OpenGGUF(path, mmproj)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}
