//go:build !amd64 || purego

package kernel

func int8Switches() []string { return nil }

func switchOff(string) (restore func()) { return func() {} }
