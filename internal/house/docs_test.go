package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)#:]+)\)`)

// TestLinks follows the links of the pages to files of the repository.
func TestLinks(t *testing.T) {
	for _, page := range []string{"README.md", "CONTRIBUTING.md", "docs/architecture.md"} {
		found := link.FindAllStringSubmatch(read(t, page), -1)
		if len(found) == 0 {
			t.Errorf("%s: no links", page)
		}
		for _, m := range found {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

// TestEveryRoomIsTold wants each room of the table on the page about them.
func TestEveryRoomIsTold(t *testing.T) {
	page := read(t, "docs/architecture.md")
	for _, r := range rooms() {
		if !strings.Contains(page, "`"+r.path+"`") {
			t.Errorf("docs/architecture.md does not tell of %s", r.path)
		}
	}
}

// TestReadmeExample keeps the program in the README the one that is compiled.
func TestReadmeExample(t *testing.T) {
	_, code, _ := strings.Cut(read(t, "README.md"), "```go\n")
	code, _, ok := strings.Cut(code, "```")
	if !ok || code == "" {
		t.Fatal("README.md has no Go program")
	}
	indented := "\t" + strings.ReplaceAll(strings.TrimRight(code, "\n"), "\n", "\n\t") + "\n"
	if !strings.Contains(read(t, "generate/example_test.go"), indented) {
		t.Error("the program in README.md is not the one in generate/example_test.go")
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
