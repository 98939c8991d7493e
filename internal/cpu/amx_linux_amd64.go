package cpu

import "golang.org/x/sys/unix"

// tilesAllowed asks the kernel, once for the whole process, for the state of the
// tiles: 8 KB that are saved with a thread's registers from then on.
func tilesAllowed() bool {
	const archReqXcompPerm, tileData = 0x1023, 18
	_, _, e := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archReqXcompPerm, tileData, 0)
	return e == 0
}
