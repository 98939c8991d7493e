package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// file gives access to the bytes of one file of a checkpoint.
type file struct {
	io.ReaderAt
	size   int64
	mapped []byte // all of it, read-only, where the system can map files
	close  func() error
}

// openFile maps what the operating system holds, reads from what can be read at
// an offset, and else (a file inside an archive) takes the whole file into memory.
func openFile(fsys fs.FS, name string) (*file, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	opened, err := access(f)
	if err != nil {
		return nil, wrap(closing(f, err), "%s", name)
	}
	return opened, nil
}

func closing(c io.Closer, err error) error {
	c.Close() // the earlier error is the one to tell
	return err
}

func access(f fs.File) (*file, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if o, ok := f.(*os.File); ok && canMap && st.Size() > 0 && int64(int(st.Size())) == st.Size() {
		data, err := mapFile(o, int(st.Size()))
		if err != nil {
			return nil, fmt.Errorf("mmap: %w", err)
		}
		return &file{bytesAt(data), st.Size(), data, func() error { return unmap(data) }}, o.Close()
	}
	if r, ok := f.(io.ReaderAt); ok {
		return &file{r, st.Size(), nil, f.Close}, nil
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return &file{bytesAt(data), int64(len(data)), data, func() error { return nil }}, f.Close()
}

// bytes returns n bytes from off, in place when they are in memory already.
func (f *file) bytes(off, n int64) ([]byte, error) {
	if off < 0 || n < 0 || n > f.size-off {
		return nil, fmt.Errorf("%d bytes at %d of a file of %d", n, off, f.size)
	}
	if f.mapped != nil {
		return f.mapped[off : off+n : off+n], nil
	}
	b := make([]byte, n)
	if n == 0 {
		return b, nil
	}
	if _, err := f.ReadAt(b, off); err != nil {
		return nil, readError(err)
	}
	return b, nil
}

// bytesAt reads from memory.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
