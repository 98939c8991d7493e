package zoo

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ggufKeys reads the metadata of a GGUF file and collects what is wrong with it.
type ggufKeys struct {
	kv    map[string]any
	wrong []string
}

func (k *ggufKeys) err() error {
	if k.wrong == nil {
		return nil
	}
	return errors.New(strings.Join(k.wrong, "; "))
}

func (k *ggufKeys) refuse(key, want string) {
	if v, ok := k.kv[key]; ok {
		k.wrong = append(k.wrong, fmt.Sprintf("key %q is %v of type %T, want %s", key, v, v, want))
	} else {
		k.wrong = append(k.wrong, fmt.Sprintf("key %q is missing", key))
	}
}

func (k *ggufKeys) has(key string) bool { _, ok := k.kv[key]; return ok }

// integer reads a number of any integer type that fits 32 bits: no config has larger ones.
func (k *ggufKeys) integer(key string) int {
	switch v := k.kv[key].(type) {
	case uint8, int8, uint16, int16, uint32, int32, uint64, int64:
		if n, err := strconv.ParseInt(fmt.Sprint(v), 10, 32); err == nil {
			return int(n)
		}
	}
	k.refuse(key, "an integer")
	return 0
}

func (k *ggufKeys) integerOr(key string, otherwise int) int {
	if !k.has(key) {
		return otherwise
	}
	return k.integer(key)
}

// float reads a finite number; it is a float32, so that JSON tells it in few digits.
func (k *ggufKeys) float(key string) float32 {
	v, ok := k.kv[key].(float32)
	if !ok || math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
		k.refuse(key, "a finite float32")
		return 0
	}
	return v
}

func (k *ggufKeys) floatOr(key string, otherwise float32) float32 {
	if !k.has(key) {
		return otherwise
	}
	return k.float(key)
}

func (k *ggufKeys) textOr(key, otherwise string) string {
	if !k.has(key) {
		return otherwise
	}
	v, ok := k.kv[key].(string)
	if !ok {
		k.refuse(key, "a string")
	}
	return v
}

func (k *ggufKeys) boolOr(key string, otherwise bool) bool {
	if !k.has(key) {
		return otherwise
	}
	v, ok := k.kv[key].(bool)
	if !ok {
		k.refuse(key, "a bool")
	}
	return v
}

// sections reads how many pairs turn with each of three axes; nil if the file does not say. A fourth must be 0.
func (k *ggufKeys) sections(key string) []int32 {
	if !k.has(key) {
		return nil
	}
	list, ok := k.kv[key].([]int32)
	if !ok || len(list) < 3 || len(list) > 4 || len(list) == 4 && list[3] != 0 {
		k.refuse(key, "three int32, and 0")
		return nil
	}
	return list[:3]
}

// triple reads one finite number for each colour.
func (k *ggufKeys) triple(key string) (v [3]float64) {
	list, ok := k.kv[key].([]float32)
	if !ok || len(list) != 3 {
		k.refuse(key, "three float32")
		return v
	}
	for i, f := range list {
		if v[i] = float64(f); math.IsNaN(v[i]) || math.IsInf(v[i], 0) {
			k.refuse(key, "finite numbers")
		}
	}
	return v
}
