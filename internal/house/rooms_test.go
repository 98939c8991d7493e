package house

import "slices"

// room is a package and what it may import: packages of this module, and
// modules of others. The standard library is open to all.
type room struct {
	path   string
	uses   []string
	others []string
}

// The packages below model/, by what they are.
var (
	encoders   = []string{"model/blipvit", "model/clip", "model/siglip", "model/dinov2", "model/convnext", "model/qwenvit", "model/bigg"}
	adapters   = []string{"model/projector", "model/merger", "model/qformer", "model/resampler"}
	decoders   = []string{"model/llama", "model/opt", "model/t5"}
	ensemble   = "model/ensemble" // an encoder made of encoders
	processors = []string{"model/chat"}
	families   = []string{"model/blip", "model/blip2", "model/llava", "model/qwenvl", "model/qwen2vl", "model/sphinx"} // of more than one part
)

// rooms is the table: from the ground up, each room uses those above it in the
// list, and never one below it.
func rooms() []room {
	parts := []string{"tensor", "ops", "nn", "model"}
	seams := []string{"tensor", "imageproc", "tokenizer", "model"}
	all := []room{
		{path: "internal/cpu", others: []string{"golang.org/x/sys"}},
		{path: "kernel", uses: []string{"internal/cpu"}},
		{path: "tensor", uses: []string{"kernel"}},
		{path: "ops", uses: []string{"kernel", "tensor"}},
		{path: "nn", uses: []string{"tensor", "ops"}},

		{path: "imageproc/jpeg"},
		{path: "imageproc", uses: []string{"imageproc/jpeg"}, others: []string{"golang.org/x/image"}},
		{path: "tokenizer", others: []string{"github.com/nikolalohinski/gonja", "github.com/dlclark/regexp2", "golang.org/x/text"}},
		{path: "internal/pickle"},
		{path: "checkpoint", uses: []string{"internal/pickle", "kernel", "tensor"}, others: []string{"golang.org/x/sys"}},
		{path: "data/scenes"},

		{path: "model", uses: []string{"tensor", "ops", "imageproc", "tokenizer"}},
	}
	all = append(all, room{path: "model/vit", uses: parts}) // what encoders share
	all = append(all, room{path: "model/grounding", uses: []string{"imageproc"}})
	all = append(all, room{path: "model/bert", uses: parts}) // what the Q-Former and BLIP's text models share
	for _, path := range encoders {
		all = append(all, room{path: path, uses: append([]string{"model/vit"}, parts...)})
	}
	for _, path := range slices.Concat(adapters, decoders) {
		all = append(all, room{path: path, uses: append([]string{"model/bert"}, parts...)})
	}
	all = append(all, room{path: ensemble, uses: slices.Concat([]string{"model/vit", "imageproc"}, parts, encoders, adapters)})
	for _, path := range processors {
		all = append(all, room{path: path, uses: seams})
	}
	for _, path := range families {
		all = append(all, room{path: path, uses: slices.Concat([]string{"model/vit", "model/bert"}, parts, seams, encoders, adapters, decoders, processors, []string{ensemble})})
	}
	models := slices.Concat([]string{"model/vit", "model/bert", "model/grounding", ensemble}, encoders, adapters, decoders, processors, families)
	run := []string{"kernel", "tensor", "model", "imageproc", "tokenizer"}
	return append(all,
		room{path: "lora", uses: []string{"kernel", "tensor", "nn", "checkpoint"}},
		room{path: "zoo", uses: slices.Concat(models, parts, seams, []string{"kernel", "checkpoint", "lora"})},
		room{path: "embedded"},
		room{path: "internal/golden", uses: []string{"kernel", "tensor", "checkpoint"}},

		room{path: "generate", uses: run},
		room{path: "data", uses: []string{"data/scenes", "internal/pickle", "model", "model/grounding", "imageproc"}, others: []string{"github.com/parquet-go/parquet-go", "github.com/klauspost/compress", "github.com/andybalholm/brotli", "go.yaml.in/yaml"}},
		room{path: "train", uses: slices.Concat(run, []string{"ops", "nn", "checkpoint", "lora", "zoo", "generate", "data", "data/scenes"})},
		room{path: "eval", uses: slices.Concat(run, []string{"zoo", "generate", "data", "data/scenes"})},
		room{path: "internal/verify", uses: slices.Concat(run, []string{"nn", "zoo", "generate", "internal/golden"})},

		room{path: "internal/tensorboard"},
		room{path: "internal/watch"},

		room{path: "cmd/fovea", uses: slices.Concat(run, decoders, []string{
			"model/vit", "model/clip", "model/llava", "model/blip", "model/blip2", "model/qwenvl", "model/qwen2vl", "model/sphinx", // to count a tower's work
			"model/grounding",
			"nn", "checkpoint", "lora", "zoo", "embedded", "generate", "data", "data/scenes", "train", "eval", "internal/golden", "internal/verify",
			"internal/tensorboard", "internal/watch",
		}), others: []string{"github.com/alecthomas/kong", "github.com/vbauerster/mpb", "golang.org/x/sys", "golang.org/x/term"}},

		room{path: "internal/cputest", uses: []string{"internal/cpu"}}, // helps tests, and nobody else may use it
		room{path: "internal/gradtest", uses: []string{"tensor", "nn"}},
		room{path: "internal/modeltest", uses: []string{"tensor", "nn", "model", "generate"}},
		room{path: "internal/house"},
	)
}

// unsafeRooms may use package unsafe: memory of the kernels, mapped files.
var unsafeRooms = []string{"kernel", "checkpoint"}

// stateful are the package variables that may change while the program runs.
var stateful = []string{
	"kernel.useAMX", "kernel.useAVX2", "kernel.useAVX512", "kernel.useNEON", "kernel.Impls", // the choice of kernels, made once
	"kernel.useVNNI", "kernel.useAVXVNNI",
	"kernel.serial", "model/llama.passes", // memory lent and given back
}
