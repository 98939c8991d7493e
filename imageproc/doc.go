// Package imageproc turns picture files into the float tensors that vision
// encoders read, bit for bit as the reference pipeline (Pillow and the NumPy
// backend of Hugging Face transformers) does.
//
// A file is recognised by its content, checked against size limits before any
// pixel is decoded, turned upright by its EXIF orientation and converted to
// 8-bit RGB. A [Processor], read from a preprocessor_config.json, then resizes,
// crops and normalises it, and reports the [Geometry] that maps boxes between
// the picture and the model's view of it.
package imageproc
