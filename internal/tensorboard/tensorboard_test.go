package tensorboard

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func at(second int64) func() time.Time {
	return func() time.Time { return time.Unix(second, 500_000_000) }
}

// TestBytes compares a file with what tensorboard 2.21 writes of the same events:
//
//	w = RecordWriter(open("f", "wb"))
//	w.write(Event(wall_time=10.5, file_version="brain.Event:2").SerializeToString())
//	w.write(Event(wall_time=10.5, step=3, session_log=SessionLog(status=1)).SerializeToString())
//	w.write(Event(wall_time=10.5, step=300, summary=Summary(value=[
//	    Summary.Value(tag="loss", simple_value=0.25)])).SerializeToString())
func TestBytes(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(dir, 3, at(10))
	check(t, err)
	check(t, w.Scalars(300, Scalar{"loss", 0.25}))
	check(t, w.Close())
	got, err := os.ReadFile(filepath.Join(dir, prefix+"0000000010.fovea"))
	check(t, err)
	if hex.EncodeToString(got) != golden {
		t.Errorf("got\n%x\nwant\n%s", got, golden)
	}
}

const golden = "1800000000000000a37f4b220900000000000025401a0d627261696e2e4576656e743a32619f915e0f000000000000006d532b0909000000" +
	"000000254010033a0208010977a0021b000000000000001a0d9e1309000000000000254010ac022a0d0a0b0a046c6f7373150000803eb8df4542"

// A told event is what a file says, read by a decoder of its own.
type told struct {
	step    uint64
	version string
	started bool
	scalars map[string]float32
	texts   map[string]string
}

func TestReadBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "events")
	w, err := Create(dir, 1, at(7))
	check(t, err)
	check(t, w.Text(0, "recipe", "größer"))
	check(t, w.Scalars(1, Scalar{"loss", 2.5}, Scalar{"lr", 1e-3}))
	check(t, w.Scalars(1<<40, Scalar{"loss", -1}))
	check(t, w.Close())
	want := []told{
		{version: "brain.Event:2"},
		{step: 1, started: true},
		{texts: map[string]string{"recipe": "größer"}},
		{step: 1, scalars: map[string]float32{"loss": 2.5, "lr": 1e-3}},
		{step: 1 << 40, scalars: map[string]float32{"loss": -1}},
	}
	if got := readAll(t, dir); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// TestRestart wants the file of a later process behind those before it, within the
// same second and with a clock that went back too.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	for i, second := range []int64{50, 50, 20} {
		w, err := Create(dir, i+1, at(second))
		check(t, err)
		check(t, w.Close())
	}
	var first []uint64
	for _, e := range readAll(t, dir) {
		if e.started {
			first = append(first, e.step)
		}
	}
	if want := []uint64{1, 2, 3}; !reflect.DeepEqual(first, want) {
		t.Errorf("processes start at %v, want %v", first, want)
	}
}

// TestFlush wants events on the disk before the file is closed.
func TestFlush(t *testing.T) {
	dir, second := t.TempDir(), int64(0)
	w, err := Create(dir, 1, func() time.Time { second++; return time.Unix(second, 0) })
	check(t, err)
	for range 4 {
		check(t, w.Scalars(1, Scalar{"loss", 1}))
	}
	if n := len(readAll(t, dir)); n < 4 {
		t.Errorf("%d events on the disk after some seconds", n)
	}
	check(t, w.Close())
}

func TestErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(file, nil, 0o644))
	if _, err := Create(filepath.Join(file, "events"), 1, time.Now); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a directory below a file: %v", err)
	}
	w, err := Create(t.TempDir(), 1, time.Now)
	check(t, err)
	check(t, w.f.Close())
	long := strings.Repeat("x", 1<<16)
	if err := w.Text(1, "t", long); err == nil {
		t.Error("no error from a file that cannot be written")
	}
	if err := w.Scalars(2, Scalar{"loss", 1}); err == nil {
		t.Error("the error is forgotten")
	}
}

// readAll reads the files of a directory in the order of their names.
func readAll(t *testing.T, dir string) (all []told) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*tfevents*"))
	check(t, err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		check(t, err)
		for len(data) > 0 {
			n := binary.LittleEndian.Uint64(data)
			checkSum(t, data[:8], data[8:])
			checkSum(t, data[12:12+n], data[12+n:])
			all = append(all, decode(t, data[12:12+n]))
			data = data[16+n:]
		}
	}
	return all
}

// checkSum takes the mask off instead of putting it on.
func checkSum(t *testing.T, data, sum []byte) {
	t.Helper()
	rot := binary.LittleEndian.Uint32(sum) - 0xa282ead8
	if crc := rot>>17 | rot<<15; crc != crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) {
		t.Errorf("checksum of %x", data)
	}
}

func decode(t *testing.T, data []byte) (e told) {
	top := fields(t, data)
	e.step = binary.LittleEndian.Uint64(append(top[2], make([]byte, 8)...))
	e.version = string(top[3])
	e.started = string(top[7]) == "\x08\x01"
	each(t, top[5], func(_ int, value []byte) {
		v := fields(t, value)
		switch {
		case v[2] != nil:
			if e.scalars == nil {
				e.scalars = map[string]float32{}
			}
			e.scalars[string(v[1])] = math.Float32frombits(binary.LittleEndian.Uint32(v[2]))
		case string(fields(t, fields(t, v[9])[1])[1]) == "text":
			e.texts = map[string]string{string(v[1]): string(fields(t, v[8])[8])}
		}
	})
	return e
}

// fields are the last values of a message by number, integers as 8 bytes.
func fields(t *testing.T, data []byte) map[int][]byte {
	all := map[int][]byte{}
	each(t, data, func(field int, value []byte) { all[field] = value })
	return all
}

func each(t *testing.T, data []byte, f func(field int, value []byte)) {
	t.Helper()
	number := func() uint64 {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			t.Fatal("not a number")
		}
		data = data[n:]
		return v
	}
	for len(data) > 0 {
		key, n := number(), uint64(0)
		switch key & 7 {
		case 0:
			f(int(key>>3), binary.LittleEndian.AppendUint64(nil, number()))
			continue
		case 1:
			n = 8
		case 2:
			n = number()
		case 5:
			n = 4
		default:
			t.Fatal(fmt.Sprint("wire type of ", key))
		}
		f(int(key>>3), data[:n])
		data = data[n:]
	}
}
