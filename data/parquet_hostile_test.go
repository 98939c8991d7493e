package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/delta"
	compact "github.com/parquet-go/parquet-go/encoding/thrift"
	meta "github.com/parquet-go/parquet-go/format"
)

// rawPage is a page as it lies in a file, whatever its header says.
type rawPage struct {
	header meta.PageHeader
	raw    []byte // in the place of header
	body   []byte
}

// rawColumn is a column of one row group.
type rawColumn struct {
	kind   parquet.Kind
	length int32 // of values of a fixed length
	repeat meta.FieldRepetitionType
	codec  meta.CompressionCodec
	pages  []rawPage
	data   int64 // where the data begins behind the column's first byte
}

func marshalled(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := compact.Marshal(new(compact.CompactProtocol), v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// withFooter makes a file of what is in front of its footer.
func withFooter(body, footer []byte) []byte {
	body = append(body, footer...)
	return append(binary.LittleEndian.AppendUint32(body, uint32(len(footer))), "PAR1"...)
}

// rawParquet makes a file of one row and of columns named text, of a row group each time.
func rawParquet(t *testing.T, groups ...[]rawColumn) []byte {
	t.Helper()
	file := []byte("PAR1")
	m := meta.FileMetaData{Version: 1, NumRows: int64(len(groups)), Schema: []meta.SchemaElement{{Name: "schema"}}}
	m.Schema[0].NumChildren.Set(int32(len(groups[0])))
	for i, columns := range groups {
		g := meta.RowGroup{NumRows: 1}
		for k, c := range columns {
			name := "text" + strings.Repeat("'", k)
			if i == 0 {
				e := meta.SchemaElement{Name: name}
				e.Type.Set(meta.Type(c.kind))
				e.RepetitionType.Set(c.repeat)
				if c.length > 0 {
					e.TypeLength.Set(c.length)
				}
				m.Schema = append(m.Schema, e)
			}
			at := int64(len(file))
			for _, p := range c.pages {
				if p.raw == nil {
					p.raw = marshalled(t, &p.header)
				}
				file = append(append(file, p.raw...), p.body...)
			}
			d := meta.ColumnMetaData{Type: meta.Type(c.kind), PathInSchema: []string{name}, Codec: c.codec, NumValues: 1, DataPageOffset: at + c.data}
			if c.data > 0 {
				d.DictionaryPageOffset = at
			}
			d.TotalCompressedSize, d.TotalUncompressedSize = int64(len(file))-at, int64(len(file))-at
			g.Columns = append(g.Columns, meta.ColumnChunk{MetaData: d})
		}
		m.RowGroups = append(m.RowGroups, g)
	}
	return withFooter(file, marshalled(t, &m))
}

// page is a page of values in an encoding, of the first version.
func page(body []byte, decoded int, values int32, e meta.Encoding) rawPage {
	p := rawPage{body: body}
	p.header = meta.PageHeader{Type: meta.DataPage, UncompressedPageSize: int32(decoded), CompressedPageSize: int32(len(body))}
	p.header.DataPageHeader.Set(meta.DataPageHeader{NumValues: values, Encoding: e, DefinitionLevelEncoding: meta.RLE, RepetitionLevelEncoding: meta.RLE})
	return p
}

// page2 is one of the second version, whose levels are said to have so many bytes.
func page2(body []byte, decoded int, values int32, repetition, definition int) rawPage {
	p := rawPage{body: body}
	p.header = meta.PageHeader{Type: meta.DataPageV2, UncompressedPageSize: int32(decoded), CompressedPageSize: int32(len(body))}
	p.header.DataPageHeaderV2.Set(meta.DataPageHeaderV2{NumValues: values, NumRows: 1, Encoding: meta.Plain, RepetitionLevelsByteLength: int32(repetition), DefinitionLevelsByteLength: int32(definition)})
	return p
}

func entries(body []byte, values int32) rawPage {
	p := rawPage{body: body}
	p.header = meta.PageHeader{Type: meta.DictionaryPage, UncompressedPageSize: int32(len(body)), CompressedPageSize: int32(len(body))}
	p.header.DictionaryPageHeader.Set(meta.DictionaryPageHeader{NumValues: values, Encoding: meta.Plain})
	return p
}

// runOf is a run of n equal values.
func runOf(n uint64, value ...byte) []byte { return append(binary.AppendUvarint(nil, n<<1), value...) }

// behind32 puts the length of a part in front of it.
func behind32(part []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(part))), part...)
}

// differences are numbers as DELTA_BINARY_PACKED has them: a first one and equal ones behind it, n
// in all.
func differences(t *testing.T, first, others int32, n int) []byte {
	t.Helper()
	all := slices.Repeat([]int32{others}, n)
	all[0] = first
	raw, err := new(delta.BinaryPackedEncoding).EncodeInt32(nil, all)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// plainText is a text as PLAIN has it.
func plainText(n int) []byte { return behind32(bytes.Repeat([]byte("x"), n)) }

// zeros are 128 MiB of zeros that are compressed.
func zeros(t *testing.T, open func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var out bytes.Buffer
	w := open(&out)
	for range 128 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// megabyte are 1 MiB of zeros, compressed by Zstandard: several behind each other are a
// page too.
func megabyte(t *testing.T) []byte {
	t.Helper()
	frame, err := parquet.Zstd.Encode(nil, make([]byte, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// columnOf is a file of one column.
func columnOf(t *testing.T, c rawColumn) []byte { return rawParquet(t, []rawColumn{c}) }

// bomb is a small file that unpacks to a large one.
type bomb struct {
	name, want string
	file       []byte
}

// compressed are bombs of pages that hold more than their headers say.
func compressed(t *testing.T) []bomb {
	frame := megabyte(t)
	of := func(codec meta.CompressionCodec, body []byte, decoded int) []byte {
		return columnOf(t, rawColumn{kind: parquet.ByteArray, codec: codec, pages: []rawPage{page(body, decoded, 1, meta.Plain)}})
	}
	second := page2(append([]byte{2, 1}, binary.AppendUvarint(nil, 1<<30)...), 100, 1, 0, 2)
	second.header.DataPageHeaderV2.V.IsCompressed.Set(true)
	return []bomb{
		{"snappy", "page 1: it unpacks to 1073741824 bytes, its header says 100", of(meta.Snappy, append(binary.AppendUvarint(nil, 1<<30), "\x00a"...), 100)},
		{"snappy, second version", "it unpacks to 1073741824 bytes, its header says 98", columnOf(t, rawColumn{kind: parquet.ByteArray, repeat: meta.Optional, codec: meta.Snappy, pages: []rawPage{second}})},
		{"zstd", "more than the 100 bytes", of(meta.Zstd, bytes.Repeat(frame, 256), 100)},
		{"zstd's own header", "", of(meta.Zstd, append([]byte("\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x40\x01\x00\x00"), 0), 100)},
		{"gzip", "more than the 100 bytes", of(meta.Gzip, zeros(t, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }), 100)},
		{"brotli", "more than the 100 bytes", of(meta.Brotli, zeros(t, func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, 1) }), 100)},
		{"true to its header", "that a row group of this size may", of(meta.Zstd, bytes.Repeat(frame, 256), 256<<20)},
		{"less than its header says", "that a row group of this size may", of(meta.Zstd, frame, maxPage)},
		{"uncompressed", "page 1: 10 bytes, its header says 1000", of(meta.Uncompressed, make([]byte, 10), 1000)},
	}
}

// counted are bombs of few bytes that say they are many values.
func counted(t *testing.T) []bomb {
	const many = 1 << 30
	of := func(kind parquet.Kind, repeat meta.FieldRepetitionType, p ...rawPage) []byte {
		return columnOf(t, rawColumn{kind: kind, repeat: repeat, pages: p})
	}
	required := func(kind parquet.Kind, body []byte, e meta.Encoding) []byte {
		return of(kind, meta.Required, page(body, len(body), 10, e))
	}
	indexes := func(body []byte, e meta.Encoding) []byte {
		return of(parquet.ByteArray, meta.Required, entries(plainText(1), 1), page(body, len(body), 10, e))
	}
	levels := behind32(runOf(many, 1))
	one := behind32(runOf(1, 1))
	fixed := rawColumn{kind: parquet.FixedLenByteArray, length: 1 << 30, pages: []rawPage{entries([]byte("x"), 1<<10)}}
	split := fixed
	split.pages = []rawPage{page([]byte("x"), 1, 1<<10, meta.ByteStreamSplit)}
	frame := megabyte(t)
	wide := make([]rawColumn, 100)
	for i := range wide {
		wide[i] = rawColumn{kind: parquet.ByteArray, codec: meta.Zstd, pages: []rawPage{page(bytes.Repeat(frame, 4), 4<<20, 1<<20, meta.Plain)}}
	}
	common := slices.Concat(differences(t, 0, 1<<14, 1<<16), differences(t, 1<<14, 0, 1<<16), make([]byte, 1<<14))
	ends := slices.Concat(differences(t, 0, 0, 10), differences(t, 0, 1<<27, 10))
	long := append(behind32(append(runOf(1, 0), runOf(maxRowValues, 1)...)), behind32(runOf(maxRowValues+1, 0))...)
	return []bomb{
		{"definition levels", "page 1: runs of more than the 10 values", of(parquet.ByteArray, meta.Optional, page(levels, len(levels), 10, meta.Plain))},
		{"repetition levels", "runs of more than the 10 values", of(parquet.ByteArray, meta.Repeated, page(append(bytes.Clone(levels), one...), len(levels)+len(one), 10, meta.Plain))},
		{"levels of the second version", "runs of more than the 10 values", of(parquet.ByteArray, meta.Optional, page2(runOf(many, 1), 6, 10, 0, 6))},
		{"levels behind the end", "levels of 7 bytes in a page of 6", of(parquet.ByteArray, meta.Optional, page2(runOf(many, 1), 6, 10, 0, 7))},
		{"indexes", "page 2: runs of more than the 10 values", indexes(append([]byte{1}, runOf(many, 0)...), meta.RLEDictionary)},
		{"indexes of no bits", "runs of more than the 10 values", indexes(append([]byte{0}, binary.AppendUvarint(nil, many|1)...), plainDictionary)},
		{"truths", "runs of more than the 10 values", of(parquet.Boolean, meta.Required, page(behind32(runOf(many, 1)), 10, 10, meta.RLE))},
		{"differences", "1073741824 values, its header says 10", required(parquet.Int64, append([]byte{128, 1, 4}, append(binary.AppendUvarint(nil, many), 0)...), meta.DeltaBinaryPacked)},
		{"lengths", "1073741824 values, its header says 10", required(parquet.ByteArray, append([]byte{128, 1, 4}, append(binary.AppendUvarint(nil, many), 0)...), meta.DeltaLengthByteArray)},
		{"common beginnings", "that a row group of this size may", of(parquet.ByteArray, meta.Required, page(common, len(common), 1<<16, meta.DeltaByteArray))},
		{"long ends", "page 1: unexpected EOF", of(parquet.ByteArray, meta.Required, page(ends, len(ends), 10, meta.DeltaByteArray))},
		{"dictionary of long values", "that a row group of this size may", columnOf(t, fixed)},
		{"long values", "that a row group of this size may", columnOf(t, split)},
		{"empty texts", "that a row group of this size may", columnOf(t, rawColumn{kind: parquet.ByteArray, codec: meta.Zstd, pages: []rawPage{page(bytes.Repeat(frame, 32), 32<<20, 10, meta.Plain)}})},
		{"many columns", "bytes with the other columns", rawParquet(t, wide)},
		{"long row", "a row of more than 262144 values", of(parquet.ByteArray, meta.Repeated, page(long, len(long), maxRowValues+1, meta.Plain))},
	}
}

// described are bombs whose footers say what cannot be.
func described(t *testing.T) []bomb {
	zeros := func(head string, n int, tail string) []byte {
		return withFooter([]byte("PAR1"), append(append(append([]byte(head), binary.AppendUvarint(nil, uint64(n))...), make([]byte, n)...), tail...))
	}
	deep := meta.FileMetaData{Version: 1}
	for range 20_000 {
		e := meta.SchemaElement{Name: "x"}
		e.NumChildren.Set(1)
		deep.Schema = append(deep.Schema, e)
	}
	text := rawColumn{kind: parquet.ByteArray, pages: []rawPage{page(plainText(1), 5, 1, meta.Plain)}}
	inside := text
	inside.data = 4
	other := text
	other.codec = meta.Snappy
	twice := text
	header := marshalled(t, &text.pages[0].header)
	header = append(header[:len(header)-1], 0x05, 0x04, 0x04, 0x00) // field 2 again
	twice.pages = []rawPage{{raw: header, body: text.pages[0].body}}
	return []bomb{
		{"deep schema", "a schema of more than 1024 columns", withFooter([]byte("PAR1"), marshalled(t, &deep))},
		{"row groups", "more than 32767 row groups", zeros("\x49\xfc", 1<<20, "\x00")},
		{"columns", "more than 135169 structures in 1048585 bytes", zeros("\x49\x1c\x19\xfc", 1<<20, "\x00\x00")},
		{"codecs", "row group 2: column text is compressed by SNAPPY, in the first row group by UNCOMPRESSED", rawParquet(t, []rawColumn{text}, []rawColumn{other})},
		{"data inside of a page", "where no page begins", columnOf(t, inside)},
		{"fields", "header of page 1: a field that comes twice", columnOf(t, twice)},
	}
}

// TestHostileParquet: small files that unpack to much are refused before they do, by an
// error that names the file, and the column of what is wrong.
func TestHostileParquet(t *testing.T) {
	const most = 80 << 20 // bytes that opening one may allocate in all
	for _, b := range append(append(compressed(t), counted(t)...), described(t)...) {
		t.Run(b.name, func(t *testing.T) {
			if len(b.file) > 2<<20 {
				t.Fatalf("%d bytes are no small file", len(b.file))
			}
			name := write(t, "bomb.parquet", string(b.file))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			d, err := Open(name, Options{Format: "text"})
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Errorf("%d samples, %v", d.Len(), d.Problems())
				_ = d.Close()
			} else if !strings.Contains(err.Error(), b.want) || !strings.Contains(err.Error(), name) {
				t.Errorf("error %v, want %q", err, b.want)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > most {
				t.Errorf("%d MiB are allocated", n>>20)
			}
		})
	}
}

// TestRepeatedText: a text that stands once in the file, and many times in a row, is not
// copied so often.
func TestRepeatedText(t *testing.T) {
	text := plainText(1 << 20)
	levels := append(behind32(append(runOf(1, 0), runOf(999, 1)...)), behind32(runOf(1000, 1))...)
	body := append(append(levels, 1), runOf(1000, 0)...)
	name := write(t, "a.parquet", string(columnOf(t, rawColumn{kind: parquet.ByteArray, repeat: meta.Repeated, pages: []rawPage{entries(text, 1), page(body, len(body), 1000, meta.RLEDictionary)}})))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := opened(t, name, Options{Format: "text"})
	runtime.ReadMemStats(&after)
	if d.Len() != 0 || d.Broken() != 1 || !strings.Contains(d.Problems()[0].Error(), "row 1: the rest of the file cannot be read") || !strings.Contains(d.Problems()[0].Error(), "its values have more than 134217728 bytes") {
		t.Errorf("%d samples, %v", d.Len(), d.Problems())
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
		t.Errorf("%d MiB are allocated", n>>20)
	}
}

// TestParquetCodecs: files of every codec and encoding that is read, of both versions of pages.
func TestParquetCodecs(t *testing.T) {
	type row struct {
		Plain  string   `parquet:"text"`
		Entry  string   `parquet:"entry,dict"`
		Delta  int64    `parquet:"delta,delta"`
		Length []byte   `parquet:"length,delta"`
		Maybe  *string  `parquet:"maybe,optional"`
		List   []string `parquet:"list,list"`
		Truth  bool     `parquet:"truth"`
	}
	var rows []row
	for i := range 3000 {
		text := strings.Repeat("word ", i%7) + "end"
		r := row{Plain: text, Entry: text, Delta: int64(i * i), Length: []byte(text), Truth: i%3 == 0, List: []string{"a", text, ""}[:i%4%3]}
		if i%5 > 0 {
			r.Maybe = &text
		}
		rows = append(rows, r)
	}
	for _, codec := range []interface {
		String() string
		CompressionCodec() meta.CompressionCodec
		Encode(dst, src []byte) ([]byte, error)
		Decode(dst, src []byte) ([]byte, error)
	}{&parquet.Uncompressed, &parquet.Snappy, &parquet.Gzip, &parquet.Zstd, &parquet.Brotli} {
		for version := range 2 {
			name := filepath.Join(t.TempDir(), "a.parquet")
			f, err := os.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			w := parquet.NewGenericWriter[row](f, parquet.Compression(codec), parquet.DataPageVersion(version+1), parquet.PageBufferSize(4096), parquet.MaxRowsPerRowGroup(1000))
			if _, err := w.Write(rows); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			d := opened(t, name, Options{Format: "text"})
			if d.Len() != len(rows) || d.Broken() != 0 {
				t.Errorf("%s, pages of version %d: %d samples, %v", codec, version+1, d.Len(), d.Problems())
				continue
			}
			for _, i := range []int{0, 999, 2999} {
				if s, err := d.At(i); err != nil || s.Turns[0].Text != rows[i].Plain {
					t.Errorf("%s: sample %d: %+v, %v", codec, i, s, err)
				}
			}
		}
	}
}

// FuzzPages reads a column that is made of any bytes.
func FuzzPages(f *testing.F) {
	for _, name := range []string{"obelics.parquet", "llava.parquet"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(1), uint8(6), uint8(1), raw[4:])
	}
	text := page(append(behind32(runOf(2, 1)), "\x01\x00\x00\x00a\x01\x00\x00\x00b"...), 18, 2, meta.Plain)
	f.Add(uint8(0), uint8(6), uint8(1), append(marshalled(f, &text.header), text.body...))
	f.Fuzz(func(t *testing.T, codec, kind, repeat uint8, raw []byte) {
		c := rawColumn{kind: parquet.Kind(kind % 8), repeat: meta.FieldRepetitionType(repeat % 3), codec: meta.CompressionCodec(codec % 7), pages: []rawPage{{raw: raw}}}
		if c.kind == parquet.FixedLenByteArray {
			c.length = 1 + int32(kind)
		}
		readAll(t, "a.parquet", "text", columnOf(t, c))
	})
}

// TestLongestRow: a row of as many values as may be is read, and needs no more than some
// hundred bytes for each.
func TestLongestRow(t *testing.T) {
	levels := append(behind32(append(runOf(1, 0), runOf(maxRowValues-1, 1)...)), behind32(runOf(maxRowValues, 1))...)
	body := append(append(levels, 1), runOf(maxRowValues, 0)...)
	name := write(t, "a.parquet", string(columnOf(t, rawColumn{kind: parquet.ByteArray, repeat: meta.Repeated, pages: []rawPage{entries(plainText(1), 1), page(body, len(body), maxRowValues, meta.RLEDictionary)}})))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := openParquetFile(name)
	if err != nil {
		t.Fatal(err)
	}
	row, err := p.row(0)
	runtime.ReadMemStats(&after)
	if want := len(`{"text":[]}`) + maxRowValues*len(`"x",`) - 1; err != nil || len(row) != want {
		t.Errorf("%d bytes, want %d, %v", len(row), want, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 128<<20 {
		t.Errorf("%d MiB are allocated", n>>20)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
