package nn

import (
	"reflect"
	"strconv"

	"github.com/fovea-ml/fovea/tensor"
)

// Walk calls f for every parameter of m, in the order of the fields, with its
// checkpoint name: the `ckpt` tags on the way joined by dots, list elements by
// their index. Fields without a tag and nil fields are not visited.
func Walk(m any, f func(name string, t *tensor.Tensor)) {
	walk(reflect.ValueOf(m), "", func(name string, part any) {
		if t, ok := part.(*tensor.Tensor); ok {
			f(name, t)
		}
	})
}

// Parts calls f for every part of m that is a pointer, m itself the first, each before
// what it is made of.
func Parts(m any, f func(part any)) {
	walk(reflect.ValueOf(m), "", func(_ string, part any) { f(part) })
}

// Kernels are the shapes that parameters have in checkpoints where those differ
// from the model's, by their checkpoint names.
func Kernels(m any) map[string][]int {
	shapes := map[string][]int{}
	walk(reflect.ValueOf(m), "", func(name string, part any) {
		if l, ok := part.(*Linear); ok && l.Kernel != nil {
			shapes[join(name, "weight")] = append([]int{l.Weight.Shape[0]}, l.Kernel...)
		}
	})
	return shapes
}

// walk calls f for every pointer on the way to the parameters, and for these.
func walk(v reflect.Value, name string, f func(name string, part any)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.Kind() == reflect.Pointer {
			f(name, v.Interface())
		}
		if _, ok := v.Interface().(*tensor.Tensor); !ok {
			walk(v.Elem(), name, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), join(name, strconv.Itoa(i)), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if tag, ok := v.Type().Field(i).Tag.Lookup("ckpt"); ok {
				walk(v.Field(i), join(name, tag), f)
			}
		}
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "." + b
}

// Params lists what Walk visits.
func Params(m any) (names []string, tensors []*tensor.Tensor) {
	Walk(m, func(name string, t *tensor.Tensor) {
		names, tensors = append(names, name), append(tensors, t)
	})
	return names, tensors
}

// Count is the number of elements of all parameters whose name satisfies keep;
// a nil keep counts all.
func Count(m any, keep func(name string) bool) int {
	n := 0
	Walk(m, func(name string, t *tensor.Tensor) {
		if keep == nil || keep(name) {
			n += t.Len()
		}
	})
	return n
}

// Freeze makes exactly the parameters whose name satisfies trainable learn.
// Those that learn are copied into F32 memory of their own first if they are
// not there yet.
func Freeze(m any, trainable func(name string) bool) {
	Walk(m, func(name string, t *tensor.Tensor) {
		on := trainable(name)
		if on && !t.NeedsGrad() {
			t.Own()
		}
		t.SetTrainable(on)
	})
}
