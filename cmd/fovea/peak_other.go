//go:build !unix

package main

import "runtime"

// peakMemory is the memory that the Go runtime has taken, in bytes: mapped
// weights are not in it.
func peakMemory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
