package zoo

// About tells people what a family is, and what is known of it here.
type About struct {
	System    string   // that it belongs to, such as "BLIP"; "" for parts alone
	Published []string // checkpoints, as their authors name them
	Encoder   string
	Adapter   string
	Language  string
	Layouts   string   // files that can be opened
	Fixtures  []string // directories of testdata with what the reference computes
	Presets   []string // shapes of published checkpoints, by the names of fovea bench --preset
	Videos    string   // what it sees of them, "" if it takes none; the fixture's expectations are in a directory of its name with _video behind
	Try       []string // commands; {model}, {picture} and {video} stand for paths
}

// about completes a row of the table.
func (f Family) about(a About) Family {
	f.About = a
	return f
}

// Files that hold weights.
const (
	hubFiles  = "safetensors or PyTorch .bin, whole or in shards; names of the hub, and of transformers 4.52 and later"
	ggufFiles = hubFiles + "; GGUF with mmproj"
	textFiles = "safetensors or PyTorch .bin, whole or in shards; GGUF"
)

// Commands that most models answer.
const (
	tryAsk  = `fovea ask --model {model} --image {picture} "What is in the picture?"`
	tryFilm = `fovea ask --model {model} --video {video} --max-tokens 100 "What happens?"`
	tryText = `fovea ask --model {model} --max-tokens 20 "Once upon a time"`
)
