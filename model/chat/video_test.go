package chat_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/tokenizer"
)

const films = "../../testdata/qwen3_vl_video"

// openQwen returns a processor that shows videos with the times of their views, or at
// once; every view of 64×64 pixels has 4 tokens.
func openQwen(t *testing.T, stamped bool) *chat.Processor {
	t.Helper()
	const dir = "../../testdata/qwen3_vl"
	tok, err := tokenizer.Open(dir)
	check(t, err)
	id := func(name string) int32 {
		id, ok := tok.ID(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		return id
	}
	p := &chat.Processor{Tok: tok, Marker: id("<|image_pad|>"), VideoMarker: id("<|video_pad|>"), Tokens: func(t *model.Tiles) int { return 4 * len(t.Views.Sizes) }}
	if stamped {
		p.Stamps = &chat.Stamps{Start: id("<|vision_start|>"), End: id("<|vision_end|>")}
	}
	p.Pictures, err = imageproc.OpenProcessor(os.DirFS(dir))
	check(t, err)
	p.Videos, err = imageproc.OpenVideoProcessor(os.DirFS(dir), imageproc.Qwen3Video())
	check(t, err)
	p.Template, err = tok.ChatTemplate("")
	check(t, err)
	return p
}

func film(t *testing.T, name string) *imageproc.Video {
	t.Helper()
	v, err := imageproc.OpenVideoFile(films+"/"+name, imageproc.VideoOptions{})
	check(t, err)
	return v
}

// read spells a prompt, with one # for each run of placeholders.
func read(p *chat.Processor, prompt *model.Prompt) string {
	s := p.Tok.Decode(prompt.IDs, false)
	for _, mark := range []string{"<|image_pad|>", "<|video_pad|>"} {
		for strings.Contains(s, mark+mark) {
			s = strings.ReplaceAll(s, mark+mark, mark)
		}
	}
	return strings.NewReplacer("<|image_pad|>", "#", "<|video_pad|>", "%", "<|vision_start|>", "[", "<|vision_end|>", "]", "<|im_start|>", "", "<|im_end|>", "").Replace(s)
}

// TestVideoPlaces: pictures and videos stand where their markers are, in any order, and
// those without one before the text.
func TestVideoPlaces(t *testing.T) {
	img, err := imageproc.OpenFile(films+"/frames/frame8.png", imageproc.Options{})
	check(t, err)
	for _, test := range []struct {
		text, stamped, whole string
	}{
		{"What?", "[#]<0.1 seconds>[%]<0.4 seconds>[%]What?", "[#][%]What?"},
		{"In <video> is <image>?", "In <0.1 seconds>[%]<0.4 seconds>[%] is [#]?", "In [%] is [#]?"},
		{"<image>\n<video>\nWhat?", "[#]<0.1 seconds>[%]<0.4 seconds>[%]What?", "[#][%]What?"},
		{"Is <image> there?", "<0.1 seconds>[%]<0.4 seconds>[%]Is [#] there?", "[%]Is [#] there?"},
	} {
		for stamped, want := range map[bool]string{true: test.stamped, false: test.whole} {
			p := openQwen(t, stamped)
			turn := model.Turn{Role: "user", Text: test.text, Images: []*imageproc.RGB{img}, Videos: []*imageproc.Video{film(t, "film.gif")}}
			got, err := p.Process([]model.Turn{turn})
			check(t, err)
			if s := read(p, got); s != "user\n"+want+"\nassistant\n" {
				t.Errorf("%s: %q, want %q", test.text, s, want)
			}
			taught, err := p.Learn([]model.Turn{turn, assistant("A cat")})
			check(t, err)
			if at := slices.Clone(taught.At); !slices.Equal(at, got.At) || taught.Labelled() == 0 {
				t.Errorf("%s: learnt at %v, asked at %v", test.text, at, got.At)
			}
		}
	}
}

// TestVideoClips: one part with all views, or one for each, and when their frames are.
func TestVideoClips(t *testing.T) {
	for stamped, want := range map[bool][][]float64{true: {{0, 0.2}, {0.3, 0.5}}, false: {{0, 0.2, 0.3, 0.5}}} {
		got, err := openQwen(t, stamped).Process([]model.Turn{{Role: "user", Text: "a", Videos: []*imageproc.Video{film(t, "film.gif")}}})
		check(t, err)
		for i, tiles := range got.Images {
			if len(got.Images) != len(want) || !slices.Equal(tiles.Clip.Times, want[i]) || len(tiles.Views.Frames) != len(want[i])/2 || tiles.Views.Depth(0) != 2 {
				t.Errorf("part %d of %d: %+v, frames %v", i, len(got.Images), tiles.Clip, tiles.Views.Frames)
			}
			if n := 3 * 64 * 64 * len(want[i]); len(tiles.Views.Pixels) != n {
				t.Errorf("part %d: %d pixels, want %d", i, len(tiles.Views.Pixels), n)
			}
		}
	}
}

func TestVideoErrors(t *testing.T) {
	p, v := openQwen(t, false), film(t, "film.gif")
	ask := func(text string, videos ...*imageproc.Video) error {
		_, err := p.Process([]model.Turn{{Role: "user", Text: text, Videos: videos}})
		return err
	}
	finished := func(text string, videos ...*imageproc.Video) error {
		_, err := p.ProcessText(text, nil, videos...)
		return err
	}
	_, apart := p.LearnApart([]model.Turn{user("a"), assistant("b"), {Role: "user", Text: "c", Videos: []*imageproc.Video{v}}, assistant("d")})
	_, none := open(t, "").Process([]model.Turn{{Role: "user", Text: "a", Videos: []*imageproc.Video{v}}})
	for i, test := range []struct {
		err  error
		want string
	}{
		{ask("<video> and <video>", v), "chat: turn 1: 2 <video> markers and 1 videos"},
		{ask("<video>"), "chat: turn 1: 1 <video> markers and 0 videos"},
		{finished("<|video_pad|> and <|video_pad|>", v), "chat: the prompt has more <|video_pad|> markers than videos (1)"},
		{finished("no", v), "chat: the prompt has 0 <|video_pad|> markers and 1 videos"},
		{finished("<video>", v), "chat: <video> says nothing to this model in a finished prompt: <|video_pad|> stands for a video"},
		{finished("<|image_pad|>"), "chat: the prompt has more <|image_pad|> markers than pictures (0)"},
		{apart, "chat: turn 3 has pictures of its own"},
		{none, "chat: this model takes no videos, and the prompt has 1"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%d: error %v, want %s", i, test.err, test.want)
		}
	}
	p.Stamps = &chat.Stamps{}
	if err := finished("<|video_pad|> and <|video_pad|>", v); err == nil || !strings.Contains(err.Error(), "2 <|video_pad|> markers and 1 videos") {
		t.Errorf("with stamps: %v", err)
	}
}
