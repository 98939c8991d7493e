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
	// train-7-000000 (64,64)
	// large red triangle [16 19 37 38]
	// large orange diamond [41 18 62 38]
	// en/shape: Tell me the shape of the big orange object. diamond
	// zh/caption: 这张图里有什么？ 一个红色的大三角形和一个橙色的大菱形
	// en/count: How many objects are there? 2
	// zh/shape: 红色的物体是什么形状的？ 三角形
	// en/size: Is the orange object small or large? large
	// zh/colour: 三角形是什么颜色？ 红色
}
