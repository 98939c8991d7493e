package data

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBrokenRows: what is wrong with a row of any format is told, and the row left out.
func TestBrokenRows(t *testing.T) {
	talk := func(fields string) string {
		return `{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]` + fields + `}`
	}
	for _, c := range []struct{ format, text, want string }{
		{"swift", talk(`, "images": ["cat.png"]`), "0 <image> markers for 1 images"},
		{"swift", talk(`, "videos": ["a.mp4"]`), "videos and audios are not read"},
		{"swift", talk(`, "objects": {"bbox": [[1, 2, 3, 4]]}`), "0 labels and 1 boxes have no tag"},
		{"swift", talk(`, "objects": {"bbox": [], "bbox_type": "norm7"}`), `bbox_type "norm7"`},
		{"swift", talk(`, "rejected_response": 7`), "rejected_response is not a text"},
		{"swift", talk(`, "label": "maybe"`), `verdict "maybe"`},
		{"swift", `{"messages": [{"role": "user", "content": "<bbox>"}, {"role": "assistant", "content": "a"}]}`, "do not do for the tags"},
		{"swift", `{"images": ["cat.png"], "messages": [{"role": "user", "content": "<image>"}, {"role": "assistant", "content": "<bbox>"}], "objects": {"bbox": [[9, 2, 3, 4]]}}`, "has no size"},
		{"swift", `{"images": ["cat.png"], "messages": [{"role": "user", "content": "<image>"}, {"role": "assistant", "content": "<bbox>"}], "objects": {"bbox": [[1, 2, 3]]}}`, "3 numbers, want 4"},
		{"swift", `{"images": ["cat.png"], "messages": [{"role": "user", "content": "<image>"}, {"role": "assistant", "content": "<bbox>"}], "objects": {"bbox": [[1, 2, 3, 4]], "image_id": [1]}}`, "picture 2 of 1"},
		{"swift", `{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "loss_scale": -1}]}`, "loss_scale -1 is negative"},
		{"swift", `{"messages": [{"role": "assistant", "content": "  "}]}`, "document is empty"},
		{"openai", `{"messages": [{"role": "user", "content": [{"type": "audio"}]}, {"role": "assistant", "content": "a"}]}`, `a part of type "audio"`},
		{"openai", `{"messages": [{"role": "user", "content": [{"type": "image_url"}]}, {"role": "assistant", "content": "a"}]}`, "image_url without one"},
		{"openai", `{"messages": [{"role": "user", "content": 3}, {"role": "assistant", "content": "a"}]}`, "neither a text nor a list"},
		{"openai", `{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "", "tool_calls": [{"id": "x"}]}]}`, "calls of tools are not read"},
		{"openai", `{"messages": [{"role": "user", "content": "q"}, {"role": "tool", "content": "x"}]}`, "calls of tools are not read"},
		{"openai", `{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png;base64,%%"}]}, {"role": "assistant", "content": "a"}]}`, "image in base64"},
		{"openai", `{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0.5}]}`, "rows.jsonl: row 1: turn 2: weight 0.5, want 0 or 1"},
		{"openai", `{"messages": [{"role": "user", "content": "q", "weight": 2}, {"role": "assistant", "content": "a"}]}`, "turn 1: weight 2, want 0 or 1"},
		{"openai", `{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": "0"}]}`, `"messages.weight" is a string`},
		{"openai", `{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": true}]}`, `"messages.weight" is a bool`},
		{"openai", `{"messages": [{"role": "user", "content": "q", "weight": 0}, {"role": "assistant", "content": "a", "weight": null}]}`, ""},
		{"sharegpt", `{"conversations": [{"from": "human"}]}`, "turn 1: want from and value"},
		{"sharegpt", `{"conversations": [{"from": "human", "value": "q"}], "chosen": {"from": "human", "value": "a"}, "rejected": "b"}`, `from "user", want an answer`},
		{"sharegpt", `{"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": "{}"}]}`, "calls of tools are not read"},
		{"sharegpt", `{"conversations": [], "system": 3}`, "system is not a text"},
		{"qwen-vl", `{"conversations": [{"from": "user", "value": "<img>cat.png</img>"}, {"from": "assistant", "value": "<box>(1,2)(3</box>"}]}`, ""},
		{"qwen-vl", `{"conversations": [{"from": "user", "value": "q"}, {"from": "assistant", "value": "<box>(1,2),(3,4)</box>"}]}`, "picture 1 of 0"},
		{"qwen-vl", `{"conversations": [{"from": "user", "value": "<img>cat.png</img>"}, {"from": "assistant", "value": "<box>somewhere</box>"}]}`, "holds no points"},
		{"refs", `{"image": "cat.png", "sent": "", "bbox": [1, 2, 3, 4]}`, "want an image, a sent"},
		{"refs", `{"image": "cat.png", "sent": "x", "bbox": [4, 4, 1, 1]}`, "has no size"},
		{"refcoco-hf", `{"question_id": "1", "image": "cat.png", "answer": ["x"]}`, "bbox has 0 numbers"},
		{"refcoco-hf", `{"question_id": "1", "image": "cat.png", "answer": ["x"], "bbox": [1, 2, 3]}`, "bbox has 3 numbers"},
		{"refcoco-hf", `{"question_id": "1", "image": "cat.png", "answer": ["x"], "bbox": [1, 2, 0, 4]}`, "has no size"},
		{"refcoco-hf", `{"question_id": "1", "image": "cat.png", "answer": "x", "bbox": [1, 2, 3, 4]}`, ""},
		{"refcoco-hf", `{"question_id": "1", "image": "cat.png", "answer": ["x", " "], "bbox": [1, 2, 3, 4]}`, `"1_2"): the text that names something is empty`},
		{"refcoco-hf", `{"question_id": "1", "image": "cat.png", "answer": [], "bbox": [1, 2, 3, 4]}`, "neither a text nor a list"},
		{"refcoco-hf", `{"question_id": "1", "image": "cat.png", "bbox": [1, 2, 3, 4]}`, "neither a text nor a list"},
		{"refcoco-hf", `{"question_id": "1", "answer": ["x"], "bbox": [1, 2, 3, 4]}`, "no image"},
		{"refcoco-hf", `{"question_id": "1", "image": {"bytes": "%%", "path": null}, "answer": ["x"], "bbox": [1, 2, 3, 4]}`, "image in base64"},
		{"refcoco-hf", `{"question_id": "1", "image": {"bytes": null, "path": null}, "answer": ["x"], "bbox": [1, 2, 3, 4]}`, "no image"},
		{"refcoco-hf", `{"question_id": "1", "image": "cat.png", "answer": ["x"` + strings.Repeat(`, "x"`, maxNames) + `], "bbox": [1, 2, 3, 4]}`, "1025 answers, at most 1024"},
		{"refcoco-tsv", "7_0\t7\ta dog\t1,2,3,4\tAAA_", ""},
		{"refcoco-tsv", "7_0\t7\ta dog\t1,2,3,4", "4 columns with tabs between, want 5"},
		{"refcoco-tsv", "7_0\t7\ta dog\t1,2,3,4\tAAAA\tAAAA", "6 columns"},
		{"refcoco-tsv", "7_0\t7\ta dog\t1,2,3\tAAAA", `"7_0"): box "1,2,3" has 3 numbers`},
		{"refcoco-tsv", "7_0\t7\ta dog\t1,2,3,4,5\tAAAA", "has 5 numbers"},
		{"refcoco-tsv", "7_0\t7\ta dog\t1,2,3,left\tAAAA", "want four numbers"},
		{"refcoco-tsv", "7_0\t7\ta dog\t1,2,1e300,4\tAAAA", "no coordinates"},
		{"refcoco-tsv", "7_0\t7\ta dog\t3,2,1,4\tAAAA", "has no size"},
		{"refcoco-tsv", "7_0\t7\ta dog\t1,2,3,4\tcat.png", "image in base64"},
		{"refcoco-tsv", "7_0\t7\t \t1,2,3,4\tAAAA", "is empty"},
		{"captions", `{"image": "cat.png", "caption": " "}`, "caption is empty"},
		{"grit", `{"url": "http://x", "caption": "a dog", "ref_exps": [[0, 9, 0, 0, 1, 1, 1]]}`, "character 0 to 9 of 5"},
		{"grit", `{"url": "http://x", "caption": "a dog", "ref_exps": [[0, 3]]}`, "an expression of 2 numbers"},
		{"grit", `{"caption": "a dog"}`, "no url"},
		{"mmc4", `{"text_list": ["a"], "image_info": [{"raw_url": "http://x", "matched_text_index": 1}]}`, "belongs to text 1 of 1"},
		{"mmc4", `{"text_list": ["a <image>"], "image_info": []}`, "1 <image> markers for 0 images"},
		{"obelics", `{"images": [null], "texts": []}`, "1 images beside 0 texts"},
		{"obelics", `{"images": [null], "texts": [null]}`, "place 1: want either"},
		{"text", `{"text": "<image>"}`, "1 <image> markers for 0 images"},
		{"text", `{"title": "x"}`, "no text"},
	} {
		d := opened(t, write(t, "rows.jsonl", c.text), Options{Format: c.format, Images: "testdata/images"})
		switch {
		case c.want == "":
			if d.Broken() != 0 {
				t.Errorf("%s %s: %v", c.format, c.text, d.Problems())
			}
		case d.Broken() != 1 || !strings.Contains(d.Problems()[0].Error(), c.want):
			t.Errorf("%s %s: %v, want %q", c.format, c.text, d.Problems(), c.want)
		}
	}
}

// TestLongLine: a line that is too long is told, and hides none behind it.
func TestLongLine(t *testing.T) {
	line := "7_0\t7\ta dog\t1,2,3,4\t"
	d := opened(t, write(t, "rows.tsv", line+strings.Repeat("A", maxRow)+"\n"+line+"AAAA\n"), Options{})
	if d.Len() != 1 || d.Broken() != 1 || !strings.Contains(d.Problems()[0].Error(), "row 1: longer than") {
		t.Errorf("%s: %d samples, %v", d.Format(), d.Len(), d.Problems())
	}
}

// TestBrokenFiles: files that are no data set fail, and the error names the file.
func TestBrokenFiles(t *testing.T) {
	for _, c := range []struct{ name, format, text, want string }{
		{"a.json", "", "", "file is empty"},
		{"a.json", "", `{"colour": "red"}`, `no format that is recognised (its first object has "colour")`},
		{"a.bin", "", "\x00\x01", "no format that is recognised"},
		{"a.json", "coco", `[1]`, "want an object"},
		{"a.json", "coco", `{"images": [`, "unexpected EOF"},
		{"a.json", "vqav2", `{"questions": []}`, "name it by --answers"},
		{"questions.json", "vqav2", `{"questions": []}`, "annotations.json"},
		{"a.yaml", "", "datasets: [", "did not find"},
		{"a.yaml", "", "datasets:\n- json_path: nowhere.json\n", "nowhere.json"},
		{"a.yaml", "", "datasets:\n- json_path: a.yaml\n", "more than 4 deep"},
		{"a.yaml", "accessory", "META:\n- path: a.yaml\n  ratio: 2\n", "more than 4 deep"},
		{"dataset_info.json", "", `{"x": {"hf_hub_url": "a/b"}}`, "not fetched"},
		{"dataset_info.json", "", `{"x": {"file_name": "y.json", "formatting": "z"}}`, `formatting "z"`},
		{"a.json", "internvl", `{"x": {"annotation": "a.json"}}`, "more than 4 deep"},
		{"a.parquet", "", "PAR1 and no more", "parquet"},
		{"a.parquet", "obelics", "PAR1" + strings.Repeat("\xff", 100) + "\x60\x00\x00\x00PAR1", ""},
		{"a.parquet", "obelics", "PAR1\x00\x00\xff\x00\x00\x00PAR1", "footer of 255 bytes"},
		{"a.parquet", "obelics", "PAR1\x49\xfc\xff\xff\xff\x0f\x06\x00\x00\x00PAR1", "goes behind the end"},
		{"a.tar", "", strings.Repeat("no tar", 100), "tar"},
		{"a.jsonl.gz", "llava", "this is no gzip file", "gzip"},
		{"a.zip", "mmc4", "no zip", "zip"},
		{"refs(x).p", "", "cos\nsystem\n(S'true'\ntR.", "os.system is not allowed"},
		{"refs(x).p", "", "(d.", "want a list of refs"},
		{"refs(x).p", "", "(l(la.", "instances.json"},
		{"refs(x).p", "", "(lp0\ng0\na.", "nested too deeply"},
		{"refs(x).p", "", "(l(lp1\nS'" + strings.Repeat("x", 1100) + "'\np0\na" + strings.Repeat("g0\na", 999) + "a.", "ref 1: more than 1048576 values and bytes"},
		{"refs(x).p", "", "(l(lp1\n" + strings.Repeat("Na", 100) + "0(lp2\n" + strings.Repeat("g1\na", 100) + "0(l" + strings.Repeat("g2\na", 110) + "a.", "ref 1: more than 1048576 values and bytes"},
	} {
		name := write(t, c.name, c.text)
		s, err := Open(name, Options{Format: c.format})
		if err == nil {
			t.Errorf("%s: %d samples", c.text, s.Len())
			_ = s.Close()
			continue
		}
		if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.name) && !strings.Contains(err.Error(), "annotations") {
			t.Errorf("%.40q: error %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := Open("nowhere", Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat("/dev/zero"); err == nil {
		if _, err := Open("/dev/zero", Options{}); err == nil || !strings.Contains(err.Error(), "no file") {
			t.Errorf("error %v", err)
		}
	}
	if _, err := Open("testdata/llava.json", Options{Format: "jpeg"}); err == nil || !strings.Contains(err.Error(), `"jpeg", want one of`) {
		t.Errorf("error %v", err)
	}
	if _, err := Open("testdata/dataset_info.json", Options{Name: "none"}); err == nil || !strings.Contains(err.Error(), `no entry "none"`) {
		t.Errorf("error %v", err)
	}
}

// TestCutTar: what lies whole in a shard that ends too early is read.
func TestCutTar(t *testing.T) {
	whole, err := os.ReadFile("testdata/00000.tar")
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{len(whole) - 1024, 5 * 512, 4*512 + 100} {
		d := opened(t, write(t, "a.tar", string(whole[:size])), Options{})
		all := d.Len() + d.Broken()
		if all == 0 || d.Len() > 2 || size < 3000 && d.Broken() == 0 {
			t.Errorf("%d bytes: %d samples, %v", size, d.Len(), d.Problems())
		}
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"a.png", "b.txt", "c.json", "d.txt", "d.json"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 2, Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	d := opened(t, write(t, "b.tar", b.String()), Options{})
	if d.Len() != 2 || d.Broken() != 2 || d.Problems()[0].ID != "a" || d.Problems()[1].Row != 3 {
		t.Errorf("%d samples, %v", d.Len(), d.Problems())
	}
}

// TestFingerprint: it is the same for the same data, and another for other data.
func TestFingerprint(t *testing.T) {
	for _, k := range keptSets() {
		path := filepath.Join("testdata", k.file)
		a, b := opened(t, path, k.options), opened(t, path, k.options)
		if a.Fingerprint() != b.Fingerprint() || a.Fingerprint() == "" {
			t.Errorf("%s: %q and %q", k.file, a.Fingerprint(), b.Fingerprint())
		}
	}
	seen := map[string]string{}
	one, two := talkOf(`"id": "a",`, "why?"), talkOf(`"id": "b",`, "how?")
	for _, text := range []string{one, two, one + "\n" + two, two + "\n" + one, strings.Replace(one, "why", "who", 1)} {
		f := opened(t, write(t, "a.jsonl", text), Options{}).Fingerprint()
		if other, is := seen[f]; is {
			t.Errorf("%q and %q have the fingerprint %s", text, other, f)
		}
		seen[f] = text
	}
}

// TestCheck is validate on a set with everything wrong.
func TestCheck(t *testing.T) {
	d := opened(t, "testdata/broken.jsonl", Options{Images: "testdata/images", Mentions: &Coords{Unit: Norm01}})
	done := 0
	tokens := func(text string) int { return len(text) }
	r, err := Check(d, CheckOptions{Tokens: tokens, Done: func(n int) { done = n }})
	if err != nil {
		t.Fatal(err)
	}
	if many, err := Check(d, CheckOptions{Tokens: tokens, Workers: 5}); err != nil || fmt.Sprint(many) != fmt.Sprint(r) {
		t.Errorf("with more workers: %v, want %v, %v", many, r, err)
	}
	if done != 4 || r.Samples != 4 || r.BrokenRows != 4 || r.BrokenPictures != 2 || r.BoxesOutside != 1 || r.Boxes != 1 || r.Count() != 7 {
		t.Errorf("%+v", r)
	}
	for i, p := range r.Problems {
		if p.Row != i+2 || p.Err == nil || filepath.Base(p.File) != "broken.jsonl" {
			t.Errorf("problem %d: %v", i, p)
		}
	}
	// The texts have 14, 6, 6 and 6 bytes.
	if r.Turns != (Spread{2, 2, 2, 2, 2}) || r.Width != (Spread{40, 40, 40, 40, 40}) || r.Tokens != (Spread{6, 6, 14, 14, 8}) || len(r.Problems) != 7 {
		t.Errorf("%+v", r)
	}
	absent := opened(t, "testdata/obelics.parquet", Options{})
	if r, err := Check(absent, CheckOptions{}); err != nil || r.AbsentPictures != 3 || r.Count() != 0 || r.Documents != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}
