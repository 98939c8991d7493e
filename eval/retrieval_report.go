package eval

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fovea-ml/fovea/kernel"
)

// RetrievalReport is the outcome of a measurement of retrieval.
type RetrievalReport struct {
	Data     string `json:"data"`
	Model    string `json:"model"`
	Kernel   string `json:"kernel"` // the numeric kernels that computed it
	Pictures int    `json:"pictures"`
	Texts    int    `json:"texts"`

	Likeness Recalls  `json:"likeness"`           // by embeddings alone
	Reread   int      `json:"reread,omitempty"`   // how many were read again
	Reranked *Recalls `json:"reranked,omitempty"` // by reading those; nil without
}

// Recalls are those of both directions.
type Recalls struct {
	Texts    []Recall `json:"image_to_text"` // a picture's texts are looked for
	Pictures []Recall `json:"text_to_image"` // a text's pictures are looked for
}

// Recall is the share of those that are looked for which are among the first K found.
type Recall struct {
	K int `json:"k"`
	Score
}

// recallAt are the usual numbers of those that are found.
func recallAt() []int { return []int{1, 5, 10} }

// recalls counts what is among the first of each number.
func recalls(ranks []int) (out []Recall) {
	for _, k := range recallAt() {
		r := Recall{K: k}
		for _, place := range ranks {
			r.add(place <= k)
		}
		out = append(out, r)
	}
	return out
}

func (r *retrieval) report() *RetrievalReport {
	out := &RetrievalReport{
		Data: r.g.Name, Model: r.m.Name, Kernel: kernel.Name(), Pictures: len(r.g.Pictures), Texts: len(r.g.Texts), Likeness: r.ranked(nil),
	}
	if r.again != nil {
		again := r.ranked(r.again)
		out.Reread, out.Reranked = r.o.Rerank, &again
	}
	return out
}

// ranked ranks all, by likeness or with what was read again before it.
func (r *retrieval) ranked(again *reading) Recalls {
	texts := len(r.g.Texts)
	has := func(picture, text int) bool { return slices.Contains(r.g.Belongs[picture], text) }
	ofPictures, ofTexts := make([]int, len(r.g.Pictures)), make([]int, texts)
	for i := range ofPictures {
		row, right := r.scores[i*texts:(i+1)*texts], func(j int) bool { return has(i, j) }
		if ofPictures[i] = rank(row, right); again != nil {
			ofPictures[i] = rerank(row, again.texts[i], again.anew(again.texts[i], func(j int) pair { return pair{i, j} }), right)
		}
	}
	for j := range ofTexts {
		col, right := column(r.scores, texts, j), func(i int) bool { return has(i, j) }
		if ofTexts[j] = rank(col, right); again != nil {
			ofTexts[j] = rerank(col, again.pictures[j], again.anew(again.pictures[j], func(i int) pair { return pair{i, j} }), right)
		}
	}
	return Recalls{Texts: recalls(ofPictures), Pictures: recalls(ofTexts)}
}

// anew are the scores of those that were read again.
func (r *reading) anew(list []int, of func(int) pair) []float32 {
	out := make([]float32, len(list))
	for k, i := range list {
		out[k] = r.scores[of(i)]
	}
	return out
}

// Write prints the report as a table for people.
func (r *RetrievalReport) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s, %d pictures and %d texts, kernel %s\n\n", r.Model, r.Data, r.Pictures, r.Texts, r.Kernel)
	fmt.Fprintf(&b, "%-18s %-18s %-5s %9s   %s\n", "", "looked for", "among", "recall", "95 % interval")
	r.Likeness.write(&b, "by likeness")
	if r.Reranked != nil {
		r.Reranked.write(&b, fmt.Sprintf("%d of those read", r.Reread))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Recalls) write(b *strings.Builder, how string) {
	for _, d := range []struct {
		what string
		list []Recall
	}{{"picture's text", r.Texts}, {"text's picture", r.Pictures}} {
		for _, s := range d.list {
			fmt.Fprintf(b, "%-18s %-18s %5d %8.2f%%   %.2f–%.2f\n", how, d.what, s.K, 100*s.Accuracy, 100*s.Low, 100*s.High)
			how, d.what = "", ""
		}
	}
}
