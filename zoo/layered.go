package zoo

import (
	"bytes"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// layered is a directory with files in the place of others.
type layered struct {
	fs.FS
	over map[string][]byte // files that are there, whether or not the directory has them
	hide func(name string) bool
}

// Open opens a file.
func (l layered) Open(name string) (fs.File, error) {
	if data, ok := l.over[name]; ok {
		return &memoryFile{bytes.NewReader(data), name}, nil
	}
	if l.hide != nil && l.hide(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return l.FS.Open(name)
}

// ReadDir lists a directory.
func (l layered) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(l.FS, name)
	if err != nil || name != "." {
		return list, err
	}
	list = slices.DeleteFunc(list, func(e fs.DirEntry) bool {
		_, over := l.over[e.Name()]
		return over || l.hide != nil && l.hide(e.Name())
	})
	for name, data := range l.over {
		list = append(list, fs.FileInfoToDirEntry(memoryInfo{name, int64(len(data))}))
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list, nil
}

// memoryFile is a file of layered.
type memoryFile struct {
	*bytes.Reader
	name string
}

func (f *memoryFile) Stat() (fs.FileInfo, error) { return memoryInfo{f.name, f.Size()}, nil }
func (f *memoryFile) Close() error               { return nil }

type memoryInfo struct {
	name string
	size int64
}

func (i memoryInfo) Name() string       { return i.name }
func (i memoryInfo) Size() int64        { return i.size }
func (i memoryInfo) Mode() fs.FileMode  { return 0o444 }
func (i memoryInfo) ModTime() time.Time { return time.Time{} }
func (i memoryInfo) IsDir() bool        { return false }
func (i memoryInfo) Sys() any           { return nil }
