package data_test

import (
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/data"
)

// A program that learns from a data set leaves out what is broken, and counts it.
func Example() {
	set, err := data.Open("testdata/broken.jsonl", data.Options{Images: "testdata/images"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer set.Close()
	left := set.Broken()
	for i := range set.Len() {
		sample, err := set.At(i)
		if err == nil {
			_, err = sample.Conversation(sample.Turns)
		}
		if _, broken := errors.AsType[*data.Problem](err); broken {
			left++
			continue
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(sample.ID, "is whole")
	}
	fmt.Println(left, "are left out; the first:", set.Problems()[0])
	// Output:
	// good is whole
	// outside is whole
	// 6 are left out; the first: data: testdata/broken.jsonl: row 2 ("user-last"): conversation does not end with an answer
}
