package blip2

import (
	"encoding/json"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/blipvit"
	"github.com/fovea-ml/fovea/model/qformer"
)

// Config is the config.json of a BLIP-2 or InstructBLIP checkpoint. What a file
// leaves out has the reference's default.
type Config struct {
	Vision       blipvit.Config
	QFormer      qformer.Config
	Queries      int     // learned ones, and placeholders of a picture
	ImageTokenID int32   // of the placeholders; outside the vocabulary where a file has none
	Start        []int32 // what the decoder of T5 reads first; nil for decoders alone
	Instructed   bool    // the Q-Former reads the text: InstructBLIP

	language language
}

type configFile struct {
	Vision   json.RawMessage `json:"vision_config"`
	QFormer  json.RawMessage `json:"qformer_config"`
	Text     json.RawMessage `json:"text_config"`
	Queries  int             `json:"num_query_tokens"`
	TokenID  *int32          `json:"image_token_id"` // the newer name of image_token_index
	TokenIdx *int32          `json:"image_token_index"`
}

// ParseConfig reads and checks the config.json of a Blip2ForConditionalGeneration.
func ParseConfig(data []byte) (Config, error) { return parse(data, false) }

// ParseInstruct reads and checks that of an InstructBlipForConditionalGeneration.
func ParseInstruct(data []byte) (Config, error) { return parse(data, true) }

func parse(data []byte, instructed bool) (Config, error) {
	f := configFile{Vision: json.RawMessage("{}"), QFormer: json.RawMessage("{}"), Text: json.RawMessage("{}"), Queries: 32}
	cfg := Config{Instructed: instructed}
	err := json.Unmarshal(data, &f)
	if err == nil {
		err = f.resolve(&cfg)
	}
	if err != nil {
		return cfg, fmt.Errorf("blip2: config: %w", err)
	}
	return cfg, nil
}

func (f *configFile) resolve(cfg *Config) (err error) {
	if cfg.Vision, err = blipvit.ParseConfig(f.Vision, blipvit.DefaultEVA()); err != nil {
		return fmt.Errorf("vision_config: %w", err)
	}
	if err := f.qformer(cfg); err != nil {
		return fmt.Errorf("qformer_config: %w", err)
	}
	if cfg.language, err = parseLanguage(f.Text); err != nil {
		return fmt.Errorf("text_config: %w", err)
	}
	if err := model.CheckSize("num_query_tokens", f.Queries, 1<<12); err != nil {
		return err
	}
	cfg.Queries, cfg.Start, cfg.ImageTokenID = f.Queries, cfg.language.start, int32(cfg.language.vocab)
	for _, id := range []*int32{f.TokenIdx, f.TokenID} {
		if id != nil {
			cfg.ImageTokenID = *id
		}
	}
	return nil
}

// qformer reads the Q-Former's part. With use_qformer_text_input its text is
// scored against pictures, which is another model.
func (f *configFile) qformer(cfg *Config) (err error) {
	var scores struct {
		Text bool `json:"use_qformer_text_input"`
	}
	if err := json.Unmarshal(f.QFormer, &scores); err != nil {
		return err
	}
	if scores.Text {
		return fmt.Errorf("use_qformer_text_input is true: models that score texts against pictures are not supported")
	}
	if cfg.QFormer, err = qformer.ParseConfig(f.QFormer); err != nil {
		return err
	}
	cfg.QFormer.ReadsText = cfg.Instructed
	if is, want := cfg.QFormer.EncoderWidth, cfg.Vision.HiddenSize; is != want {
		return fmt.Errorf("encoder_hidden_size is %d, and vision_config makes features of width %d", is, want)
	}
	return nil
}
