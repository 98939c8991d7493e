//go:build !amd64

package cpu

const (
	HasAVX2   = false
	HasAVX512 = false
	HasAMX    = false
)
