// Package embedded holds the model inside the binary: fovea-tiny, a LLaVA that
// recipes/fovea-tiny.json trained on drawn scenes. It answers questions about
// pictures such as examples/ has, in English and Chinese, and knows nothing else.
package embedded

import (
	"embed"
	"io/fs"
)

// Name is what messages call the model.
const Name = "fovea-tiny"

//go:embed fovea-tiny
var files embed.FS

// Tiny returns the model's checkpoint directory, to be opened with zoo.Open.
func Tiny() fs.FS {
	dir, err := fs.Sub(files, Name)
	if err != nil {
		panic(err) // the name is a valid path
	}
	return dir
}
