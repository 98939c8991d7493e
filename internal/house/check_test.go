package house

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestViolationsAreFound gives the checker files that break one rule each.
func TestViolationsAreFound(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"tensor/x.go", `package tensor; import "github.com/fovea-ml/fovea/ops"`, "tensor must not import ops"},
		{"model/clip/x.go", `package clip; import "github.com/fovea-ml/fovea/model/llama"`, "model/clip must not import model/llama"},
		{"model/clip/x.go", `package clip; import "github.com/fovea-ml/fovea/kernel"`, "model/clip must not import kernel"},
		{"model/llava/x.go", `package llava; import "github.com/fovea-ml/fovea/zoo"`, "model/llava must not import zoo"},
		{"tokenizer/x.go", `package tokenizer; import "github.com/fovea-ml/fovea/tensor"`, "tokenizer must not import tensor"},
		{"generate/x.go", `package generate; import "github.com/fovea-ml/fovea/zoo"`, "generate must not import zoo"},
		{"zoo/x_test.go", `package zoo; import "github.com/fovea-ml/fovea/cmd/fovea"`, "imports a command"},
		{"train/x.go", `package train; import "github.com/fovea-ml/fovea/internal/cputest"`, "train must not import internal/cputest"},
		{"eval/x.go", `package eval; import "github.com/fovea-ml/fovea/elsewhere"`, "eval must not import elsewhere"},
		{"eval/x.go", `package eval; import "github.com/alecthomas/kong"`, "eval must not import github.com/alecthomas/kong"},
		{"attic/x.go", `package attic`, "the table of rooms has no attic"},
		{"kernel/x_arm64.go", "//go:build arm64\n\npackage kernel; import \"C\"", "cgo"},
		{"ops/x.go", `package ops; import "unsafe"`, "ops must not use unsafe"},
		{"imageproc/x.go", `package imageproc; import _ "image/png"`, "imports image/png as _"},
		{"nn/x_test.go", `package nn; import . "math"`, "imports math as ."},
		{"nn/x.go", `package nn; func init() {}`, "an init function"},
		{"nn/x.go", `package nn; var cache = map[string]int{}`, "package variable cache carries state"},
		{"nn/x.go", `package nn; var cache = make(map[string]int)`, "package variable cache carries state"},
		{"nn/x.go", `package nn; var hits int`, "package variable hits carries state"},
		{"nn/x.go", `package nn; var pool = sync.Pool{}`, "package variable pool carries state"},
	} {
		got := check(t, c.name, c.text)
		if len(got) != 1 || !strings.Contains(got[0], c.name+": "+c.want) {
			t.Errorf("%s: %s\n  got %q, want %q", c.name, c.text, got, c.want)
		}
	}
}

func TestGoodFilesPass(t *testing.T) {
	for name, text := range map[string]string{
		"ops/x.go":         `package ops; import ("math"; "github.com/fovea-ml/fovea/kernel"); var names = []string{"a"}`,
		"model/llava/x.go": `package llava; import "github.com/fovea-ml/fovea/model/clip"; var _ I = (*T)(nil)`,
		"ops/x_test.go":    `package ops; import "github.com/fovea-ml/fovea/internal/cputest"; var calls int`,
		"embedded/x.go":    `package embedded; import _ "embed"; var files embed.FS`,
		"imageproc/x.go":   `package imageproc; import "golang.org/x/image/bmp"; var errBig = errors.New("big")`,
		"kernel/x.go":      `package kernel; import "unsafe"; var useAVX2 bool; func (t *T) init() {}`,
		"nn/testdata/x.go": `package elsewhere; func init() {}`,
		"kernel/_asm/x.go": `package main; func init() {}`,
	} {
		if got := check(t, name, text); got != nil {
			t.Errorf("%s: %s\n  got %q", name, text, got)
		}
	}
}

func check(t *testing.T, name, text string) []string {
	t.Helper()
	files, err := parse(fstest.MapFS{name: {Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clip(violations(rooms(), files))
}
