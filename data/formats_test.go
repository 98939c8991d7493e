package data

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// kept is a data set in testdata, in a format of its own. The files are small, but as
// the formats' makers write them.
type kept struct {
	file, format string
	options      Options
	n            int
	want         string   // the first sample
	to           []string // formats that hold all of it
}

func keptSets() []kept {
	images := Options{Images: "testdata/images"}
	cache := Options{Cache: "testdata/cache"}
	return []kept{
		{"llava.json", "llava", images, 3, "000000033471 40×30\nuser: What colour is the square?\nassistant: It is red.\nuser: And the ground?\nassistant: Nearly white.", []string{"sharegpt", "openai", "swift", "qwen-vl", "webdataset", "llava"}},
		{"llava.jsonl", "llava", images, 2, "a 40×30\nuser: What is in the picture?\nassistant: A red square at [0.2, 0.325, 0.6, 0.825].", []string{"sharegpt", "openai"}},
		{"llava.parquet", "llava", Options{}, 2, "p1 40×30\nuser: What?\nassistant: A square.", []string{"webdataset", "openai"}},
		{"mixture.yaml", "llava-yaml", images, 5, "000000033471 40×30\nuser: What colour is the square?\nassistant: It is red.\nuser: And the ground?\nassistant: Nearly white.", []string{"sharegpt", "llava"}},
		{"internvl.json", "internvl", Options{}, 4, "a 40×30\nuser: What is in the picture?\nassistant: A red square at [0.2, 0.325, 0.6, 0.825].", []string{"webdataset", "llava", "sharegpt"}},
		{"accessory.yaml", "accessory", Options{}, 4, "000000033471 40×30\nuser: What colour is the square?\nassistant: It is red.\nuser: And the ground?\nassistant: Nearly white.", []string{"swift", "llava"}},
		{"sharegpt.json", "sharegpt", images, 3, " 40×30\nsystem: Answer shortly.\nuser: Who is this?\nassistant: A square.\nuser: Sure?\nassistant: Yes.", []string{"swift", "webdataset", "sharegpt"}},
		{"dataset_info.json", "dataset-info", Options{}, 2, "\nuser: Hello\nassistant: Hi\nuser: Translate.\nHund\nassistant: dog", []string{"swift", "sharegpt"}},
		{"openai.jsonl", "openai", images, 4, " 40×30 24×32\nsystem: Be kind.\nuser: Look: <image> and <image>. Which is taller?\nassistant: The second.", []string{"openai", "swift", "webdataset"}},
		{"swift.jsonl", "swift", images, 4, " 40×30\nuser: Find the <ref-object>. [\"red square\"]\nassistant: <bbox> [] 0:(8,6)(24,21)", []string{"swift", "webdataset"}},
		{"qwen-vl.json", "qwen-vl", images, 2, "identity_0 40×30\nuser: Frame the red square.\nassistant: <ref-object><bbox> [\"the red square\"] 0:(8.008008,6.006006)(24.024024,21.021021)\nuser: Thanks!\nassistant: You are welcome.", []string{"qwen-vl", "swift", "webdataset"}},
		{"refs.jsonl", "refs", images, 1, " 40×30\nuser: Where is <ref-object>? [\"red square\"]\nassistant: <bbox> [] 0:(8,6)(24,21)", []string{"swift", "webdataset"}},
		{"captions_train2014.json", "coco", images, 3, "48 24×32\nuser: Describe the picture.\nassistant: A blue circle on green ground.", []string{"coco", "llava", "webdataset"}},
		{"dataset_coco.json", "karpathy", images, 3, "1 40×30\nuser: Describe the picture.\nassistant: A square.", []string{"coco", "llava"}},
		{"lavis.json", "captions", images, 2, "coco_57870 40×30\nuser: Describe the picture.\nassistant: A square.", []string{"llava", "sharegpt"}},
		{"v2_OpenEnded_mscoco_train2014_questions.json", "vqav2", images, 2, "9000 40×30\nuser: What colour is it?\nassistant: red\nrejected \"\", verdict 0, meta [{other en [red red red red red red red pink pink pink]}]", []string{"swift", "webdataset"}},
		{"refcoco", "refcoco", images, 3, "0 40×30\nuser: Where is <ref-object>? [\"the square\"]\nassistant: <bbox> [] 0:(8,6)(24,21)", []string{"swift", "webdataset"}},
		{"refcoco_val.parquet", "refcoco-hf", Options{}, 3, "469306_1 40×30\nuser: Where is <ref-object>? [\"red square\"]\nassistant: <bbox> [] 0:(8,6)(24,21)", []string{"swift", "webdataset"}}, // the three: tools/refcoco_samples.py
		{"refcoco_val.jsonl", "refcoco-hf", Options{}, 3, "469306_1 40×30\nuser: Where is <ref-object>? [\"red square\"]\nassistant: <bbox> [] 0:(8,6)(24,21)", []string{"swift", "webdataset"}},
		{"refcoco_val.tsv", "refcoco-tsv", Options{}, 3, "79_0 40×30\nuser: Where is <ref-object>? [\"red square\"]\nassistant: <bbox> [] 0:(8,6)(24,21)", []string{"swift", "webdataset"}},
		{"coyo_0_snappy.parquet", "grit", cache, 2, "g1 40×30\nuser: Describe the picture.\nassistant: <ref-object><bbox> [\"a red square é on white ground\"] 0:(8,6)(24,21)", []string{"swift", "webdataset"}},
		{"mmc4.jsonl", "mmc4", cache, 1, "http://example.org/shapes.html 40×30 24×32\n: A page about shapes. <image>This is a square. <image>And this a circle.", []string{"webdataset", "swift", "text"}},
		{"docs_shard_0_v2.jsonl.zip", "mmc4", cache, 1, "http://example.org/shapes.html 40×30 24×32\n: A page about shapes. <image>This is a square. <image>And this a circle.", []string{"swift", "text"}},
		{"obelics.parquet", "obelics", cache, 2, " 40×30 24×32\n: First.<image>Second.<image>", []string{"swift", "text"}},
		{"00000.tar", "webdataset", Options{}, 2, "000000000 40×30\nuser: Describe the picture.\nassistant: A red square.", []string{"webdataset", "swift"}},
		{"0000{0..1}.tar", "webdataset", Options{}, 3, "000000000 40×30\nuser: Describe the picture.\nassistant: A red square.", []string{"webdataset", "swift"}},
		{"lines.txt", "text", Options{}, 2, "\n: Once upon a time there was a fovea.", []string{"text", "swift"}},
		{"text.jsonl", "text", images, 2, "\n: Two lines\nof text.", []string{"text", "swift", "webdataset"}},
	}
}

// TestFormats reads every format, recognised by itself and by name, and writes it in
// others, from which the same samples come back.
func TestFormats(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range keptSets() {
		seen[k.format] = true
		t.Run(k.file, func(t *testing.T) {
			d := opened(t, filepath.Join("testdata", k.file), k.options)
			if d.Format() != k.format || d.Len() != k.n || d.Broken() != 0 {
				t.Fatalf("%s, %d samples, %d broken: %v", d.Format(), d.Len(), d.Broken(), d.Problems())
			}
			all := tellAll(t, d)
			if all[0] != k.want {
				t.Errorf("first sample:\n%s\nwant\n%s", all[0], k.want)
			}
			if slices.Sort(k.to); len(slices.Compact(k.to)) < 2 {
				t.Errorf("converted to %v, want two formats", k.to)
			}
			for _, format := range k.to {
				if got := converted(t, d, format, k.options); !slices.Equal(got, all) {
					t.Errorf("by way of %s:\n%s\nwant\n%s", format, strings.Join(got, "\n"), strings.Join(all, "\n"))
				}
			}
		})
	}
	for _, f := range Formats() {
		if !seen[f.Name] {
			t.Errorf("format %s is read from no file", f.Name)
		}
	}
}

// converted writes a set in another format and reads it again.
func converted(t *testing.T, d *Set, format string, o Options) []string {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "out."+map[string]string{"webdataset": "tar", "coco": "json"}[format])
	if filepath.Ext(name) == "." {
		name += "jsonl"
	}
	save := filepath.Join(dir, "pictures")
	if format == "openai" {
		save = "" // embeds them
	}
	w, err := Create(name, format, WriteOptions{Save: save})
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Len() {
		s, err := d.At(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if save != "" {
		o.Images = save
	}
	o.Format = format
	again := opened(t, name, o)
	if again.Broken() != 0 {
		t.Fatalf("%v", again.Problems())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 2 {
		t.Errorf("%v, %v is left behind", err, left)
	}
	told := tellAll(t, again)
	for i := range told { // shards name every sample
		told[i] = strings.TrimPrefix(told[i], map[bool]string{true: fmt.Sprintf("%09d", i)}[format == "webdataset" && nameless(t, d, i)])
	}
	return told
}

func nameless(t *testing.T, d *Set, i int) bool {
	s, err := d.At(i)
	return err == nil && s.named() == nil
}
