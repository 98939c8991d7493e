package house

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// copied is how many lines together make a copy.
const copied = 6

// TestNoCopies wants what two folders below model/ have in common to be one piece of code.
func TestNoCopies(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(root, "model", "*", "*.go"))
	if err != nil || len(names) < 20 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	first := map[string]string{} // where each run of lines stands
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.ToSlash(strings.TrimPrefix(name, root+string(filepath.Separator)))
		lines, numbers := statements(string(text))
		for i := 0; i+copied <= len(lines); i++ {
			run := strings.Join(lines[i:i+copied], "\n")
			here := fmt.Sprintf("%s:%d", name, numbers[i])
			if there, ok := first[run]; !ok {
				first[run] = here
			} else if path.Dir(there) != path.Dir(here) {
				t.Errorf("%s is a copy of %s:\n%s", here, there, run)
			}
		}
	}
}

// statements are the lines behind the imports that are neither empty nor
// comments, with their numbers.
func statements(text string) (lines []string, numbers []int) {
	imports := false
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "import (":
			imports = true
		case imports:
			imports = line != ")"
		case line != "" && !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "import "):
			lines, numbers = append(lines, line), append(numbers, i+1)
		}
	}
	return lines, numbers
}
