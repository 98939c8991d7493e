package main

import (
	"bytes"
	"fmt"
	"os"
)

// availableMemory is what the system could give to this process, in bytes; 0 if it does not tell.
func availableMemory() int64 {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, line, _ := bytes.Cut(data, []byte("MemAvailable:"))
	var kib int64
	if _, err := fmt.Sscan(string(line), &kib); err != nil {
		return 0
	}
	return kib << 10
}
