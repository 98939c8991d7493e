package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

const maxFile = 128 << 20 // bytes; the largest published tokenizer.json has 34 MB

// Open reads the tokenizer of a Hugging Face checkpoint directory.
func Open(dir string) (*Tokenizer, error) { return OpenFS(os.DirFS(dir), ".") }

// OpenFS reads the tokenizer in directory dir of fsys: tokenizer.json if there is one, else tokenizer.model or spiece.model, else
// vocab.json with merges.txt, else the first Qwen's qwen.tiktoken. tokenizer_config.json, special_tokens_map.json, added_tokens.json and the chat template
// (chat_template.jinja, chat_template.json, or inside tokenizer_config.json) are read if present. Errors name the file.
func OpenFS(fsys fs.FS, dir string) (*Tokenizer, error) {
	d := folder(func(name string) (fs.File, error) { return fsys.Open(path.Join(dir, name)) })
	t, err := d.open()
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

// folder opens the files of one directory.
type folder func(name string) (fs.File, error)

func (d folder) open() (*Tokenizer, error) {
	cfg, err := d.settings()
	if err != nil {
		return nil, err
	}
	templates, err := d.chatTemplates(cfg)
	if err != nil {
		return nil, err
	}
	t, err := d.load(cfg)
	if err != nil {
		return nil, err
	}
	t.config, t.templates = cfg, templates
	return t, nil
}

// load reads the first vocabulary that the directory has.
func (d folder) load(cfg settings) (*Tokenizer, error) {
	for _, kind := range []struct {
		file string
		read func(data []byte, d folder, cfg settings) (*Tokenizer, error)
	}{
		{"tokenizer.json", readTokenizerJSON},
		{"tokenizer.model", readSentencePiece},
		{"spiece.model", readSentencePiece},
		{"vocab.json", readVocabMerges},
		{"qwen.tiktoken", readTiktoken},
	} {
		data, err := d.read(kind.file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		t, err := kind.read(data, d, cfg)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.file, err)
		}
		return t, nil
	}
	return nil, fmt.Errorf("no tokenizer.json, tokenizer.model, spiece.model, vocab.json or qwen.tiktoken: %w", fs.ErrNotExist)
}

// read returns a file's bytes, at most maxFile.
func (d folder) read(name string) ([]byte, error) {
	f, err := d(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: more than %d bytes", name, maxFile)
	}
	return data, nil
}

// readJSON decodes a file into v and reports whether it exists.
func (d folder) readJSON(name string, v any) (bool, error) {
	data, err := d.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}
