package checkpoint

import "github.com/fovea-ml/fovea/tensor"

func blockOf(d tensor.DType) (elements, bytes int) { return d.Block() }

func dataBytes(d tensor.DType, n int) int { return d.Bytes(n) }
