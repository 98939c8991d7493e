package checkpoint

// span is the number of bytes from the first to behind the last element.
func (i Info) span() int64 {
	if i.strides == nil || i.Bytes == 0 {
		return i.Bytes
	}
	last := int64(0)
	for d, n := range i.Shape {
		last += int64(n-1) * i.strides[d]
	}
	return (last + 1) * int64(i.DType.Size())
}

// gather copies the elements of a tensor whose rows do not follow each other,
// such as a transposed one, into their order.
func (i Info) gather(raw []byte) []byte {
	if i.strides == nil || i.Bytes == 0 {
		return raw
	}
	out, size := make([]byte, 0, i.Bytes), int64(i.DType.Size())
	var walk func(d int, at int64)
	walk = func(d int, at int64) {
		if d == len(i.Shape) {
			out = append(out, raw[at*size:(at+1)*size]...)
			return
		}
		for k := range i.Shape[d] {
			walk(d+1, at+int64(k)*i.strides[d])
		}
	}
	walk(0, 0)
	return out
}
