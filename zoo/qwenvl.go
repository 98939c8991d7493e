package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/chat"
	"github.com/fovea-ml/fovea/model/grounding"
	"github.com/fovea-ml/fovea/model/qwenvl"
	"github.com/fovea-ml/fovea/tokenizer"
)

// qwenVLFamily is the row of Qwen-VL and Qwen-VL-Chat.
func qwenVLFamily() Family {
	const tower = "transformer.visual."
	return Family{
		Architecture: "QWenLMHeadModel", ModelType: "qwen",
		New:       declare(qwenvl.ParseConfig, qwenvl.New),
		Processor: openQwenVL,
		Boxes:     grounding.QwenVL(),
		Tied:      []checkpoint.Tied{{Name: "lm_head.weight", To: "transformer.wte.weight"}},
		Parts: []Part{
			{"vision", tower + "conv1."}, {"vision", tower + "positional_embedding"}, {"vision", tower + "ln_pre."}, {"vision", tower + "transformer."},
			{"adapter", tower}, {"language", ""},
		},
	}
}

// What Qwen-VL's qwen_generation_utils.py and tokenization_qwen.py write around
// texts, as templates. Pictures are counted in each turn anew.
const (
	qwenPictures = "{%- macro content(parts) -%}{%- set count = namespace(n=0) -%}{%- for part in parts -%}" +
		"{%- if part['type'] == 'image' -%}{%- set count.n = count.n + 1 -%}{{ 'Picture ' ~ count.n ~ ': <img></img>\n' }}" +
		"{%- else -%}{{ part['text'] }}{%- endif -%}{%- endfor -%}{%- endmacro -%}"
	qwenChat = qwenPictures + "{%- if messages[0]['role'] != 'system' -%}{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{%- endif -%}" +
		"{%- for message in messages -%}{{ '<|im_start|>' ~ message['role'] ~ '\n' ~ content(message['content']) ~ '<|im_end|>' }}" +
		"{%- if not loop.last or add_generation_prompt -%}{{ '\n' }}{%- endif -%}{%- endfor -%}" +
		"{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
	qwenRaw = qwenPictures + "{%- for message in messages -%}{%- if not loop.first -%}{{ '\n' }}{%- endif -%}{{ content(message['content']) }}{%- endfor -%}"
)

func openQwenVL(fsys fs.FS, net any) (model.Processor, error) {
	cfg := net.(*qwenvl.Model).Config()
	p, err := openChat(fsys)
	if err != nil {
		return nil, err
	}
	p.Marker, p.Tokens = cfg.ImageStart, net.(*qwenvl.Model).Tokens
	p.Brackets = &chat.Brackets{End: cfg.ImageEnd(), Pad: cfg.ImagePad()}
	for i, name := range []string{"<img>", "</img>", "<imgpad>"} {
		if id, ok := p.Tok.ID(name); !ok || id != cfg.ImageStart+int32(i) {
			return nil, fmt.Errorf("the tokenizer has %s as token %d, and config.json as %d: is it another model's?", name, id, cfg.ImageStart+int32(i))
		}
	}
	side, err := qwenVLSide(fsys, cfg.Vision.ImageSize, cfg.Vision.PatchSize)
	if err != nil {
		return nil, err
	}
	p.Pictures = qwenVLPictures(side)
	if p.Template != nil {
		return p, nil
	}
	format, err := chatFormat(fsys)
	if err != nil {
		return nil, err
	}
	source := qwenRaw
	if format != "raw" {
		source, p.EOS = qwenChat, "<|im_end|>"
	}
	p.Template, err = tokenizer.ParseTemplate(source, nil)
	return p, err
}

// qwenVLSide is the size of pictures. The checkpoints say it in config.json only, and the
// tower interpolates its positions: a preprocessor_config.json may ask for another.
func qwenVLSide(fsys fs.FS, side, patch int) (int, error) {
	data, err := fs.ReadFile(fsys, pipelineFile)
	if errors.Is(err, fs.ErrNotExist) {
		return side, nil
	}
	var f struct {
		Size struct{ Height, Width int } `json:"size"`
	}
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", pipelineFile, err)
	}
	if n := f.Size.Height; n < patch || n > 1<<12 || n%patch != 0 || n != f.Size.Width {
		return 0, fmt.Errorf("%s: size is %d×%d, want a square whose side is a multiple of %d, the tower's patch_size", pipelineFile, f.Size.Width, f.Size.Height, patch)
	}
	return f.Size.Height, nil
}

// qwenVLPictures is the pipeline of Qwen-VL's visual.py: aspect ratios are not kept.
func qwenVLPictures(side int) *imageproc.Processor {
	norm := imageproc.Normalize{
		Rescale: 1.0 / 255, Mean: [3]float64{0.48145466, 0.4578275, 0.40821073}, Std: [3]float64{0.26862954, 0.26130258, 0.27577711},
	}
	return imageproc.NewPipeline(norm, imageproc.ResizeTo{W: side, H: side, Filter: imageproc.Bicubic})
}

// aboutQwenVL is what the first Qwen-VL is made of.
var aboutQwenVL = About{
	System: "Qwen-VL", Published: []string{"Qwen/Qwen-VL", "Qwen/Qwen-VL-Chat"},
	Encoder: "OpenCLIP's ViT-bigG at 448 pixels", Adapter: "resampler: 256 queries, positions in two dimensions", Language: "Qwen",
	Layouts: "PyTorch .bin or safetensors, whole or in shards; qwen.tiktoken", Fixtures: []string{"qwen_vl"}, Presets: []string{"qwen-vl-chat"}, Try: []string{tryAsk},
}
