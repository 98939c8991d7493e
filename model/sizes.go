package model

import "fmt"

// CheckSize refuses a field of a config.json that counts something and is below 1,
// or so large that memory cannot be what it asks for.
func CheckSize(name string, is, atMost int) error {
	if is < 1 || is > atMost {
		return fmt.Errorf("%s is %d", name, is)
	}
	return nil
}
