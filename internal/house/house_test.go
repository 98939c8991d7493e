package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/fovea-ml/fovea/"
	root   = "../.."
)

// source is a parsed file of a package.
type source struct {
	pkg, name string
	*ast.File
}

func (s source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

// TestHouse reads every Go file, whatever platform it is for: go list would see one at a time.
func TestHouse(t *testing.T) {
	files, err := parse(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d Go files found", len(files))
	}
	for _, v := range violations(rooms(), files) {
		t.Error(v)
	}
}

// TestTableIsOrdered keeps the table free of circles: a room uses rooms before it.
func TestTableIsOrdered(t *testing.T) {
	var above []string
	for _, r := range rooms() {
		for _, use := range r.uses {
			if !slices.Contains(above, use) {
				t.Errorf("%s uses %s, which does not stand above it in the table", r.path, use)
			}
		}
		if slices.Contains(above, r.path) {
			t.Errorf("%s stands in the table twice", r.path)
		}
		above = append(above, r.path)
	}
}

// parse reads the Go files of this module and no other's.
func parse(fsys fs.FS) ([]source, error) {
	var all []source
	fset := token.NewFileSet()
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		base := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (base == "testdata" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_")):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		pkg := ""
		if i := strings.LastIndexByte(name, '/'); i >= 0 {
			pkg = name[:i]
		}
		all = append(all, source{pkg, name, f})
		return nil
	})
	return all, err
}

// violations lists what in the files breaks the rules, each once.
func violations(table []room, files []source) []string {
	var out []string
	for _, f := range files {
		i := slices.IndexFunc(table, func(r room) bool { return r.path == f.pkg })
		if i < 0 {
			out = append(out, fmt.Sprintf("%s: the table of rooms has no %s", f.name, f.pkg))
			continue
		}
		out = append(out, imports(table[i], f)...)
		if !f.test() {
			out = append(out, state(f)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// imports checks what a file imports. Tests may use everything but commands.
func imports(r room, f source) []string {
	var out []string
	for _, spec := range f.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			panic(err) // the parser checked it
		}
		name := ""
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if complaint := judge(r, path, name, f.test()); complaint != "" {
			out = append(out, fmt.Sprintf("%s: %s", f.name, complaint))
		}
	}
	return out
}

func judge(r room, path, name string, test bool) string {
	ours, isOurs := strings.CutPrefix(path, module)
	isStd := !strings.Contains(strings.Split(path, "/")[0], ".")
	switch {
	case path == "C":
		return "cgo"
	case name == "." || name == "_" && path != "embed":
		return fmt.Sprintf("imports %s as %s", path, name)
	case strings.HasPrefix(ours, "cmd/"):
		return "imports a command"
	case test:
		return ""
	case path == "unsafe" && !slices.Contains(unsafeRooms, r.path):
		return r.path + " must not use unsafe"
	case isStd, isOurs && slices.Contains(r.uses, ours):
		return ""
	case slices.ContainsFunc(r.others, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") }):
		return ""
	}
	return fmt.Sprintf("%s must not import %s", r.path, strings.TrimPrefix(path, module))
}

// state finds init functions, and package variables that are made to change.
func state(f source) []string {
	var out []string
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				out = append(out, f.name+": an init function")
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR && changes(v) {
					out = append(out, f.stateful(v)...)
				}
			}
		}
	}
	return out
}

func (s source) stateful(v *ast.ValueSpec) []string {
	var out []string
	for _, n := range v.Names {
		if !slices.Contains(stateful, s.pkg+"."+n.Name) {
			out = append(out, fmt.Sprintf("%s: package variable %s carries state", s.name, n.Name))
		}
	}
	return out
}

// changes reports whether a package variable looks made to be written later: it
// has no value yet, or an empty one, or one of package sync.
func changes(v *ast.ValueSpec) bool {
	if len(v.Values) == 0 {
		return !of(v.Type, "embed") // files of the binary cannot change
	}
	for _, value := range v.Values {
		switch value := value.(type) {
		case *ast.CompositeLit:
			if _, isMap := value.Type.(*ast.MapType); isMap && len(value.Elts) == 0 || of(value.Type, "sync", "atomic") {
				return true
			}
		case *ast.CallExpr:
			if f, ok := value.Fun.(*ast.Ident); ok && (f.Name == "make" || f.Name == "new") {
				return true
			}
		}
	}
	return false
}

// of reports whether a type is one of the named packages'.
func of(t ast.Expr, packages ...string) bool {
	s, ok := t.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	p, ok := s.X.(*ast.Ident)
	return ok && slices.Contains(packages, p.Name)
}
