package checkpoint

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/internal/pickle"
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
func storageTypes() map[pickle.Global]tensor.DType {
	return map[pickle.Global]tensor.DType{
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

// torchNames knows what torch.save writes into a pickle, and nothing else.
type torchNames struct{}

func (torchNames) Known(g pickle.Global) bool {
	_, storage := storageTypes()[g]
	return storage || g == rebuildTensor || g == rebuildParameter || g == orderedDict
}

// Persistent is a storage.
func (torchNames) Persistent(id any) (any, error) { return storageOf(id) }

// Call stands for what the known functions do.
func (torchNames) Call(f any, args pickle.Tuple) (any, error) {
	switch f {
	case pickle.Global(orderedDict):
		if len(args) > 0 {
			return nil, fmt.Errorf("%s with arguments", orderedDict)
		}
		return &pickle.Dict{}, nil
	case pickle.Global(rebuildParameter):
		if len(args) > 0 {
			if t, ok := args[0].(*pyTensor); ok {
				return t, nil
			}
		}
		return nil, fmt.Errorf("%s without a tensor", rebuildParameter)
	case pickle.Global(rebuildTensor):
		return tensorOf(args)
	}
	return nil, errors.New("a call of what is no function")
}

// storageOf reads the tuple ("storage", type, key, location, elements).
func storageOf(id any) (pyStorage, error) {
	t, ok := id.(pickle.Tuple)
	if !ok || len(t) < 5 || t[0] != "storage" {
		return pyStorage{}, errors.New("a persistent object that is no storage")
	}
	g, _ := t[1].(pickle.Global)
	dtype, ok := storageTypes()[g]
	key, ok2 := t[2].(string)
	elements, ok3 := t[4].(int64)
	if !ok || !ok2 || !ok3 || elements < 0 {
		return pyStorage{}, errors.New("a storage without type, key and size")
	}
	return pyStorage{key, dtype, elements}, nil
}

// tensorOf reads the tuple (storage, offset, shape, strides, …).
func tensorOf(args pickle.Tuple) (*pyTensor, error) {
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
	t, ok := v.(pickle.Tuple)
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
