package scenes_test

import (
	"fmt"

	"github.com/fovea-ml/fovea/data/scenes"
)

// Scenes need no files: draw as many as the training wants, in any order.
func Example() {
	opts := scenes.Options{Split: scenes.Train, Side: 64, Questions: 6}
	s := scenes.Generate(7, 0, opts)
	fmt.Println(s.ID, s.Image().Bounds().Size())
	for _, o := range s.Objects {
		fmt.Println(o.Size, o.Colour, o.Shape, o.Box)
	}
	for _, q := range s.Questions {
		fmt.Printf("%s/%s: %s %s\n", q.Lang, q.Type, q.Text, q.Answer)
	}
	// Output:
}
