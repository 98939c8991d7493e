package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
)

// WriteFileAtomic writes data to path so that a crash at any moment leaves
// either the old file or the new one, complete.
func WriteFileAtomic(path string, data []byte) error {
	err := writeAtomic(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	return wrap(err, "checkpoint: write %s", path)
}

// writeAtomic lets fill write a temporary file in the folder of path, and
// renames it to path once its bytes are on the disk.
func writeAtomic(path string, fill func(io.Writer) error) (err error) {
	f, err := createTemp(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := fill(f); err != nil {
		return closing(f, err)
	}
	if err := f.Sync(); err != nil {
		return closing(f, err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// createTemp differs from os.CreateTemp in its permissions: those of a new file.
func createTemp(path string) (*os.File, error) {
	for {
		name := fmt.Sprintf("%s.%08x.tmp", path, rand.Uint32())
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
	}
}

// SyncDir makes renames in dir last through a crash of the machine. Windows cannot sync a directory, nor can
// some network file systems.
func SyncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
