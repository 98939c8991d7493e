package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/model/clip"
	"github.com/fovea-ml/fovea/model/llama"
	"github.com/fovea-ml/fovea/model/llava"
)

// OpenGGUF opens a language model of architecture llama, qwen2, qwen3, qwen2vl or qwen3vl in a GGUF file, or the first of
// several, and with it, if mmproj is not "", the tower and projector of LLaVA-1.5, LLaVA-NeXT or a Qwen-VL from the second
// generation on in another. The config is made of the metadata, and so
// are the tokenizer and the chat template. Weights stay as they are stored, in the mapped files.
func OpenGGUF(path, mmproj string) (*Model, error) {
	m := &Model{Name: path, files: os.DirFS(filepath.Dir(path))}
	if err := m.openGGUF(path, mmproj); err != nil {
		m.Close() // the reason is err
		return nil, fmt.Errorf("zoo: %s: %w", path, err)
	}
	return m, nil
}

func openFile(path string) (*checkpoint.Checkpoint, error) {
	return checkpoint.Open(os.DirFS(filepath.Dir(path)), filepath.Base(path))
}

func (m *Model) openGGUF(path, mmproj string) (err error) {
	if m.ckpt, err = openFile(path); err != nil {
		return err
	}
	k := &ggufKeys{kv: m.ckpt.GGUF()}
	if k.kv == nil {
		return errors.New("not a GGUF file")
	}
	switch arch := k.textOr(keyArchitecture, ""); arch {
	case "llama", "qwen2", "qwen3", "qwen2vl", "qwen3vl":
	case "clip":
		return errors.New("the file has a picture encoder only: give it as mmproj, beside a language model")
	default:
		return fmt.Errorf("unknown architecture %q; known are llama, qwen2, qwen3, qwen2vl and qwen3vl", arch)
	}
	text := textConfig(m.ckpt, k)
	if err := k.err(); err != nil {
		return err
	}
	if mmproj == "" {
		return m.openText(k, text)
	}
	if m.mmproj, err = openFile(mmproj); err != nil {
		return err
	}
	open := m.openPictured
	if strings.HasSuffix(text["model_type"].(string), "vl") {
		open = m.openGGUFQwenVL
	}
	if err := open(k, text); err != nil {
		return fmt.Errorf("with %s: %w", mmproj, err)
	}
	return nil
}

// openText makes a language model alone.
func (m *Model) openText(k *ggufKeys, config map[string]any) error {
	cfg, err := parseText(m.ckpt, config)
	if err != nil {
		return err
	}
	config["model_type"] = strings.TrimSuffix(config["model_type"].(string), "vl") // without pictures
	config["architectures"] = []string{map[string]string{"llama": "LlamaForCausalLM", "qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM"}[config["model_type"].(string)]}
	if err := m.configured(config); err != nil {
		return err
	}
	m.Net = &languageModel{llama.New(cfg)}
	if err := m.bindGGUF(m.ckpt, toOurs(languageNames(), ""), ""); err != nil {
		return err
	}
	p, err := ggufChat(k.kv)
	if err != nil {
		return err
	}
	m.Processor = p
	return m.openedGGUF(k)
}

// openPictured makes LLaVA.
func (m *Model) openPictured(k *ggufKeys, text map[string]any) error {
	pictures := &ggufKeys{kv: m.mmproj.GGUF()}
	if arch := pictures.textOr(keyArchitecture, ""); arch != "clip" {
		return fmt.Errorf("architecture %q, want clip", arch)
	}
	kv, marker := withMarker(k.kv)
	config := llavaConfig(m.mmproj, pictures, text, marker)
	norm := ggufNormalize(pictures)
	if err := pictures.err(); err != nil {
		return err
	}
	if err := m.configured(config); err != nil {
		return err
	}
	parse := llava.ParseConfig
	if pictures.has(keyPinpoints) {
		parse = llava.ParseNext
	}
	cfg, err := parse(m.Config)
	if err != nil {
		return err
	}
	if cfg.Text, err = parseText(m.ckpt, text); err != nil {
		return err
	}
	net, err := llava.New(cfg)
	if err != nil {
		return err
	}
	if !stored(m.mmproj, "v.post_ln.weight") {
		net.Vision.(*clip.Vision).Cut() // the config that was made of the file says clip
	}
	m.Net = net
	swapped := swappedFFN(m.mmproj, cfg.Vision.HiddenSize)
	err = errors.Join(
		m.bindGGUF(m.ckpt, toOurs(languageNames(), languagePrefix), languagePrefix),
		m.bindGGUF(m.mmproj, toOurs(pictureNames(swapped), ""), "vision_tower.", "multi_modal_projector.", "image_newline"))
	if err != nil {
		return err
	}
	if m.Processor, err = ggufLLaVA(kv, net, norm); err != nil {
		return err
	}
	return m.openedGGUF(k)
}

const languagePrefix = "language_model."

// swappedFFN recognises the files whose ffn_up and ffn_down have each other's names, as llama.cpp does.
func swappedFFN(mmproj *checkpoint.Checkpoint, width int) bool {
	down, ok := mmproj.Info("v.blk.0.ffn_down.weight")
	return ok && len(down.Shape) == 2 && down.Shape[1] == width
}

// configured keeps a config as the config.json that it might have been.
func (m *Model) configured(config map[string]any) (err error) {
	if m.Config, err = json.Marshal(config); err != nil {
		return err
	}
	m.Family, err = familyOf(m.Config)
	return err
}

// openedGGUF fills the fields that follow from the Processor.
func (m *Model) openedGGUF(k *ggufKeys) error {
	m.Tokenizer, m.Pictures = m.Processor.Tokenizer(), m.Processor.PictureProcessor()
	m.Generation = Generation{EOS: endTokens(k, m.Tokenizer), Temperature: 1, TopK: 50, TopP: 1, RepetitionPenalty: 1}
	return k.err()
}

// bindGGUF binds the parameters whose names start with one of the prefixes.
func (m *Model) bindGGUF(c *checkpoint.Checkpoint, names []checkpoint.Rename, prefixes ...string) error {
	var params []checkpoint.Param
	for _, p := range m.params() {
		for _, prefix := range prefixes {
			if strings.HasPrefix(p.Name, prefix) {
				params = append(params, p)
			}
		}
	}
	return checkpoint.Bind(c, params, names, checkpoint.BindOptions{Ignore: []string{"*rope_freqs.weight", "*.attn_rot_embd"}})
}
