package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
)

// store is where the pictures of a data set lie: a folder, and for those that are known
// by their addresses a cache. Neither names nor symbolic links lead out of them.
type store struct {
	folder, cache *os.Root // nil without one
	opts          imageproc.Options
	strict        bool // files need a folder at once, and not when they are opened

	inside   bool      // the pictures of a sample lie with it, in its order, whatever it calls them
	pictures []Picture // if so
}

func openStore(o Options) (s *store, err error) {
	s = &store{opts: o.Pictures, strict: o.Strict}
	if o.Images != "" {
		if s.folder, err = os.OpenRoot(o.Images); err != nil {
			return nil, fmt.Errorf("folder of pictures: %w", err)
		}
	}
	if o.Cache != "" {
		if s.cache, err = os.OpenRoot(o.Cache); err != nil {
			return nil, errors.Join(fmt.Errorf("cache of pictures: %w", err), s.Close())
		}
	}
	return s, nil
}

// Close closes the folders.
func (s *store) Close() (err error) {
	for _, r := range []*os.Root{s.folder, s.cache} {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
	}
	return err
}

// maxEncoded bounds the base64 text of one picture. In JSON maxRow does before.
const maxEncoded = 64 << 20

// find returns the picture that a row names: a path, an address, or the picture itself
// in base64 ("data:image/png;base64,...").
func (s *store) find(name string) (Picture, error) {
	lower := strings.ToLower(name[:min(len(name), 8)])
	switch {
	case strings.HasPrefix(lower, "data:"):
		_, text, ok := strings.Cut(name, ";base64,")
		if !ok {
			return Picture{}, errors.New("image in a data URL that is not base64")
		}
		return s.encoded(text)
	case strings.HasPrefix(lower, "http://"), strings.HasPrefix(lower, "https://"):
		return s.remote(name, ""), nil
	}
	return s.local(name)
}

// local is a file below the folder of pictures.
func (s *store) local(name string) (Picture, error) {
	name = strings.TrimPrefix(name, "file://")
	local := filepath.FromSlash(name)
	switch {
	case !filepath.IsLocal(local):
		return Picture{}, fmt.Errorf("image %.80q lies outside the folder of pictures", name)
	case s.folder == nil && s.strict:
		return Picture{}, noFolder(name)
	}
	return Picture{Name: path.Clean(filepath.ToSlash(local)), file: true, opts: s.opts, read: func() ([]byte, error) {
		if s.folder == nil {
			return nil, noFolder(name)
		}
		return s.readFile(s.folder, local)
	}}, nil
}

func noFolder(name string) error {
	return fmt.Errorf("image %.80q, but no folder of pictures is given", name)
}

// encoded is a picture in base64.
func (s *store) encoded(text string) (Picture, error) {
	if len(text) > maxEncoded {
		return Picture{}, errors.New("image in base64 is too long")
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return Picture{}, fmt.Errorf("image in base64: %w", err)
	}
	return s.inMemory(data), nil
}

func (s *store) inMemory(data []byte) Picture {
	return Picture{opts: s.opts, read: func() ([]byte, error) { return bytes.Clone(data), nil }}
}

// remote is a picture of which the address is known, and perhaps the name under which
// the cache has it.
func (s *store) remote(address, name string) Picture {
	return Picture{URL: address, opts: s.opts, read: func() ([]byte, error) {
		if s.cache == nil {
			return nil, fmt.Errorf("%.200s: %w: no cache is given", address, ErrAbsent)
		}
		for _, name := range cacheNames(address, name) {
			data, err := s.readFile(s.cache, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return data, err
		}
		return nil, fmt.Errorf("%.200s: %w", address, ErrAbsent)
	}}
}

// cacheNames are the names under which a cache may have what is at an address: one that
// the data set gives, the hexadecimal SHA-256 of the address with or without the ending
// of a picture, or host and path, as wget --force-directories writes them.
func cacheNames(address, name string) []string {
	var out []string
	if name != "" && filepath.IsLocal(filepath.FromSlash(name)) {
		out = append(out, filepath.FromSlash(name))
	}
	sum := sha256.Sum256([]byte(address))
	key := hex.EncodeToString(sum[:])
	for _, ext := range []string{"", ".jpg", ".jpeg", ".png", ".webp", ".gif"} {
		out = append(out, key+ext)
	}
	u, err := url.Parse(address)
	if err != nil {
		return out
	}
	mirrored := u.Host + u.Path
	if u.RawQuery != "" {
		mirrored += "?" + u.RawQuery
	}
	if mirrored = filepath.FromSlash(mirrored); filepath.IsLocal(mirrored) {
		out = append(out, mirrored)
	}
	return out
}

func (s *store) readFile(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return s.readAll(f, name)
}

// readAll reads a picture's file of acceptable length.
func (s *store) readAll(r io.Reader, name string) ([]byte, error) {
	limit := s.opts.MaxBytes
	if limit == 0 {
		limit = imageproc.DefaultMaxBytes
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s: file is larger than the limit of %d bytes", name, limit)
	}
	return data, err
}
