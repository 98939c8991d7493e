package zoo

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// CopyDescription copies the files of a model that are not weights: config, tokenizer,
// template and picture pipeline, and the folder of an adapter's own tokenizer.
func CopyDescription(dst string, src fs.FS) error {
	entries, err := fs.ReadDir(src, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() && strings.HasSuffix(e.Name(), "tokenizer") { // an adapter's own
			if err := copyFolder(dst, src, e.Name()); err != nil {
				return err
			}
		}
		if e.IsDir() || !describes(e.Name()) {
			continue
		}
		text, err := fs.ReadFile(src, e.Name())
		if err != nil {
			return err
		}
		if err := writeSynced(filepath.Join(dst, e.Name()), text); err != nil {
			return err
		}
	}
	return nil
}

func copyFolder(dst string, src fs.FS, name string) error {
	within, err := fs.Sub(src, name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dst, name), 0o777); err != nil {
		return err
	}
	return CopyDescription(filepath.Join(dst, name), within)
}

// writeSynced writes a file that is on the disk when it returns; its name is
// once its directory is synced.
func writeSynced(name string, data []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// describes tells what belongs to the model, besides weights, from what may lie beside it.
func describes(name string) bool {
	for _, other := range []string{"expected", "adapter_config", "trainer_state"} {
		if strings.HasPrefix(name, other) {
			return false
		}
	}
	switch path.Ext(name) {
	case ".json":
		return !strings.HasSuffix(name, ".index.json")
	case ".jinja", ".model", ".tiktoken", ".txt":
		return true
	}
	return false
}
