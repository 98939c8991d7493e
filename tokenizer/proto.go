package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// protoField is one field of a protocol buffer message: value for numbers, bytes for what has a length.
type protoField struct {
	num   uint64
	value uint64
	bytes []byte
}

var errTruncated = errors.New("protobuf: truncated")

// eachField calls yield for each field of a message (protobuf.dev/programming-guides/encoding).
func eachField(data []byte, yield func(protoField) error) error {
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		if n <= 0 {
			return errTruncated
		}
		data = data[n:]
		f := protoField{num: key >> 3}
		switch wire := key & 7; wire {
		case 0:
			f.value, n = binary.Uvarint(data)
			if n <= 0 {
				return errTruncated
			}
		case 1:
			if n = 8; len(data) < n {
				return errTruncated
			}
			f.value = binary.LittleEndian.Uint64(data)
		case 2:
			size, k := binary.Uvarint(data)
			if k <= 0 || size > uint64(len(data)-k) {
				return errTruncated
			}
			n = k + int(size)
			f.bytes = data[k:n]
		case 5:
			if n = 4; len(data) < n {
				return errTruncated
			}
			f.value = uint64(binary.LittleEndian.Uint32(data))
		default:
			return fmt.Errorf("protobuf: field %d: wire type %d is not supported", f.num, wire)
		}
		data = data[n:]
		if err := yield(f); err != nil {
			return err
		}
	}
	return nil
}
