package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestModelsDocument wants docs/models.md as go generate writes it.
func TestModelsDocument(t *testing.T) {
	all, err := knownModels()
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := writeModels(&want, all); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/models.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/models.md is not what the zoo's table says: go generate ./cmd/fovea")
	}
}

// TestModelsTry runs the commands that docs/models.md shows, on the reference's tiny checkpoints.
func TestModelsTry(t *testing.T) {
	all, err := knownModels()
	if err != nil {
		t.Fatal(err)
	}
	data, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	in, out := os.Stdin, os.Stdout
	defer func() { os.Stdin, os.Stdout = in, out }()
	t.Chdir(t.TempDir()) // for files that commands write
	for _, k := range all {
		for _, fixture := range k.Verified {
			dir := filepath.Join(data, fixture)
			pictures, _ := filepath.Glob(filepath.Join(dir, "image*"))
			for _, try := range k.about.Try {
				if strings.Contains(try, "{picture}") && len(pictures) == 0 {
					t.Errorf("%s has no picture for %s", fixture, try)
					continue
				}
				picture := strings.Join(pictures[:min(1, len(pictures))], "")
				args := words(strings.NewReplacer("{model}", dir, "{picture}", picture, "{video}", filepath.Join(data, "qwen2_vl_video", "film.gif")).Replace(try))
				os.Stdin, os.Stdout = null, null
				status := run(args[1:])
				os.Stdin, os.Stdout = in, out
				if status != 0 {
					t.Errorf("%v: exit status %d", args, status)
				}
			}
		}
	}
}

// words splits a command at spaces outside of double quotes.
func words(command string) []string {
	quoted := false
	list := strings.FieldsFunc(command, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
	for i, w := range list {
		list[i] = strings.Trim(w, `"`)
	}
	return list
}

// TestModelsAreTold wants every system that people wait for in the table, and a
// fixture or a published name of every row.
func TestModelsAreTold(t *testing.T) {
	all, err := knownModels()
	if err != nil {
		t.Fatal(err)
	}
	for _, system := range []string{"BLIP", "BLIP-2", "LLaVA", "Qwen-VL", "SPHINX"} {
		if !slices.ContainsFunc(all, func(k *known) bool { return k.System == system }) {
			t.Errorf("%s has no row", system)
		}
	}
	for _, k := range all {
		if len(k.Published) == 0 || k.Layouts == "" {
			t.Errorf("%s: what is published, and in which files, is not told", k.Architecture)
		}
	}
}
