package kernel

import (
	"syscall"
	"testing"
	"unsafe"
)

// A guarded is memory between pages that fault when touched.
type guarded struct{ mem []byte }

func newGuarded(t testing.TB) guarded {
	t.Helper()
	const pages = 4
	size := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, (pages+2)*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(mem) })
	for _, edge := range [][]byte{mem[:size], mem[(pages+1)*size:]} {
		if err := syscall.Mprotect(edge, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return guarded{mem[size : (pages+1)*size]}
}

// floats returns n elements, gap elements after the beginning of the memory or before its end.
func (g guarded) floats(n, gap int, atEnd bool) []float32 {
	b := g.bytes(4*n, 4*gap, atEnd)
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(b))), n)
}

func (g guarded) bytes(n, gap int, atEnd bool) []byte {
	if atEnd {
		gap = len(g.mem) - n - gap
	}
	return g.mem[gap : gap+n : gap+n]
}
