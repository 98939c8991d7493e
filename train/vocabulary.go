package train

import (
	"cmp"
	"iter"
	"strings"

	"github.com/fovea-ml/fovea/data"
	"github.com/fovea-ml/fovea/tokenizer"
)

// vocabularySamples is how many samples of each source the vocabulary is learned from.
const vocabularySamples = 4000

// learnVocabulary trains the tokenizer on the texts of all stages.
func (r *Recipe) learnVocabulary(dir string, sets []*source) error {
	var fail error
	special := tokenizer.Special{BOS: r.Model.Special.BOS, EOS: r.Model.Special.EOS, More: r.Model.Special.More, Ends: r.Model.Special.Ends}
	vocab, err := tokenizer.Train(texts(sets, &fail), r.Model.Vocabulary, special)
	if err := cmp.Or(fail, err); err != nil {
		return err
	}
	return vocab.Write(dir)
}

// texts yields every turn of the first samples of each set; an error ends it.
func texts(sets []*source, fail *error) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, s := range sets {
			for i := range min(s.Len(), vocabularySamples) {
				sample, err := s.At(i)
				if err != nil {
					*fail = err
					return
				}
				for _, t := range sample.Turns {
					if !yield(strings.ReplaceAll(t.Text, data.Marker, "")) {
						return
					}
				}
			}
		}
	}
}
