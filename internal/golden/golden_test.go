package golden

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/kernel"
	"github.com/fovea-ml/fovea/tensor"
)

const exampleJSON = `{
	"name": "tiny", "class": "TinyForTests", "checkpoint_dtype": "float16", "compute_dtype": "float32", "seed": 3,
	"cases": [
		{"prompt": "Hi <image>", "images": ["image0.png"], "input_ids": [1, 5, 2], "generated": [7, 8], "text": "a b", "text_with_special": "a b</s>", "min_margin": 0.25},
		{"prompt": null, "texts": ["x", "y"], "images": [], "input_ids": [[1, 2], [3, 4]]},
		{"images": []}
	]
}`

// directory holds the JSON and a few tensors.
func directory(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, jsonName), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	var list []checkpoint.Param
	for _, name := range []string{
		"case0.generated", "case0.logits_tail", "case0.step_logits", "case0.lm.hidden.10", "case0.lm.hidden.2", "case0.image_features",
		"case0.something_new", "case0.vision.last_hidden_state", "case0.vision.hidden.0", "case0.pixel_values", "case0.input_ids", "case0.qformer_input_ids",
		"case0.qformer.last_hidden_state", "case0.visual.patch_embed", "case0.visual.block.0", "image3.resized_u8", "case10.logits",
	} {
		list = append(list, checkpoint.Param{Name: name, T: tensor.From([]float32{1, 2}, 1, 2)})
	}
	ids := &tensor.Tensor{Shape: []int{2, 1}, DType: kernel.I16, Raw: []byte{5, 0, 6, 0}}
	list = append(list, checkpoint.Param{Name: "case2.input_ids", T: ids})
	if err := checkpoint.Write(filepath.Join(dir, tensorsName), list, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpen(t *testing.T) {
	e, err := Open(os.DirFS(directory(t, exampleJSON)))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Name != "tiny" || e.Class != "TinyForTests" || e.CheckpointDType != "float16" || e.ComputeDType != "float32" || len(e.Cases) != 3 {
		t.Errorf("%+v", e)
	}
	c := e.Cases[0]
	if c.Prompt != "Hi <image>" || c.Text != "a b" || c.TextWithSpecial != "a b</s>" || c.MinMargin != 0.25 || !slices.Equal(c.Generated, []int32{7, 8}) {
		t.Errorf("case 0: %+v", c)
	}
	for i, want := range []IDs{{{1, 5, 2}}, {{1, 2}, {3, 4}}, {{5}, {6}}} {
		if got := e.Cases[i].InputIDs; !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("case %d: ids %v, want %v", i, got, want)
		}
	}
	if e.Cases[1].Generated != nil || e.Cases[1].Prompt != "" {
		t.Errorf("case 1: %+v", e.Cases[1])
	}
	const order = "input_ids qformer_input_ids pixel_values visual.patch_embed visual.block.0 vision.hidden.0 vision.last_hidden_state " +
		"qformer.last_hidden_state something_new image_features lm.hidden.2 lm.hidden.10 logits_tail step_logits generated"
	if got := strings.Join(c.Names(), " "); got != order {
		t.Errorf("stages\n%s, want\n%s", got, order)
	}
	if got := e.Image(3).Names(); !slices.Equal(got, []string{"resized_u8"}) {
		t.Errorf("image 3: %v", got)
	}
}

func TestRestAndKnown(t *testing.T) {
	e, err := Open(os.DirFS(directory(t, exampleJSON)))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if got, want := e.Rest(), []string{"case10.logits", "image3.resized_u8"}; !slices.Equal(got, want) {
		t.Errorf("rest %v, want %v", got, want)
	}
	for stage, known := range map[string]bool{"lm.hidden.3": true, "logits_tail": true, "qformer_input_ids": true, "something_new": false, "": false} {
		if Known(stage) != known {
			t.Errorf("%q: known %v", stage, !known)
		}
	}
}

func TestStages(t *testing.T) {
	e, err := Open(os.DirFS(directory(t, exampleJSON)))
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c := e.Cases[0]
	if v, shape, err := c.Floats("logits_tail"); err != nil || !slices.Equal(v, []float32{1, 2}) || !slices.Equal(shape, []int{1, 2}) || c.IsInt("logits_tail") {
		t.Errorf("logits_tail: %v %v %v", v, shape, err)
	}
	two := e.Cases[2]
	if v, shape, err := two.Ints("input_ids"); err != nil || !slices.Equal(v, []int64{5, 6}) || !slices.Equal(shape, []int{2, 1}) || !two.IsInt("input_ids") {
		t.Errorf("input_ids: %v %v %v", v, shape, err)
	}
	if _, _, err := c.Floats("no"); err == nil || !strings.Contains(err.Error(), `expected.safetensors: no tensor "case0.no"`) || c.Has("no") || c.IsInt("no") {
		t.Errorf("no: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"not JSON":    {`{`, "unexpected end"},
		"no cases":    {`{"cases": []}`, "no cases"},
		"path":        {`{"cases": [{"images": ["../../etc/passwd"]}]}`, "is not the path of a picture"},
		"large id":    {`{"cases": [{"input_ids": [3000000000]}]}`, "cannot unmarshal"},
		"wrong field": {`{"cases": [{}, {"generated": "1"}]}`, "case 1: "},
		"nested deep": {`{"cases": [{"input_ids": [[[1]]]}]}`, "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(os.DirFS(directory(t, test.text)))
			if err == nil || !strings.HasPrefix(err.Error(), "golden: expected.json: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
	dir := directory(t, exampleJSON)
	if err := os.Remove(filepath.Join(dir, tensorsName)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), tensorsName) {
		t.Errorf("without tensors: %v", err)
	}
	if _, err := Open(os.DirFS(t.TempDir())); err == nil || !strings.Contains(err.Error(), jsonName) {
		t.Errorf("without anything: %v", err)
	}
}

func TestIDsFromTensors(t *testing.T) {
	for name, x := range map[string]*tensor.Tensor{
		"rank":     {Shape: []int{1}, DType: kernel.I8, Raw: []byte{1}},
		"negative": {Shape: []int{1, 1}, DType: kernel.I8, Raw: []byte{0xff}},
		"floats":   {Shape: []int{1, 1}, F32: []float32{1}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := directory(t, `{"cases": [{}]}`)
			if err := checkpoint.Write(filepath.Join(dir, tensorsName), []checkpoint.Param{{Name: "case0.input_ids", T: x}}, nil); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), "case0.input_ids") {
				t.Errorf("error %v", err)
			}
		})
	}
}
