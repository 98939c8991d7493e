package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/fovea-ml/fovea/tokenizer"
)

// Generation is what a checkpoint says about how it wants to be sampled.
type Generation struct {
	EOS               []int32 // tokens that end an answer
	DoSample          bool
	Temperature       float64
	TopK              int
	TopP              float64
	MinP              float64
	RepetitionPenalty float64
	MaxNewTokens      int
	Stop              []string // texts that end an answer and are not part of it

	Beams         int // 1 is greedy
	LengthPenalty float64
	EarlyStopping string // of a search by beams: "false", "true" or "never"
}

// ids reads a token id or a list of them.
type ids []int32

func (v *ids) UnmarshalJSON(data []byte) error {
	var one int32
	if json.Unmarshal(data, &one) == nil {
		*v = ids{one}
		return nil
	}
	return json.Unmarshal(data, (*[]int32)(v))
}

// texts reads a text or a list of them.
type texts []string

func (v *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*v = texts{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(v))
}

type generationFile struct {
	EOS               ids      `json:"eos_token_id"`
	DoSample          bool     `json:"do_sample"`
	Temperature       *float64 `json:"temperature"`
	TopK              *int     `json:"top_k"`
	TopP              *float64 `json:"top_p"`
	MinP              *float64 `json:"min_p"`
	RepetitionPenalty *float64 `json:"repetition_penalty"`
	MaxNewTokens      int      `json:"max_new_tokens"`
	Beams             *int     `json:"num_beams"`
	LengthPenalty     *float64 `json:"length_penalty"`
	EarlyStopping     any      `json:"early_stopping"`
	Stop              texts    `json:"stop_strings"`
	ChatFormat        string   `json:"chat_format"` // of the first Qwen: "chatml" or "raw"
}

// readGeneration reads generation_config.json. End tokens come from there, else
// from config.json, else from the tokenizer.
func readGeneration(fsys fs.FS, m *Model) (Generation, error) {
	f, err := readGenerationFile(fsys)
	if err != nil {
		return Generation{}, err
	}
	g := Generation{
		EOS: f.EOS, Stop: f.Stop, DoSample: f.DoSample, MaxNewTokens: f.MaxNewTokens,
		Temperature: or(f.Temperature, 1), TopK: or(f.TopK, 50), TopP: or(f.TopP, 1), MinP: or(f.MinP, 0),
		RepetitionPenalty: or(f.RepetitionPenalty, 1),
		Beams:             or(f.Beams, 1), LengthPenalty: or(f.LengthPenalty, 1),
	}
	if g.EarlyStopping, err = f.earlyStopping(); err != nil {
		return Generation{}, fmt.Errorf("generation_config.json: %w", err)
	}
	if net, ok := m.Net.(interface{ EOS() int32 }); ok { // whatever the file says
		g.EOS = []int32{net.EOS()}
	}
	if len(g.EOS) == 0 {
		g.EOS = m.configEOS()
	}
	if eos, ok := m.Processor.Tokenizer().EOS(); ok && len(g.EOS) == 0 {
		g.EOS = []int32{eos}
	}
	if f.ChatFormat == "chatml" {
		g.EOS = append(g.EOS, named(m.Processor.Tokenizer(), "<|im_end|>", "<|im_start|>")...)
	}
	return g, nil
}

func (f *generationFile) earlyStopping() (string, error) {
	switch v := f.EarlyStopping.(type) {
	case nil:
		return "false", nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	if f.EarlyStopping == "never" {
		return "never", nil
	}
	return "", fmt.Errorf("early_stopping is %v, want true, false or \"never\"", f.EarlyStopping)
}

func readGenerationFile(fsys fs.FS) (f generationFile, err error) {
	data, err := fs.ReadFile(fsys, "generation_config.json")
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		return f, fmt.Errorf("generation_config.json: %w", err)
	}
	return f, nil
}

// chatFormat is what generation_config.json says of the first Qwen's prompts.
func chatFormat(fsys fs.FS) (string, error) {
	f, err := readGenerationFile(fsys)
	return f.ChatFormat, err
}

// named are the ids of tokens, of those that there are.
func named(tok *tokenizer.Tokenizer, tokens ...string) (ids []int32) {
	for _, t := range tokens {
		if id, ok := tok.ID(t); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// configEOS returns the end tokens that config.json names for the language model.
func (m *Model) configEOS() []int32 {
	var whole map[string]json.RawMessage
	_ = json.Unmarshal(m.Config, &whole) // parsed before, by the family
	for _, raw := range []json.RawMessage{m.Config, whole[m.Family.Text]} {
		var c struct {
			EOS ids `json:"eos_token_id"`
		}
		if json.Unmarshal(raw, &c) == nil && len(c.EOS) > 0 {
			return c.EOS
		}
	}
	return nil
}

func or[T any](p *T, def T) T {
	if p == nil {
		return def
	}
	return *p
}
