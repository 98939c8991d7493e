package eval

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestWilson compares with method 3 in table I of Newcombe 1998,
// https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E.
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		right, n  int
		low, high float64
	}{
		{0, 0, 0, 1},
		{81, 263, 0.2553, 0.3662},
		{15, 148, 0.0624, 0.1605},
		{0, 20, 0, 0.1611},
		{1, 29, 0.0061, 0.1718},
		{20, 20, 1 - 0.1611, 1},
	} {
		low, high := wilson(c.right, c.n)
		if math.Abs(low-c.low) > 5e-5 || math.Abs(high-c.high) > 5e-5 {
			t.Errorf("wilson(%d, %d) is %v to %v, want %v to %v", c.right, c.n, low, high, c.low, c.high)
		}
	}
	for n := 1; n < 60; n++ {
		for right := range n + 1 {
			low, high := wilson(right, n)
			p := float64(right) / float64(n)
			if low < 0 || high > 1 || low > p || high < p {
				t.Errorf("wilson(%d, %d) is %v to %v", right, n, low, high)
			}
		}
	}
}

func TestReportTable(t *testing.T) {
	r := &Report{Benchmark: "scenes, seed 1", Model: "tiny", Kernel: "avx2"}
	colour, count, zh := Tag{"type", "colour"}, Tag{"type", "count"}, Tag{"language", "zh"}
	for i := range 8 {
		r.add(Answer{Tags: []Tag{colour}, Right: i > 0})
	}
	r.add(Answer{Tags: []Tag{count, zh}, Right: true})
	r.add(Answer{Tags: []Tag{count, zh}})
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	const want = `tiny on scenes, seed 1, kernel avx2

                          count  accuracy   95 % interval
type       colour             8    87.50%   52.91–97.76
           count              2    50.00%   9.45–90.55
language   zh                 2    50.00%   9.45–90.55
all                          10    80.00%   49.02–94.33
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if err := r.Write(full{}); err == nil {
		t.Error("an error of the writer is lost")
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		n, context, stride int
		want               []window
	}{
		{2, 8, 4, []window{{0, 2, 1}}},
		{8, 8, 4, []window{{0, 8, 1}}},
		{9, 8, 4, []window{{0, 8, 1}, {4, 9, 8}}},
		{12, 8, 4, []window{{0, 8, 1}, {4, 12, 8}}},
		{10, 4, 4, []window{{0, 4, 1}, {4, 8, 5}, {8, 10, 9}}},
		{9, 4, 4, []window{{0, 4, 1}, {4, 8, 5}}}, // the ninth token has nothing before it
		{4, 2, 1, []window{{0, 2, 1}, {1, 3, 2}, {2, 4, 3}}},
	} {
		if got := windows(c.n, c.context, c.stride); !slices.Equal(got, c.want) {
			t.Errorf("windows(%d, %d, %d) = %v, want %v", c.n, c.context, c.stride, got, c.want)
		}
	}
}

func TestPerplexityTable(t *testing.T) {
	r := &PerplexityReport{Text: "a.txt", Model: "tiny", Kernel: "avx2", Tokens: 3, Windows: 1, Context: 8, Stride: 4}
	s := &scorer{}
	s.add(1)
	s.add(3)
	r.conclude(s)
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	const want = `tiny on a.txt, kernel avx2

tokens       3, of which 2 scored
windows      1 of up to 8 tokens, 4 apart
nats/token   2.00000 ± 1.00000
perplexity   7.3891   95 % interval 1.0408–52.4554
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	if err := r.Write(full{}); err == nil {
		t.Error("an error of the writer is lost")
	}
	if (&scorer{count: 1}).stdErr() != 0 {
		t.Error("a single token has a deviation")
	}
}
