package imageproc

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

const pixelDir = "testdata/pixel_values"

// TestProcessReference compares with transformers' pixel_values, to the bit: the
// hashes are of float32 [3, H, W] in little endian.
func TestProcessReference(t *testing.T) {
	text, err := os.ReadFile(pixelDir + "/sha256.json")
	if err != nil {
		t.Fatal(err)
	}
	var sums map[string]map[string]string
	if err := json.Unmarshal(text, &sums); err != nil {
		t.Fatal(err)
	}
	for model, images := range sums {
		p, err := NewProcessor(os.DirFS(pixelDir), model+".json")
		if err != nil {
			t.Fatal(err)
		}
		for image, want := range images {
			got, err := p.Process(open(t, pixelDir+"/"+image), nil)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := binary.Append(nil, binary.LittleEndian, got.Pixels)
			if err != nil {
				t.Fatal(err)
			}
			if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != want {
				t.Errorf("%s %s: %v differs from the reference", model, image, p)
			}
		}
	}
}

// TestProcessValues is the part of TestProcessReference that can say by how much.
func TestProcessValues(t *testing.T) {
	p, err := NewProcessor(os.DirFS(pixelDir), "clip_vision.json")
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]float32, 3*56*56)
	for image, want := range readSafetensors(t, pixelDir+"/clip_vision.safetensors") {
		got, err := p.Process(open(t, pixelDir+"/"+image), buf)
		if err != nil {
			t.Fatal(err)
		}
		if got.H != 56 || got.W != 56 || &got.Pixels[0] != &buf[0] {
			t.Fatalf("%s: %d×%d, or the buffer was not used", image, got.W, got.H)
		}
		worst := 0.0
		for i, v := range got.Pixels {
			w := math.Float32frombits(binary.LittleEndian.Uint32(want[4*i:]))
			worst = max(worst, math.Abs(float64(v-w)))
		}
		if worst != 0 {
			t.Errorf("%s: largest difference %g", image, worst)
		}
	}
}

func TestProcessorString(t *testing.T) {
	for config, want := range map[string]string{
		`{"image_processor_type":"CLIPImageProcessor","size":{"shortest_edge":56},"crop_size":{"height":56,"width":56}}`:                                       "rgb | resize shortest 56 bicubic | crop 56x56 | rescale 1/255 | normalise",
		`{"feature_extractor_type":"CLIPFeatureExtractor","size":224,"crop_size":224,"resample":2}`:                                                            "rgb | resize shortest 224 bilinear | crop 224x224 | rescale 1/255 | normalise",
		`{"image_processor_type":"CLIPImageProcessorFast","size":{"height":30,"width":20,"shortest_edge":null,"longest_edge":null},"do_center_crop":false}`:    "rgb | resize 20x30 bicubic | rescale 1/255 | normalise",
		`{"image_processor_type":"SiglipImageProcessor","size":384,"do_normalize":false}`:                                                                      "rgb | resize 384x384 bicubic | rescale 1/255",
		`{"image_processor_type":"LlavaImageProcessor","do_pad":true}`:                                                                                         "rgb | pad square #7a7468 | resize shortest 224 bicubic | crop 224x224 | rescale 1/255 | normalise",
		`{"image_processor_type":"ConvNextFeatureExtractor","size":224}`:                                                                                       "rgb | resize shortest 256 bilinear | crop 224x224 | rescale 1/255 | normalise",
		`{"image_processor_type":"ConvNextImageProcessor"}`:                                                                                                    "rgb | resize 384x384 bilinear | rescale 1/255 | normalise",
		`{"image_processor_type":"ViTImageProcessor","do_resize":false,"do_rescale":false,"image_mean":0.5,"image_std":2}`:                                     "rgb | normalise",
		`{"processor_class":"LlavaProcessor","image_processor":{"image_processor_type":"CLIPImageProcessorPil","do_resize":null,"size":{"shortest_edge":28}}}`: "rgb | resize shortest 28 bicubic | crop 224x224 | rescale 1/255 | normalise",
		`{"image_processor_type":"BlipImageProcessor","rescale_factor":0.5}`:                                                                                   "rgb | resize 384x384 bicubic | rescale 0.5 | normalise",
	} {
		p, err := ParseProcessor([]byte(config))
		if err != nil {
			t.Errorf("%s: %v", config, err)
		} else if p.String() != want {
			t.Errorf("%s:\n got %s\nwant %s", config, p, want)
		}
	}
}

func TestProcessorErrors(t *testing.T) {
	const clip = `{"image_processor_type":"CLIPImageProcessor",`
	for config, want := range map[string]string{
		`{"image_processor_type":"FooImageProcessor"}`: `unknown image processor type "FooImageProcessor"; known: BitImageProcessor, BlipImageProcessor, CLIPImageProcessor`,
		`{"size":224}`:                        "neither image_processor_type",
		`{`:                                   "unexpected end",
		`[]`:                                  "cannot unmarshal",
		clip + `"size":0.5}`:                  "cannot unmarshal",
		clip + `"size":{"shortest_edge":-3}}`: "size.shortest_edge is -3",
		clip + `"size":{"longest_edge":3}}`:   "size.height is 0",
		clip + `"size":1000000}`:              "size.shortest_edge is 1000000, want 1 to 16384",
		clip + `"crop_size":{"height":5}}`:    "crop_size.width is 0",
		clip + `"resample":9}`:                "resample is 9",
		clip + `"image_std":[1,0,1]}`:         "image_std 0 cannot normalise channel 1",
		clip + `"image_std":[1,1e-60,1]}`:     "cannot normalise channel 1",
		clip + `"image_mean":[1e300,0,1]}`:    "cannot normalise channel 0",
		clip + `"image_mean":[0,1]}`:          "image_mean has 2",
		clip + `"image_mean":NaN}`:            "invalid character",
		clip + `"rescale_factor":1e-300}`:     "rescale_factor",
		`{"image_processor_type":"ConvNextImageProcessor","size":{"shortest_edge":64},"crop_pct":0}`: "crop_pct",
	} {
		fsys := fstest.MapFS{"preprocessor_config.json": {Data: []byte(config)}}
		_, err := OpenProcessor(fsys)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "imageproc: preprocessor_config.json: ") {
			t.Errorf("%s: error %v, want %q", config, err, want)
		}
	}
}

func TestOpenProcessor(t *testing.T) {
	doc := []byte(`{"image_processor":{"image_processor_type":"CLIPImageProcessor"}}`)
	if _, err := OpenProcessor(fstest.MapFS{"processor_config.json": {Data: doc}}); err != nil {
		t.Error(err)
	}
	if _, err := OpenProcessor(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "preprocessor_config.json") {
		t.Errorf("empty directory: %v", err)
	}
	big := make([]byte, maxConfigBytes+1)
	if _, err := OpenProcessor(fstest.MapFS{"preprocessor_config.json": {Data: big}}); err == nil {
		t.Error("a huge file was accepted")
	}
}

func TestProcessShapes(t *testing.T) {
	clip := NewPipeline(Normalize{Rescale: 1.0 / 255}, ResizeShortest{56, Bicubic}, CenterCrop{56, 56})
	for _, size := range [][2]int{{1, 1}, {1, 5000}, {5000, 1}, {57, 56}, {3, 1000}} {
		got, err := clip.Process(NewRGB(size[0], size[1]), nil)
		if err != nil || got.W != 56 || got.H != 56 || len(got.Pixels) != 3*56*56 {
			t.Errorf("%v: %d×%d, %v", size, got.W, got.H, err)
		}
	}
	thin := NewPipeline(Normalize{}, ResizeShortest{16384, Bicubic})
	if _, err := thin.Process(NewRGB(1, 100_000), nil); err == nil {
		t.Error("an absurd result was computed")
	}
	if _, err := clip.Process(&RGB{}, nil); err == nil {
		t.Error("an empty picture was processed")
	}
}

// TestCenterCropPads follows transformers' center_crop for pictures that are too small.
func TestCenterCropPads(t *testing.T) {
	src := NewRGB(3, 8)
	src.fill(White)
	view, geo, err := NewPipeline(Normalize{}, CenterCrop{6, 5}).View(src)
	if err != nil {
		t.Fatal(err)
	}
	for x := range 6 {
		want := Color{}
		if x >= 2 && x < 5 {
			want = White
		}
		if view.At(x, 0) != want || view.At(x, 4) != want {
			t.Errorf("column %d is %v", x, view.At(x, 0))
		}
	}
	if geo != (Geometry{1, 1, 2, -1}) {
		t.Errorf("geometry %+v", geo)
	}
}

func TestPadSquare(t *testing.T) {
	gray := Color{122, 116, 104}
	view, geo, err := NewPipeline(Normalize{}, PadSquare{gray}).View(NewRGB(5, 2))
	if err != nil {
		t.Fatal(err)
	}
	for y, want := range []Color{gray, {}, {}, gray, gray} {
		if view.At(4, y) != want {
			t.Errorf("row %d is %v, want %v", y, view.At(4, y), want)
		}
	}
	if geo != (Geometry{1, 1, 0, 1}) {
		t.Errorf("geometry %+v", geo)
	}
}

// TestGeometryFollowsPixels finds a painted box where the geometry says it is.
func TestGeometryFollowsPixels(t *testing.T) {
	src := NewRGB(200, 120)
	box := Rect{80, 40, 120, 80}
	for y := 40; y < 80; y++ {
		for x := 80; x < 120; x++ {
			copy(src.row(y)[3*x:], White[:])
		}
	}
	for _, p := range []*Processor{
		NewPipeline(Normalize{}, ResizeShortest{60, Bilinear}, CenterCrop{60, 50}),
		NewPipeline(Normalize{}, PadSquare{}, ResizeTo{100, 100, Bicubic}),
		NewPipeline(Normalize{}, ResizeTo{300, 90, Box}, CenterCrop{400, 80}),
	} {
		view, geo, err := p.View(src)
		if err != nil {
			t.Fatal(err)
		}
		m := geo.ToModel(box)
		inside := view.At(int(m.X0)+2, int(m.Y0)+2) == White && view.At(int(m.X1)-3, int(m.Y1)-3) == White
		outside := view.At(int(m.X0)-3, int(m.Y0)+2) == Color{} && view.At(int(m.X1)-3, int(m.Y1)+3) == Color{}
		if !inside || !outside {
			t.Errorf("%v: the box is not at %v", p, m)
		}
		back := geo.ToOriginal(m)
		for i, d := range []float64{back.X0 - 80, back.Y0 - 40, back.X1 - 120, back.Y1 - 80} {
			if math.Abs(d) > 1e-9 {
				t.Errorf("%v: edge %d comes back off by %g", p, i, d)
			}
		}
		if w, h := p.OutputSize(200, 120); w != view.W || h != view.H {
			t.Errorf("%v: OutputSize %d×%d, view %d×%d", p, w, h, view.W, view.H)
		}
	}
}

func TestRectClip(t *testing.T) {
	if got := (Rect{-3, 2, 9, 50}).Clip(8, 10); got != (Rect{0, 2, 8, 10}) {
		t.Error(got)
	}
}

func BenchmarkProcess(b *testing.B) {
	p := NewPipeline(Normalize{1.0 / 255, [3]float64(clipMean), [3]float64(clipStd)}, ResizeShortest{336, Bicubic}, CenterCrop{336, 336})
	src := noise(1, 1920, 1080)
	buf := make([]float32, 3*336*336)
	for b.Loop() {
		if _, err := p.Process(src, buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(1920*1080)*float64(b.N)/b.Elapsed().Seconds()/1e6, "MP/s")
}
