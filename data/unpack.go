package data

import (
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// maxUnpacked bounds what a compressed file may become on disk.
const maxUnpacked = 8 << 30

// unpacked opens a file. What is compressed has no random access: it is unpacked to a
// temporary file, which is gone when it is closed.
func unpacked(name string) (*os.File, error) {
	switch path.Ext(name) {
	case ".gz":
		return unpackGzip(name)
	case ".zip":
		return unpackZip(name)
	}
	return os.Open(name)
}

func unpackGzip(name string) (*os.File, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	return temporary(z)
}

// unpackZip unpacks the one file that a ZIP archive holds, as the shards of MMC4 do.
func unpackZip(name string) (*os.File, error) {
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var only *zip.File
	for _, f := range z.File {
		if f.FileInfo().IsDir() || strings.HasPrefix(f.Name, "__MACOSX/") {
			continue
		}
		if only != nil {
			return nil, fmt.Errorf("the archive holds %s and %s, want one file", only.Name, f.Name)
		}
		only = f
	}
	if only == nil {
		return nil, errors.New("the archive holds no file")
	}
	in, err := only.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return temporary(in)
}

// temporary is a file with what a reader holds. It has no name any more where the
// system allows that, and else is removed with the other temporary files.
func temporary(in io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "fovea-data-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // Windows keeps the name of what is open
	n, err := io.Copy(f, io.LimitReader(in, maxUnpacked+1))
	if err == nil && n > maxUnpacked {
		err = fmt.Errorf("more than %d bytes when it is unpacked", int64(maxUnpacked))
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
