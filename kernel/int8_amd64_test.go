//go:build amd64 && !purego

package kernel

// int8Switches names what can be switched off within the implementation in use.
func int8Switches() []string {
	switch {
	case useAVX512 && !useAMX && useVNNI:
		return []string{"VNNI"}
	case useAVX2 && useAVXVNNI:
		return []string{"AVX-VNNI"}
	}
	return nil
}

// switchOff does without it, and without what would take its place, until the function that it returns is called.
func switchOff(string) (restore func()) {
	vnni, avxVNNI := useVNNI, useAVXVNNI
	useVNNI, useAVXVNNI = false, false
	return func() { useVNNI, useAVXVNNI = vnni, avxVNNI }
}
