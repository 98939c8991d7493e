package checkpoint

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

func param(name string, shape []int, data ...float32) Param {
	return Param{name, tensor.From(data, shape...)}
}

func declare(name string, shape ...int) Param { return Param{name, tensor.Declare(shape...)} }

// written returns a checkpoint that holds the tensors.
func written(t *testing.T, tensors ...Param) *Checkpoint {
	t.Helper()
	dir := t.TempDir()
	if err := WriteDir(dir, tensors, WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	c, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestBind(t *testing.T) {
	half := Param{"old.norm.gamma", &tensor.Tensor{Shape: []int{2}, DType: tensor.BF16, Raw: []byte{0x80, 0x3f, 0, 0x40}}}
	c := written(t,
		param("model.embed.weight", []int{2, 2}, 1, 2, 3, 4),
		param("model.patch.weight", []int{2, 1, 1, 2}, 5, 6, 7, 8),
		half,
		param("model.rotary.inv_freq", []int{1}, 9),
		param("head.weight", []int{1}, 9), // the model has no such parameter of its own: it is tied
	)
	params := []Param{declare("lm.embed.weight", 2, 2), declare("lm.patch.weight", 2, 2), declare("lm.norm.weight", 2), declare("lm.out.weight", 2, 2)}
	err := Bind(c, params,
		[]Rename{{"old.", "model."}, {"model.", "lm."}, {`^(.*)\.gamma$`, "${1}.weight"}},
		BindOptions{
			Ignore: []string{"*.inv_freq"},
			Tied:   []Tied{{"lm.out.weight", "lm.embed.weight"}, {"head.weight", "lm.embed.weight"}},
		})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]float32{{1, 2, 3, 4}, {5, 6, 7, 8}, {1, 2}, {1, 2, 3, 4}} {
		p := params[i]
		if p.Name == "lm.norm.weight" && p.T.DType != tensor.BF16 {
			t.Errorf("%s: dtype %v, want BF16 as stored", p.Name, p.T.DType)
		}
		shape := slices.Clone(p.T.Shape)
		if p.T.Own(); !slices.Equal(p.T.F32, want) || tensor.Size(shape) != len(want) {
			t.Errorf("%s: %v %v, want %v", p.Name, shape, p.T.F32, want)
		}
	}
}

func TestBindReportsEverything(t *testing.T) {
	ints := Param{"ints", &tensor.Tensor{Shape: []int{1}, DType: kernel.U8, Raw: []byte{1}}}
	c := written(t, ints, param("wide", []int{2, 2}, 1, 2, 3, 4), param("flat", []int{4}, 1, 2, 3, 4), param("extra", []int{1}, 0), param("old.extra", []int{1}, 0))
	params := []Param{declare("gone", 1), declare("ints", 1), declare("wide", 4, 1), declare("flat", 2, 2), declare("also gone", 2)}
	err := Bind(c, params, []Rename{{"old.", "new."}}, BindOptions{})
	var e *BindError
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a *BindError", err)
	}
	const want = `checkpoint: model.safetensors: 2 tensors missing, 2 unexpected, 3 misshapen
	missing: gone
	missing: also gone
	unexpected: extra
	unexpected: old.extra
	misshapen: model.safetensors: tensor "ints": dtype U8, want F32, F16, BF16 or a quantised one
	misshapen: model.safetensors: tensor "wide": shape [2 2], want [4 1]
	misshapen: model.safetensors: tensor "flat": shape [4], want [2 2]`
	if e.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", e, want)
	}
	for _, p := range params {
		if p.T.HasData() {
			t.Errorf("%s is filled in spite of the error", p.Name)
		}
	}
}

func TestBindListsAreShort(t *testing.T) {
	var params []Param
	for i := range 25 {
		params = append(params, declare(fmt.Sprint("p", i), 1))
	}
	err := Bind(written(t, param("x", []int{1}, 1)), params, []Rename{{"x", "p3"}}, BindOptions{})
	if err == nil || strings.Count(err.Error(), "\n") != 6 || !strings.Contains(err.Error(), "24 tensors missing") || !strings.Contains(err.Error(), "and 19 more") {
		t.Errorf("error %v", err)
	}
}

func TestBindMistakes(t *testing.T) {
	c := written(t, param("a.w", []int{1}, 1), param("b.w", []int{1}, 1))
	for name, test := range map[string]struct {
		params []Param
		names  []Rename
		ignore []string
		want   string
	}{
		"two tensors, one parameter": {[]Param{declare("c.w", 1)}, []Rename{{"a.", "c."}, {"b.", "c."}}, nil, `tensors "a.w" and "b.w" are both parameter "c.w"`},
		"parameter twice":            {[]Param{declare("a.w", 1), declare("a.w", 1)}, nil, nil, `two parameters "a.w"`},
		"bad rule":                   {[]Param{declare("a.w", 1)}, []Rename{{"^(", ""}}, nil, `rename rule "^("`},
		"bad pattern":                {[]Param{declare("a.w", 1)}, nil, []string{"[", "x"}, `ignore pattern "["`},
	} {
		t.Run(name, func(t *testing.T) {
			err := Bind(c, test.params, test.names, BindOptions{Ignore: test.ignore})
			if err == nil || !strings.HasPrefix(err.Error(), "checkpoint: model.safetensors: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestIgnoreKeepsParameters(t *testing.T) {
	p := declare("a.position_ids", 1)
	if err := Bind(written(t, param("a.position_ids", []int{1}, 7)), []Param{p}, nil, BindOptions{Ignore: []string{"*"}}); err != nil || p.T.F32[0] != 7 {
		t.Errorf("%v, %v", p.T.F32, err)
	}
}
