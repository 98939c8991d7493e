package zoo

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model/blip2"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/llava"
	"github.com/fovea-ml/fovea/model/qwen2vl"
	"github.com/fovea-ml/fovea/model/qwenvl"
	"github.com/fovea-ml/fovea/model/sphinx"
	"github.com/fovea-ml/fovea/tensor"
)

// Quantize stores the language model's matrices as a mixture has them: what
// opening a GGUF file of that type would give. Picture encoder and adapter stay
// as they are, as they do in llama.cpp. progress, which may be nil, is told how
// many of all matrices are done, by one goroutine at a time.
func (m *Model) Quantize(x checkpoint.Mixture, progress func(done, total int)) error {
	plan, err := m.DTypes(x)
	if err != nil {
		return err
	}
	var jobs []checkpoint.Param
	for _, p := range m.params() {
		if dtype, ok := plan[p.Name]; ok && dtype != p.T.DType && dtype != tensor.F32 {
			jobs = append(jobs, p)
		}
	}
	var lock sync.Mutex
	done := 0
	each(jobs, func(p checkpoint.Param) {
		p.T.Store(plan[p.Name], nil)
		lock.Lock()
		defer lock.Unlock()
		if done++; progress != nil {
			progress(done, len(jobs))
		}
	})
	return nil
}

// DTypes gives the parameter names of the language model's matrices with the
// dtypes that a mixture has for them.
func (m *Model) DTypes(x checkpoint.Mixture) (map[string]tensor.DType, error) {
	traits, err := m.MixTraits()
	if err != nil {
		return nil, err
	}
	plan := map[string]tensor.DType{}
	for _, p := range m.params() {
		if name := languageName(p.Name); name != "" && len(p.T.Shape) > 1 {
			plan[p.Name] = x.DType(name, p.T.Shape, traits)
		}
	}
	return plan, nil
}

// each calls f for every element, several at a time.
func each[E any](all []E, f func(E)) {
	next := make(chan E)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for e := range next {
				f(e)
			}
		})
	}
	for _, e := range all {
		next <- e
	}
	close(next)
	workers.Wait()
}

// MixTraits tells what a mixture's rules ask about the language model.
func (m *Model) MixTraits() (checkpoint.MixTraits, error) {
	net := m.llama()
	if net == nil {
		return checkpoint.MixTraits{}, fmt.Errorf("zoo: %s: a %s has no language model of Llama's kind to quantise", m.Name, m.Family.Architecture)
	}
	cfg := net.Config()
	return checkpoint.MixTraits{
		Layers:     cfg.NumHiddenLayers,
		KeySharing: cfg.NumAttentionHeads / cfg.NumKeyValueHeads,
		Tied:       net.LMHead == nil,
	}, nil
}

// llama is the language model if it is of Llama's kind, else nil.
func (m *Model) llama() *llama.Model {
	switch n := m.Net.(type) {
	case *languageModel:
		return n.Model
	case *llava.Model:
		return n.Language
	case *qwenvl.Model:
		return n.Language
	case *sphinx.Model:
		return n.Language
	case *qwen2vl.Model:
		return n.Language
	case *blip2.Model:
		net, _ := n.Language.(*llama.Model)
		return net
	}
	return nil
}
