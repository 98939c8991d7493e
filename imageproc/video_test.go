package imageproc

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestAnimations compares the frames of animations with Pillow 13's, of whose RGB
// testdata/animation/frames.json has hashes: GIF files with frames in parts, local
// tables, interlacing, transparency and every way to dispose of a frame; WebP files,
// lossless and lossy, with the same.
func TestAnimations(t *testing.T) {
	const dir = "testdata/animation"
	data, err := os.ReadFile(dir + "/frames.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]struct {
		Size   [2]int
		Frames []string
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for name, w := range want {
		v, err := OpenVideoFile(dir+"/"+name, VideoOptions{})
		if err != nil {
			t.Error(err)
			continue
		}
		if v.Len() != len(w.Frames) || v.W != w.Size[0] || v.H != w.Size[1] {
			t.Errorf("%s: %d frames of %d×%d, want %d of %v", name, v.Len(), v.W, v.H, len(w.Frames), w.Size)
			continue
		}
		for i, frame := range all(t, v) {
			sum := sha256.Sum256(frame.Pix)
			if got := hex.EncodeToString(sum[:8]); got != w.Frames[i] {
				t.Errorf("%s: frame %d differs", name, i)
			}
		}
	}
}

func all(t *testing.T, v *Video) (frames []*RGB) {
	t.Helper()
	var every []int
	for i := range v.Len() {
		every = append(every, i)
	}
	for img, err := range v.Each(every) {
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, img)
	}
	return frames
}

// picturesOf are PNG files of the given sizes, in a folder of that name.
func picturesOf(t *testing.T, folder string, names []string, sizes ...[2]int) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	for i, name := range names {
		size := sizes[min(i, len(sizes)-1)]
		img := NewRGB(size[0], size[1])
		img.fill(Color{uint8(i)})
		var b bytes.Buffer
		if err := png.Encode(&b, img.Image()); err != nil {
			t.Fatal(err)
		}
		files[folder+"/"+name] = &fstest.MapFile{Data: b.Bytes()}
	}
	return files
}

// TestFolder: pictures come in the order of the numbers in their names, and what is no
// picture is none of them.
func TestFolder(t *testing.T) {
	files := picturesOf(t, "film", []string{"f1.png", "f2.PNG", "f10.png", "f010b.png", "g.png"}, [2]int{3, 2})
	for _, other := range []string{"film/.hidden.png", "film/notes.txt", "film/f3.png/x"} {
		files[other] = &fstest.MapFile{Data: []byte("no")}
	}
	v, err := OpenVideo(files, "film", VideoOptions{Rate: 10})
	if err != nil {
		t.Fatal(err)
	}
	if v.Len() != 5 || v.W != 3 || v.H != 2 || v.Rate != 10 || v.Time(3, 1) != 0.3 {
		t.Errorf("%+v", v)
	}
	for i, frame := range all(t, v) {
		if frame.Pix[0] != uint8(i) {
			t.Errorf("frame %d is picture %d", i, frame.Pix[0])
		}
	}
	names := []string{"a", "a1", "a02", "a2", "a10", "a10b", "b"}
	if !slices.IsSortedFunc(names, natural) {
		t.Errorf("%v are not in order", names)
	}
}

// TestStill: a picture is a video of one frame.
func TestStill(t *testing.T) {
	files := picturesOf(t, ".", []string{"a.png"}, [2]int{4, 3})
	v, err := OpenVideo(fstest.MapFS{"a.png": files["./a.png"]}, "a.png", VideoOptions{})
	if err != nil || v.Len() != 1 || len(all(t, v)) != 1 {
		t.Errorf("%+v: %v", v, err)
	}
}

func TestVideoErrors(t *testing.T) {
	gif, err := os.ReadFile("testdata/animation/a001.gif")
	if err != nil {
		t.Fatal(err)
	}
	webp, err := os.ReadFile("testdata/animation/b001.webp")
	if err != nil {
		t.Fatal(err)
	}
	sizes := picturesOf(t, "sizes", []string{"1.png", "2.png"}, [2]int{2, 2}, [2]int{2, 3})
	broken := picturesOf(t, "broken", []string{"1.png", "2.png", "3.png"}, [2]int{2, 2})
	broken["broken/2.png"].Data = broken["broken/2.png"].Data[:40]
	files := fstest.MapFS{
		"empty/a.txt": {}, "cut.gif": {Data: gif[:len(gif)/2]}, "cut.webp": {Data: webp[:len(webp)-20]}, "whole.gif": {Data: gif},
		"text.gif": {Data: []byte("GIF it is not")}, "film.mp4": {Data: []byte("\x00\x00\x00\x20ftypisom")}, "none.gif": {Data: append(slices.Clone(gif[:10]), 0, 0, 0, gifTrailer)},
	}
	for _, more := range []fstest.MapFS{sizes, broken} {
		for name, f := range more {
			files[name] = f
		}
	}
	for _, test := range []struct {
		name string
		opts VideoOptions
		want string
	}{
		{"empty", VideoOptions{}, "imageproc: empty: the folder has no pictures"},
		{"nothing", VideoOptions{}, "imageproc: nothing: file does not exist"},
		{"sizes", VideoOptions{}, "imageproc: sizes: frame 2, 2.png, has 2×3 pixels, and the first 2×2: frames must be of one size"},
		{"broken", VideoOptions{}, "imageproc: broken: frame 2: imageproc: 2.png: PNG data is truncated"},
		{"cut.gif", VideoOptions{}, "imageproc: cut.gif: "},
		{"cut.webp", VideoOptions{}, "imageproc: cut.webp: "},
		{"none.gif", VideoOptions{}, "imageproc: none.gif: the file has no frames"},
		{"text.gif", VideoOptions{}, "imageproc: text.gif: a video is a folder of pictures, or an animated GIF or WebP file: it is text"},
		{"film.mp4", VideoOptions{}, "it is an MP4 video; of what a video codec has written, write the frames into a folder first"},
		{"whole.gif", VideoOptions{Rate: 2}, "only a folder of pictures takes one"},
		{"sizes", VideoOptions{Rate: math.Inf(1)}, "a rate of +Inf frames a second"},
		{"sizes", VideoOptions{Sampling: Sampling{FPS: math.NaN()}}, "NaN frames a second are asked for"},
		{"sizes", VideoOptions{Sampling: Sampling{Frames: -1}}, "-1 frames are asked for"},
		{"sizes", VideoOptions{Sampling: Sampling{Frames: 1, FPS: 1}}, "give one of them"},
		{"whole.gif", VideoOptions{Options: Options{MaxBytes: 20}}, "larger than the limit of 20 bytes"},
		{"whole.gif", VideoOptions{Options: Options{MaxPixels: 20}}, "more than the limit of 20"},
	} {
		v, err := OpenVideo(files, test.name, test.opts)
		if err == nil {
			for _, e := range v.Each([]int{0, v.Len() - 2, v.Len() - 1}) {
				err = e
			}
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
}

// TestChoose compares with qwen_vl_utils 0.0.14 (whose frames are at torch.linspace),
// Qwen3VLVideoProcessor of transformers 5.24 (at numpy.linspace) and what LLaVA-OneVision's authors write.
func TestChoose(t *testing.T) {
	for _, test := range []struct {
		recipe VideoRecipe
		total  int
		rate   float64
		ask    Sampling
		want   []int
		fps    float64
	}{
		{Qwen2Video(), 5, 0, Sampling{}, []int{0, 1, 2, 3, 4}, 2},
		{Qwen2Video(), 6, 10, Sampling{FPS: 5}, []int{0, 2, 3, 5}, 4 / 6. * 10},
		{Qwen2Video(), 90, 30, Sampling{}, []int{0, 18, 36, 53, 71, 89}, 2},
		{Qwen2Video(), 26, 10, Sampling{FPS: 4}, []int{0, 3, 6, 8, 11, 14, 17, 19, 22, 25}, 10 / 26. * 10},
		{Qwen2Video(), 3, 10, Sampling{}, []int{0, 2}, 2 / 3. * 10},
		{Qwen2Video(), 1, 0, Sampling{}, []int{0}, 2},
		{Qwen2Video(), 9, 3, Sampling{Frames: 5}, []int{0, 3, 5, 8}, 4 / 9. * 3},
		{Qwen2Video(), 9, 3, Sampling{Frames: 100}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, 3},
		{Qwen3Video(), 90, 30, Sampling{}, []int{0, 18, 36, 53, 71, 89}, 2},
		{Qwen3Video(), 50, 20, Sampling{}, []int{0, 12, 24, 37, 49}, 2},
		{Qwen3Video(), 3, 10, Sampling{}, []int{0, 1, 2}, 10},
		{OneVisionVideo(), 5, 0, Sampling{}, []int{0, 1, 2, 3, 4}, 1},
		{OneVisionVideo(), 10, 5, Sampling{Frames: 4}, []int{0, 3, 6, 9}, 2},
		{OneVisionVideo(), 11, 5, Sampling{Frames: 4}, []int{0, 3, 6, 10}, 4 / 11. * 5},
	} {
		v := &Video{count: test.total, Rate: test.rate, Sampling: test.ask}
		got, fps, err := test.recipe.rule.Choose(v)
		if err != nil || !slices.Equal(got, test.want) || math.Abs(fps-test.fps) > 1e-12 {
			t.Errorf("%s, %d frames at %g, %+v: %v, %g a second, %v; want %v, %g", test.recipe.name, test.total, test.rate, test.ask, got, fps, err, test.want, test.fps)
		}
	}
	if got, _, _ := OneVisionVideo().rule.Choose(&Video{count: 1000}); len(got) != 32 || got[31] != 999 || got[1] != 32 {
		t.Errorf("%v", got)
	}
	v := &Video{Name: "film", count: 4, Sampling: Sampling{FPS: 1}}
	if _, _, err := Qwen2Video().rule.Choose(v); err == nil || !strings.Contains(err.Error(), "film: 1 frames a second are asked for") {
		t.Errorf("%v", err)
	}
}

// TestFootage: how large frames are seen, by the reference's bounds, and when they are.
func TestFootage(t *testing.T) {
	const published = `{"image_processor_type": "Qwen2VLImageProcessor", "min_pixels": 3136, "max_pixels": 12845056}`
	third := `{"size": {"longest_edge": 25165824, "shortest_edge": 4096}, "patch_size": 16, "video_processor_type": "Qwen3VLVideoProcessor"}`
	for _, test := range []struct {
		recipe     VideoRecipe
		own, other string
		count      int
		w, h       int
		wantW      int
		wantH      int
		views      int
	}{
		{Qwen2Video(), "", published, 8, 1920, 1080, 1008, 560, 4},
		{Qwen2Video(), "", published, 9, 100, 80, 364, 308, 5},
		{Qwen2Video(), "", published, 600, 1920, 1080, 728, 392, 300},
		{Qwen2Video(), `{"size": {"longest_edge": 25088, "shortest_edge": 3136}}`, published, 8, 1920, 1080, 196, 112, 4},
		{Qwen3Video(), third, published, 8, 1920, 1080, 1920, 1088, 4},
		{Qwen3Video(), third, published, 64, 1920, 1080, 832, 448, 32},
		{OneVisionVideo(), "", `{"image_processor_type": "LlavaOnevisionImageProcessor"}`, 3, 100, 50, 384, 384, 3},
	} {
		files := fstest.MapFS{"preprocessor_config.json": {Data: []byte(test.other)}}
		if test.own != "" {
			files["video_preprocessor_config.json"] = &fstest.MapFile{Data: []byte(test.own)}
		}
		p, err := OpenVideoProcessor(files, test.recipe)
		if err != nil {
			t.Error(err)
			continue
		}
		f, err := p.Plan(&Video{count: test.count, W: test.w, H: test.h})
		if err != nil || f.W != test.wantW || f.H != test.wantH || f.Views != test.views || len(f.Times) != len(f.Indices) {
			t.Errorf("%s, %d frames of %d×%d: %+v, %v", test.recipe.name, test.count, test.w, test.h, f, err)
		}
	}
}

func FuzzVideo(f *testing.F) {
	files, err := filepath.Glob("testdata/animation/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decodeVideo(data, Options{MaxPixels: 1 << 12})
		if err != nil {
			return
		}
		n := min(v.Len(), 64)
		for img, err := range v.Each([]int{0, n / 2, n - 1}) {
			if err == nil && (img.W != v.W || img.H != v.H) {
				t.Errorf("a frame of %d×%d in a video of %d×%d", img.W, img.H, v.W, v.H)
			}
		}
	})
}

// TestFirstFrame: an animation read as a picture is its first frame.
func TestFirstFrame(t *testing.T) {
	files, err := filepath.Glob("testdata/animation/*.[gw]*")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	for _, name := range files {
		img, err := OpenFile(name, Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		v, err := OpenVideoFile(name, VideoOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for first := range v.Each([]int{0}) {
			if !bytes.Equal(first.Pix, img.Pix) {
				t.Errorf("%s: the picture differs from the first frame", name)
			}
		}
	}
}

func FuzzVideoProcessor(f *testing.F) {
	f.Add([]byte(`{"size": {"longest_edge": 25165824, "shortest_edge": 4096}, "patch_size": 16, "fps": 2, "max_frames": 8}`), 7, 640, 480)
	f.Add([]byte(`{"size": {"height": 384, "width": 384}, "temporal_patch_size": 2, "min_frames": 4}`), 1, 1, 1)
	f.Fuzz(func(t *testing.T, config []byte, count, w, h int) {
		if min(count, w, h) < 1 || count > maxFrames || max(w, h) > 1<<16 {
			return
		}
		for _, r := range []VideoRecipe{Qwen2Video(), Qwen3Video(), OneVisionVideo()} {
			for _, own := range []bool{false, true} {
				p, err := r.build(config, own)
				if err != nil {
					continue
				}
				seen, err := p.Plan(&Video{count: count, W: w, H: h, Rate: 10})
				if err == nil && (seen.Views < 1 || len(seen.Indices) != seen.Views*p.Span || seen.Indices[len(seen.Indices)-1] >= count) {
					t.Errorf("%d frames: %+v", count, seen)
				}
			}
		}
	})
}
