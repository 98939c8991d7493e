package checkpoint

import (
	"encoding/binary"
	"fmt"
	"reflect"
)

// ggufKinds are the types of metadata by the kinds of Go's values.
var ggufKinds = map[reflect.Kind]uint32{
	reflect.Uint8: ggufUint8, reflect.Int8: ggufInt8, reflect.Uint16: ggufUint16, reflect.Int16: ggufInt16,
	reflect.Uint32: ggufUint32, reflect.Int32: ggufInt32, reflect.Float32: ggufFloat32, reflect.Bool: ggufBool,
	reflect.String: ggufString, reflect.Slice: ggufArray, reflect.Interface: ggufArray,
	reflect.Uint64: ggufUint64, reflect.Int64: ggufInt64, reflect.Float64: ggufFloat64,
}

var le = binary.LittleEndian

// encodeGGUF returns all that stands before the data, unpadded, and the alignment of the data.
func encodeGGUF(metadata []KV, tensors []GGUFTensor) (b []byte, align int64, err error) {
	kv := map[string]any{}
	for _, m := range metadata {
		kv[m.Key] = m.Value
	}
	if align, err = alignment(kv); err != nil {
		return nil, 0, err
	}
	b = append(b, ggufMagic...)
	b = le.AppendUint32(b, ggufVersion)
	b = le.AppendUint64(b, uint64(len(tensors)))
	b = le.AppendUint64(b, uint64(len(metadata)))
	if b, err = appendMetadata(b, metadata); err != nil {
		return nil, 0, err
	}
	if b, err = appendTensors(b, tensors, align); err != nil {
		return nil, 0, err
	}
	if len(b) > maxGGUFHeader {
		return nil, 0, fmt.Errorf("header of %d bytes, at most %d are allowed", len(b), maxGGUFHeader)
	}
	return b, align, nil
}

func appendMetadata(b []byte, metadata []KV) ([]byte, error) {
	seen := map[string]bool{"": true}
	for _, m := range metadata {
		if seen[m.Key] || len(m.Key) > maxGGUFName {
			return nil, fmt.Errorf("key %q is empty, too long or there twice", m.Key)
		}
		seen[m.Key] = true
		kind, err := ggufKind(m.Value)
		if err == nil {
			b = le.AppendUint32(appendText(b, m.Key), kind)
			b, err = appendValue(b, m.Value, 0)
		}
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", m.Key, err)
		}
	}
	return b, nil
}

func ggufKind(v any) (uint32, error) {
	if v != nil {
		if kind, ok := ggufKinds[reflect.TypeOf(v).Kind()]; ok {
			return kind, nil
		}
	}
	return 0, fmt.Errorf("values of type %T are not in GGUF", v)
}

// appendValue appends a value that is in depth arrays.
func appendValue(b []byte, v any, depth int) ([]byte, error) {
	if s, ok := v.(string); ok {
		return appendText(b, s), nil
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice {
		return binary.Append(b, le, v)
	}
	kind, ok := ggufKinds[r.Type().Elem().Kind()]
	if !ok || depth == maxGGUFDepth {
		return nil, fmt.Errorf("values of type %T are not in GGUF, or too deep in arrays", v)
	}
	b = le.AppendUint64(le.AppendUint32(b, kind), uint64(r.Len()))
	if kind != ggufArray && kind != ggufString {
		return binary.Append(b, le, v)
	}
	for i := range r.Len() {
		element := r.Index(i).Interface()
		if k, err := ggufKind(element); err != nil || k != kind {
			return nil, fmt.Errorf("element %d is of type %T, want a slice", i, element)
		}
		var err error
		if b, err = appendValue(b, element, depth+1); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return b, nil
}

func appendText(b []byte, s string) []byte {
	return append(le.AppendUint64(b, uint64(len(s))), s...)
}

func appendTensors(b []byte, tensors []GGUFTensor, align int64) ([]byte, error) {
	seen := map[string]bool{}
	offset := int64(0)
	for _, t := range tensors {
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q is there twice", t.Name)
		}
		seen[t.Name] = true
		size, err := t.measure()
		if err == nil && size > maxInt-align-offset {
			err = fmt.Errorf("%d bytes behind %d others are too many", size, offset)
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		b = le.AppendUint32(appendText(b, t.Name), uint32(len(t.T.Shape)))
		for i := range t.T.Shape {
			b = le.AppendUint64(b, uint64(t.T.Shape[len(t.T.Shape)-1-i]))
		}
		kind, _ := ggufType(t.DType) // there is one, says measure
		b = le.AppendUint64(le.AppendUint32(b, kind), uint64(offset))
		offset += size
		offset += -offset & (align - 1)
	}
	return b, nil
}
