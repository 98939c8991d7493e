package checkpoint

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

// The names that PyTorch writes for tensors.
const (
	rebuildTensor    = "torch._utils _rebuild_tensor_v2"
	rebuildParameter = "torch._utils _rebuild_parameter"
	orderedDict      = "collections OrderedDict"
)

// storageTypes are those whose elements have a dtype here.
func storageTypes() map[global]tensor.DType {
	return map[global]tensor.DType{
		"torch FloatStorage": kernel.F32, "torch HalfStorage": kernel.F16, "torch BFloat16Storage": kernel.BF16, "torch DoubleStorage": kernel.F64,
		"torch LongStorage": kernel.I64, "torch IntStorage": kernel.I32, "torch ShortStorage": kernel.I16, "torch CharStorage": kernel.I8,
		"torch ByteStorage": kernel.U8, "torch BoolStorage": kernel.Bool,
	}
}

// pyStorage is a run of elements in a file of its own.
type pyStorage struct {
	key      string
	dtype    tensor.DType
	elements int64
}

// pyTensor is a view of a storage, counted in elements.
type pyTensor struct {
	storage        pyStorage
	offset         int64
	shape, strides []int64
}

// object runs the instructions that in Python may call anything.
func (u *unpickler) object(op byte) error {
	switch op {
	case 'c':
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.pushGlobal(module, name)
	case 0x93:
		names, err := u.popN(2)
		if err != nil {
			return err
		}
		module, ok := names[0].(string)
		name, ok2 := names[1].(string)
		if !ok || !ok2 {
			return errors.New("a global without a name")
		}
		return u.pushGlobal(module, name)
	case 'Q':
		id, err := u.pop()
		if err != nil {
			return err
		}
		s, err := storageOf(id)
		u.push(s)
		return err
	}
	two, err := u.popN(2)
	if err != nil {
		return err
	}
	if op == 'b' { // attributes of a dictionary, which say nothing about its tensors
		if _, ok := two[0].(*pyDict); !ok {
			return errors.New("an object with a state")
		}
		u.push(two[0])
		return nil
	}
	v, err := call(two[0], two[1])
	u.push(v)
	return err
}

// pushGlobal refuses every name but the known ones, whether it is used or not.
func (u *unpickler) pushGlobal(module, name string) error {
	g := global(module + " " + name)
	_, storage := storageTypes()[g]
	if !storage && g != rebuildTensor && g != rebuildParameter && g != orderedDict {
		return fmt.Errorf("the global %s.%s is not allowed: only tensors and plain containers are read, and no code is run", module, name)
	}
	u.push(g)
	return nil
}

// call stands for what the known functions do.
func call(f, arguments any) (any, error) {
	args, ok := arguments.(pyTuple)
	if !ok {
		return nil, errors.New("a call without arguments")
	}
	switch f {
	case global(orderedDict):
		if len(args) > 0 {
			return nil, fmt.Errorf("%s with arguments", orderedDict)
		}
		return &pyDict{}, nil
	case global(rebuildParameter):
		if len(args) > 0 {
			if t, ok := args[0].(*pyTensor); ok {
				return t, nil
			}
		}
		return nil, fmt.Errorf("%s without a tensor", rebuildParameter)
	case global(rebuildTensor):
		return tensorOf(args)
	}
	return nil, errors.New("a call of what is no function")
}

// storageOf reads the tuple ("storage", type, key, location, elements).
func storageOf(id any) (pyStorage, error) {
	t, ok := id.(pyTuple)
	if !ok || len(t) < 5 || t[0] != "storage" {
		return pyStorage{}, errors.New("a persistent object that is no storage")
	}
	g, _ := t[1].(global)
	dtype, ok := storageTypes()[g]
	key, ok2 := t[2].(string)
	elements, ok3 := t[4].(int64)
	if !ok || !ok2 || !ok3 || elements < 0 {
		return pyStorage{}, errors.New("a storage without type, key and size")
	}
	return pyStorage{key, dtype, elements}, nil
}

// tensorOf reads the tuple (storage, offset, shape, strides, …).
func tensorOf(args pyTuple) (*pyTensor, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("%s with %d arguments", rebuildTensor, len(args))
	}
	s, ok := args[0].(pyStorage)
	offset, ok2 := args[1].(int64)
	shape, err := sizes(args[2])
	if err != nil || !ok || !ok2 || offset < 0 {
		return nil, errors.New("a tensor without storage, offset and shape")
	}
	strides, err := sizes(args[3])
	if err != nil || len(strides) != len(shape) {
		return nil, errors.New("a tensor whose strides do not go with its shape")
	}
	return &pyTensor{s, offset, shape, strides}, nil
}

func sizes(v any) ([]int64, error) {
	t, ok := v.(pyTuple)
	if !ok || len(t) > maxRank {
		return nil, errors.New("no shape")
	}
	out := make([]int64, len(t))
	for i, x := range t {
		if out[i], ok = x.(int64); !ok || out[i] < 0 {
			return nil, errors.New("no shape")
		}
	}
	return out, nil
}
