package generate_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fovea-ml/fovea/generate"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/zoo"
)

// A video is a folder of pictures, or an animated GIF or WebP file; it is shown as a
// picture is.
func Example_video() {
	m, err := zoo.OpenDir("Qwen2.5-VL-3B-Instruct")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	clip, err := imageproc.OpenVideoFile("frames", imageproc.VideoOptions{Rate: 25, Sampling: imageproc.Sampling{FPS: 1}})
	if err != nil {
		log.Fatal(err)
	}
	prompt, err := m.Processor.Process([]model.Turn{{Role: "user", Text: "What happens?", Videos: []*imageproc.Video{clip}}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(prompt.IDs), "tokens")
}

// A picture and a question in, an answer out.
func Example() {
	m, err := zoo.OpenDir("llava-1.5-7b-hf")
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	picture, err := imageproc.OpenFile("cat.jpg", imageproc.Options{})
	if err != nil {
		log.Fatal(err)
	}
	prompt, err := m.Processor.Process([]model.Turn{{Role: "user", Text: "What is it?", Images: []*imageproc.RGB{picture}}})
	if err != nil {
		log.Fatal(err)
	}
	vlm, _ := m.VLM()
	answer, err := generate.Start(generate.NewSession(vlm, 0, nil), m.Tokenizer, generate.Options{EOS: m.Generation.EOS})
	if err != nil {
		log.Fatal(err)
	}
	for token, err := range answer.Tokens(context.Background(), prompt) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(token.Text)
	}
}
