package main

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color/palette"
	"image/gif"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fovea": main})
}

// TestScripts runs testdata/script: the program as a user runs it. $DATA is the
// repository's testdata.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("DATA", fixtures)
			env.Setenv("EXAMPLES", filepath.Join(fixtures, "../examples"))
			env.Setenv("EMBEDDED", filepath.Join(fixtures, "../embedded/fovea-tiny"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"fails":    fails,
			"copydir":  copyDir,
			"cut":      cut,
			"patch":    patch,
			"repack":   repack,
			"header":   header,
			"animated": animated,
			"watched":  watched,
		},
	})
}

// want stops a script whose command is not called as it should be.
func want(ts *testscript.TestScript, neg, ok bool, usage string) {
	if neg || !ok {
		ts.Fatalf("usage: %s", usage)
	}
}

var oneErrorLine = regexp.MustCompile(`\Afovea: [^\n]+\n\z`)

// fails runs fovea and wants an exit status, one line of error and no output.
func fails(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) > 0, "fails STATUS ARG...")
	err := ts.Exec("fovea", args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("%v, want exit status %s", err, args[0])
	}
	if text := ts.ReadFile("stderr"); !oneErrorLine.MatchString(text) {
		ts.Fatalf("standard error is not one line of error")
	}
	if text := ts.ReadFile("stdout"); text != "" {
		ts.Fatalf("output besides the error: %q", text)
	}
}

func copyDir(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 2, "copydir FROM TO")
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}

// cut shortens a file to a number of bytes.
func cut(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 2, "cut FILE BYTES")
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// patch replaces the first occurrence of a text by another one.
func patch(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 3, "patch FILE OLD NEW")
	name := ts.MkAbs(args[0])
	data, err := os.ReadFile(name)
	ts.Check(err)
	if !bytes.Contains(data, []byte(args[1])) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(name, bytes.Replace(data, []byte(args[1]), []byte(args[2]), 1), 0o644))
}

// repack is patch for what the entries of a zip archive hold, everywhere.
func repack(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 3, "repack FILE OLD NEW")
	name := ts.MkAbs(args[0])
	old, err := zip.OpenReader(name)
	ts.Check(err)
	defer old.Close()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range old.File {
		data, err := fs.ReadFile(old, f.Name)
		ts.Check(err)
		e, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
		ts.Check(err)
		_, err = e.Write(bytes.ReplaceAll(data, []byte(args[1]), []byte(args[2])))
		ts.Check(err)
	}
	ts.Check(w.Close())
	ts.Check(os.WriteFile(name, out.Bytes(), 0o644))
}

// header writes a PNG file that says it has so many pixels, and ends there.
func header(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 3, "header FILE WIDTH HEIGHT")
	chunk := []byte("IHDR")
	for _, arg := range args[1:] {
		n, err := strconv.ParseUint(arg, 10, 32)
		ts.Check(err)
		chunk = binary.BigEndian.AppendUint32(chunk, uint32(n))
	}
	chunk = append(chunk, 8, 2, 0, 0, 0) // 8-bit RGB
	data := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	data = binary.BigEndian.AppendUint32(data, crc32.ChecksumIEEE(chunk))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// animated writes a GIF file of several frames.
func animated(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 4, "animated FILE WIDTH HEIGHT FRAMES")
	var n [3]int
	for i := range n {
		var err error
		n[i], err = strconv.Atoi(args[i+1])
		ts.Check(err)
	}
	var g gif.GIF
	for range n[2] {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, n[0], n[1]), palette.Plan9))
		g.Delay = append(g.Delay, 1)
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(gif.EncodeAll(f, &g))
	ts.Check(f.Close())
}
