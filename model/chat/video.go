package chat

import (
	"fmt"
	"image"
	"strconv"
	"strings"

	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
)

// Stamps are how Qwen3-VL shows a video: its views one after another, each with its
// time before it and between two tokens.
type Stamps struct{ Start, End int32 }

// seen are the pictures and videos of a conversation as the encoder reads them.
type seen struct {
	images []*model.Tiles
	videos [][]*model.Tiles // of each video, what has placeholders of its own
}

// see runs the pipelines of pictures and videos.
func (p *Processor) see(images []*imageproc.RGB, videos []*imageproc.Video) (seen, error) {
	var out seen
	if len(videos) > 0 && p.Videos == nil {
		return out, fmt.Errorf("chat: this model takes no videos, and the prompt has %d", len(videos))
	}
	var err error
	if out.images, err = p.tiles(images); err != nil {
		return out, err
	}
	for i, v := range videos {
		f, err := p.Videos.Footage(v)
		if err != nil {
			return out, fmt.Errorf("chat: video %d: %w", i+1, err)
		}
		out.videos = append(out.videos, p.views(v, f))
	}
	return out, nil
}

// views are the parts of a video that have placeholders of their own.
func (p *Processor) views(v *imageproc.Video, f *imageproc.Footage) []*model.Tiles {
	parts, each := 1, f.Views
	if p.Stamps != nil {
		parts, each = f.Views, 1
	}
	span := len(f.Indices) / f.Views
	out := make([]*model.Tiles, parts)
	for i := range out {
		t := &model.Tiles{Original: image.Pt(v.W, v.H), Clip: &model.Clip{FPS: f.FPS, Times: f.Times[i*each*span : (i+1)*each*span]}}
		size := len(f.Pixels) / parts
		t.Views.Pixels = f.Pixels[i*size : (i+1)*size : (i+1)*size]
		for range each {
			t.Views.Sizes = append(t.Views.Sizes, image.Pt(f.W, f.H))
			t.Geometry = append(t.Geometry, f.Geometry)
			if span > 1 {
				t.Views.Frames = append(t.Views.Frames, span)
			}
		}
		out[i] = t
	}
	return out
}

// stamped is text with the views of each video, and their times, in the place of its marker.
func (p *Processor) stamped(text string, videos [][]*model.Tiles) (string, error) {
	if p.Stamps == nil || len(videos) == 0 {
		return text, nil
	}
	mark, start, end := p.markOf("video"), p.Tok.Token(p.Stamps.Start), p.Tok.Token(p.Stamps.End)
	if n := strings.Count(text, mark); n != len(videos) {
		return "", fmt.Errorf("chat: the prompt has %d %s markers and %d videos", n, mark, len(videos))
	}
	var b strings.Builder
	for _, views := range videos {
		before, after, _ := strings.Cut(text, mark)
		if strings.HasSuffix(before, start) && strings.HasPrefix(after, end) {
			before, after = strings.TrimSuffix(before, start), strings.TrimPrefix(after, end)
		}
		b.WriteString(before)
		for _, t := range views {
			times := t.Clip.Times
			mean := (times[0] + times[len(times)-1]) / 2
			b.WriteString("<" + strconv.FormatFloat(mean, 'f', 1, 64) + " seconds>" + start + mark + end)
		}
		text = after
	}
	return b.String() + text, nil
}

// markOf is what stands for a picture or a video in text.
func (p *Processor) markOf(kind string) string {
	if kind == "video" {
		return p.Tok.Token(p.VideoMarker)
	}
	return p.mark()
}

// inOrder are the pictures and the parts of videos in the order of their markers.
func (p *Processor) inOrder(ids []int32, s seen) ([]*model.Tiles, error) {
	if p.Videos == nil {
		return s.images, nil
	}
	var videos, out []*model.Tiles
	for _, v := range s.videos {
		videos = append(videos, v...)
	}
	all := map[int32][]*model.Tiles{p.Marker: s.images, p.VideoMarker: videos}
	met := map[int32]int{}
	for _, id := range ids {
		if list, ok := all[id]; ok {
			if n := met[id]; n < len(list) {
				out = append(out, list[n])
			}
			met[id]++
		}
	}
	for _, k := range []struct {
		id   int32
		n    int
		mark string
		name string
	}{{p.Marker, len(s.images), p.ownMarker(), "pictures"}, {p.VideoMarker, len(videos), p.markOf("video"), "videos"}} {
		if met[k.id] > k.n {
			return nil, fmt.Errorf("chat: the prompt has more %s markers than %s (%d)", k.mark, k.name, k.n)
		}
		if met[k.id] < k.n {
			return nil, fmt.Errorf("chat: the prompt has %d %s markers and %d %s", met[k.id], k.mark, k.n, k.name)
		}
	}
	return out, nil
}
