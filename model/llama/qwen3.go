package llama

import "fmt"

// ParseQwen3 reads the config.json of a Qwen3 language model and checks it:
// Qwen2's fields (Qwen3 Technical Report, Yang et al. 2025,
// https://arxiv.org/abs/2505.09388), without its biases but with norms of queries
// and keys, and heads of a width of their own. What a file leaves out has the
// default of the reference, Qwen3Config.
func ParseQwen3(data []byte) (Config, error) {
	f := newQwen2()
	f.HeadDim = 128
	if err := f.parse(data); err != nil {
		return f.Config, fmt.Errorf("qwen3: config: %w", err)
	}
	f.Config.QKNorm = true
	return f.Config, nil
}
