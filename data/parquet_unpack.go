package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	meta "github.com/parquet-go/parquet-go/format"
)

// maxWindow is how far back a page compressed by ZSTD may refer, in bytes.
const maxWindow = 32 << 20

// unpacker unpacks pages to the size that they say, and no further. The decoder, which
// unpacks them again when they are read, goes on to whatever end there is.
type unpacker struct {
	in, out []byte
	zstd    *zstd.Decoder
	gzip    *gzip.Reader
	brotli  *brotli.Reader
}

// read reads bytes of a file, which are lent.
func (u *unpacker) read(file io.ReaderAt, at, size int64) ([]byte, error) {
	u.in = sized(u.in, size)
	if _, err := file.ReadAt(u.in, at); err != nil {
		return nil, noEOF(err)
	}
	return u.in, nil
}

func sized(buf []byte, size int64) []byte {
	if int64(cap(buf)) < size {
		return make([]byte, size)
	}
	return buf[:size]
}

// unpack returns what a page holds, which is lent.
func (u *unpacker) unpack(codec meta.CompressionCodec, stored []byte, size int64) ([]byte, error) {
	if len(stored) == 0 && size == 0 {
		return nil, nil
	}
	var r io.Reader
	var err error
	switch codec {
	case meta.Uncompressed:
		if int64(len(stored)) != size {
			return nil, fmt.Errorf("%d bytes, its header says %d", len(stored), size)
		}
		return stored, nil
	case meta.Snappy:
		if n, k := binary.Uvarint(stored); k <= 0 || n != uint64(size) {
			return nil, fmt.Errorf("it unpacks to %d bytes, its header says %d", n, size)
		}
		u.out = sized(u.out, size)
		return parquet.Snappy.Decode(u.out, stored)
	case meta.Zstd:
		r, err = u.zstdOf(bytes.NewReader(stored))
	case meta.Gzip:
		r, err = u.gzipOf(bytes.NewReader(stored))
	case meta.Brotli:
		r, err = u.brotliOf(bytes.NewReader(stored))
	default:
		err = fmt.Errorf("it is compressed by %s, which is not read", codec)
	}
	if err != nil {
		return nil, err
	}
	return u.exactly(r, size)
}

// exactly reads so many bytes, and wants no more behind them.
func (u *unpacker) exactly(r io.Reader, size int64) ([]byte, error) {
	u.out = sized(u.out, size)
	if n, err := io.ReadFull(r, u.out); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("it unpacks to %d bytes, its header says %d", n, size)
		}
		return nil, err
	}
	var more [1]byte
	switch n, err := io.ReadFull(r, more[:]); {
	case n > 0:
		return nil, fmt.Errorf("it unpacks to more than the %d bytes that its header says", size)
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return u.out, nil
}

func (u *unpacker) zstdOf(in io.Reader) (_ io.Reader, err error) {
	if u.zstd == nil {
		u.zstd, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		return u.zstd, err
	}
	return u.zstd, u.zstd.Reset(in)
}

func (u *unpacker) gzipOf(in io.Reader) (_ io.Reader, err error) {
	if u.gzip == nil {
		u.gzip, err = gzip.NewReader(in)
		return u.gzip, err
	}
	return u.gzip, u.gzip.Reset(in)
}

func (u *unpacker) brotliOf(in io.Reader) (io.Reader, error) {
	if u.brotli == nil {
		u.brotli = brotli.NewReader(in)
		return u.brotli, nil
	}
	return u.brotli, u.brotli.Reset(in)
}
