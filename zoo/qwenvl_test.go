package zoo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// qwenVLPrompts are the prompts of the fixture as conversations.
func qwenVLPrompts(t *testing.T) (convs [][]model.Turn, prompts []string) {
	t.Helper()
	var expected struct {
		Cases []struct {
			Kind, Prompt, Query string
			History             [][2]string
			Images              []string
		}
	}
	data, err := os.ReadFile(fixtures + "qwen_vl/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	for _, c := range expected.Cases {
		if c.Kind != "chatml" {
			continue
		}
		prompt := c.Prompt
		var conv []model.Turn
		for _, h := range append(c.History, [2]string{c.Query, ""}) {
			turn := model.Turn{Role: "user", Text: h[0]}
			if before, rest, ok := strings.Cut(h[0], "</img>\n"); ok {
				img, err := imageproc.OpenFile(fixtures+"qwen_vl/"+c.Images[0], imageproc.Options{})
				if err != nil {
					t.Fatal(err)
				}
				turn.Text, turn.Images = rest, []*imageproc.RGB{img}
				prompt = strings.Replace(prompt, before, "Picture 1: <img>", 1) // the name says nothing to the model
			}
			conv = append(conv, turn, model.Turn{Role: "assistant", Text: h[1]})
		}
		convs, prompts = append(convs, conv[:len(conv)-1]), append(prompts, prompt)
	}
	return convs, prompts
}

// TestQwenVLPrompts renders conversations as the reference does.
func TestQwenVLPrompts(t *testing.T) {
	m, err := OpenDir(fixtures + "qwen_vl")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	convs, prompts := qwenVLPrompts(t)
	for i, conv := range convs {
		want, err := m.Processor.ProcessText(prompts[i], model.Pictures(conv))
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Processor.Process(conv)
		if err != nil || !slices.Equal(got.IDs, want.IDs) || !slices.Equal(got.At, want.At) {
			t.Errorf("conversation %d: %v, want %v; %v", i, got, want.IDs, err)
		}
	}
	if len(convs) != 3 || !slices.Equal(m.Generation.EOS, []int32{480, 482, 481}) {
		t.Errorf("%d conversations, end tokens %v", len(convs), m.Generation.EOS)
	}
}

// TestQwenVLRaw: the model that was not taught to chat gets texts as they are.
func TestQwenVLRaw(t *testing.T) {
	dir := copied(t, "qwen_vl")
	if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(`{"chat_format": "raw", "eos_token_id": 480}`), 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	img := &imageproc.RGB{W: 2, H: 2, Pix: make([]uint8, 12)}
	got, err := m.Processor.Process([]model.Turn{{Role: "user", Text: "What is <image>", Images: []*imageproc.RGB{img}}, {Role: "assistant", Text: "red"}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.Processor.ProcessText("What is Picture 1: <img></img>\n\nred", []*imageproc.RGB{img})
	if err != nil || !slices.Equal(got.IDs, want.IDs) || !slices.Equal(m.Generation.EOS, []int32{480}) {
		t.Errorf("%v, want %v; end tokens %v; %v", got.IDs, want, m.Generation.EOS, err)
	}
}

// TestQwenVLLearns labels answers and the token that ends them, with the weight of their loss.
func TestQwenVLLearns(t *testing.T) {
	m, err := OpenDir(fixtures + "qwen_vl")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	img := &imageproc.RGB{W: 2, H: 2, Pix: make([]uint8, 12)}
	conv := []model.Turn{{Role: "user", Text: "What?", Images: []*imageproc.RGB{img, img}}, {Role: "assistant", Text: "a red car", Weight: 2}}
	p, err := m.Processor.Learn(conv)
	if err != nil {
		t.Fatal(err)
	}
	var taught []int32
	for i, l := range p.Labels {
		if l >= 0 {
			taught = append(taught, l)
		}
		if (l >= 0) != (p.Weights[i] == 2) {
			t.Errorf("label %d is %d, with a weight of %v", i, l, p.Weights[i])
		}
	}
	if got := m.Tokenizer.Decode(taught, false); got != "a red car<|im_end|>" {
		t.Errorf("taught %q", got)
	}
	text := m.Tokenizer.Decode(p.IDs[:p.At[0]], false) + m.Tokenizer.Decode(p.IDs[p.At[0]+256:p.At[1]], false)
	if want := "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nPicture 1: <img></img>\nPicture 2: <img>"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
}

func TestQwenVLRefuses(t *testing.T) {
	m, err := OpenDir(fixtures + "qwen_vl")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	img := []*imageproc.RGB{{W: 2, H: 2, Pix: make([]uint8, 12)}}
	for text, want := range map[string]string{
		"<img>a.png":             "<img> without a </img> behind it",
		"<img></img><img></img>": "more <img> markers than pictures (1)",
		"Hello":                  "0 <img></img> markers and 1 pictures",
		"<img>" + strings.Repeat("x", 257) + "</img>": "name of 257 bytes, and it takes 256 tokens",
	} {
		if _, err := m.Processor.ProcessText(text, img); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	dir := copied(t, "qwen_vl")
	setConfig(t, dir, map[string]any{"visual.image_start_id": 600})
	if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), "the tokenizer has <img> as token 694, and config.json as 600") {
		t.Errorf("other tokens: %v", err)
	}
}
