package verify

import (
	"fmt"
	"slices"

	"github.com/fovea-ml/fovea/internal/golden"
	"github.com/fovea-ml/fovea/tensor"
)

// listener compares what a model reports with what a case expects.
type listener struct {
	want *golden.Case
	tol  Tolerance
	seen map[string]Stage
}

// observe is a tensor.Ctx's Observer. Models report integers as floats, too.
func (l *listener) observe(stage string, t *tensor.Tensor) {
	l.sampled(stage, t)
	if !l.want.Has(stage) {
		return
	}
	if !l.want.IsInt(stage) {
		l.floats(stage, channelsFirst(t))
		return
	}
	list := make([]int32, len(t.F32))
	for i, x := range t.F32 {
		list[i] = int32(x)
	}
	l.ints(stage, list)
}

// floats compares a stage of numbers.
func (l *listener) floats(stage string, got []float32) {
	if !l.want.Has(stage) {
		return
	}
	want, shape, err := l.want.Floats(stage)
	if err != nil {
		l.fail(stage, err.Error())
		return
	}
	if len(got) != len(want) {
		l.fail(stage, fmt.Sprintf("%d values, want %d (%v)", len(got), len(want), shape))
		return
	}
	d := golden.Compare(got, want)
	s := Stage{Name: stage, Status: Failed, MaxAbs: finite(d.MaxAbs), MaxRel: finite(d.MaxRel)}
	if s.MaxAbs == nil {
		s.Detail = fmt.Sprintf("not finite at %d: got %v, want %v", d.At, got[d.At], want[d.At])
	}
	if stage == pixels && d.MaxAbs <= l.tol.Pixels || stage != pixels && d.Within(l.tol.Stage) {
		s.Status = Passed
	}
	l.put(s)
}

const pixels = "pixel_values"

// ints compares a stage of integers with the tensor, if there is one.
func (l *listener) ints(stage string, got []int32) {
	if !l.want.Has(stage) {
		return
	}
	want, _, err := l.want.Ints(stage)
	if err != nil {
		l.fail(stage, err.Error())
		return
	}
	l.put(compareIDs(stage, got, want))
}

// ids compares a stage of token ids with the JSON and with the tensor.
func (l *listener) ids(stage string, got, want []int32) {
	s := compareIDs(stage, got, want)
	if s.Status == Passed && l.want.Has(stage) {
		tensor, _, err := l.want.Ints(stage)
		if err != nil {
			s = Stage{Name: stage, Status: Failed, Detail: err.Error()}
		} else if t := compareIDs(stage, want, tensor); t.Status != Passed {
			s = Stage{Name: stage, Status: Failed, Detail: "expected.json and expected.safetensors disagree: " + t.Detail}
		}
	}
	l.put(s)
}

func compareIDs[E int32 | int64](stage string, got []int32, want []E) Stage {
	mine := make([]E, len(got))
	for i, id := range got {
		mine[i] = E(id)
	}
	s := Stage{Name: stage, Status: Failed}
	switch at := golden.FirstDifference(mine, want); {
	case at < 0:
		s.Status, s.Detail = Passed, fmt.Sprintf("%d equal", len(want))
	case at < min(len(mine), len(want)):
		s.Detail = fmt.Sprintf("differ at %d: got %d, want %d", at, mine[at], want[at])
	default:
		s.Detail = fmt.Sprintf("%d, want %d", len(mine), len(want))
	}
	return s
}

// text compares a text, if the case tells one.
func (l *listener) text(stage, got, want string) {
	switch {
	case want == "":
	case got == want:
		l.put(Stage{Name: stage, Status: Passed, Detail: "equal"})
	default:
		l.fail(stage, fmt.Sprintf("got %q, want %q", got, want))
	}
}

func (l *listener) fail(stage, why string) {
	l.put(Stage{Name: stage, Status: Failed, Detail: why})
}

// put keeps a stage; one that is reported twice cannot be told apart from itself.
func (l *listener) put(s Stage) {
	if _, ok := l.seen[s.Name]; ok {
		s = Stage{Name: s.Name, Status: Failed, Detail: "reported twice"}
	}
	l.seen[s.Name] = s
}

// stages lists everything that is expected, in the model's order, and what
// became of it. skips tells which stages the model leaves out, complete whether
// it came to its end.
func (l *listener) stages(skips func(string) bool, complete bool) []Stage {
	var all []Stage
	for _, name := range l.names() {
		s, ok := l.seen[name]
		switch {
		case ok:
		case skips(name):
			s = Stage{Name: name, Status: Skipped, Detail: "inference leaves it out"}
		case golden.Known(name):
			s = Stage{Name: name, Status: Failed, Detail: "not reported"}
			if !complete {
				s.Detail = notReached
			}
		default:
			s = Stage{Name: name, Status: Unknown}
		}
		all = append(all, s)
	}
	return all
}

// notReached is the detail of stages that an error kept from being compared.
const notReached = "not reached"

// names are the stages of the tensors and those that only the JSON tells.
func (l *listener) names() []string {
	names := slices.Clone(l.want.Names())
	if _, ok := l.seen[inputIDs]; l.want.InputIDs != nil || ok {
		names = append([]string{inputIDs}, slices.DeleteFunc(names, func(s string) bool { return s == inputIDs })...)
	}
	for _, last := range []struct {
		name string
		told bool
	}{
		{generated, l.want.Generated != nil},
		{text, l.want.Text != ""},
		{textWithSpecial, l.want.TextWithSpecial != ""},
	} {
		if last.told && !slices.Contains(names, last.name) {
			names = append(names, last.name)
		}
	}
	return names
}

// Stages that are told in expected.json.
const (
	inputIDs        = "input_ids"
	generated       = "generated"
	text            = "text"
	textWithSpecial = "text_with_special"
)
