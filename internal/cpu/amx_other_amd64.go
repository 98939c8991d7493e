//go:build !linux

package cpu

// tilesAllowed: only Linux is known to let a process ask for tiles.
func tilesAllowed() bool { return false }
