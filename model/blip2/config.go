package blip2

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fovea-ml/fovea/model"
	"github.com/fovea-ml/fovea/model/qformer"
	"github.com/fovea-ml/fovea/model/vit"
)

// Seeing is what every config.json of BLIP-2 says of the way from a picture to what
// the Q-Former's queries have become.
type Seeing struct {
	Vision  vit.Config
	QFormer qformer.Config
	Queries int // learned ones, and placeholders of a picture

	tower vision
}

// Config is the config.json of a BLIP-2 or InstructBLIP checkpoint. What a file
// leaves out has the reference's default.
type Config struct {
	Seeing
	ImageTokenID int32   // of the placeholders; outside the vocabulary where a file has none
	Start        []int32 // what the decoder of T5 reads first; nil for decoders alone
	Instructed   bool    // the Q-Former reads the text: InstructBLIP

	language language
}

// seeingFile are the fields of Seeing.
type seeingFile struct {
	Vision  json.RawMessage `json:"vision_config"`
	QFormer json.RawMessage `json:"qformer_config"`
	Queries int             `json:"num_query_tokens"`
}

func defaultSeeing() seeingFile {
	return seeingFile{Vision: json.RawMessage("{}"), QFormer: json.RawMessage("{}"), Queries: 32}
}

type configFile struct {
	seeingFile
	Text     json.RawMessage `json:"text_config"`
	TokenID  *int32          `json:"image_token_id"` // the newer name of image_token_index
	TokenIdx *int32          `json:"image_token_index"`
}

// ParseConfig reads and checks the config.json of a Blip2ForConditionalGeneration.
func ParseConfig(data []byte) (Config, error) { return parse(data, false) }

// ParseInstruct reads and checks that of an InstructBlipForConditionalGeneration.
func ParseInstruct(data []byte) (Config, error) { return parse(data, true) }

func parse(data []byte, instructed bool) (Config, error) {
	f := configFile{seeingFile: defaultSeeing(), Text: json.RawMessage("{}")}
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
	if err := f.seeingFile.resolve(&cfg.Seeing); err != nil {
		return err
	}
	if cfg.QFormer.ReadsText = cfg.Instructed; f.scores() {
		return errors.New("qformer_config: use_qformer_text_input is true: its text is scored against pictures, and a Blip2ForImageTextRetrieval does that")
	}
	if cfg.language, err = parseLanguage(f.Text); err != nil {
		return fmt.Errorf("text_config: %w", err)
	}
	cfg.Start, cfg.ImageTokenID = cfg.language.start, int32(cfg.language.vocab)
	for _, id := range []*int32{f.TokenIdx, f.TokenID} {
		if id != nil {
			cfg.ImageTokenID = *id
		}
	}
	return nil
}

// scores reports whether the Q-Former's text is scored against pictures.
func (f *seeingFile) scores() bool {
	var q struct {
		Text bool `json:"use_qformer_text_input"`
	}
	return json.Unmarshal(f.QFormer, &q) == nil && q.Text
}

func (f *seeingFile) resolve(s *Seeing) (err error) {
	if s.tower, err = parseTower(f.Vision); err != nil {
		return fmt.Errorf("vision_config: %w", err)
	}
	s.Vision = s.tower.cfg
	if s.QFormer, err = qformer.ParseConfig(f.QFormer); err != nil {
		return fmt.Errorf("qformer_config: %w", err)
	}
	if is, want := s.QFormer.EncoderWidth, s.Vision.HiddenSize; is != want {
		return fmt.Errorf("qformer_config: encoder_hidden_size is %d, and vision_config makes features of width %d", is, want)
	}
	s.Queries = f.Queries
	return model.CheckSize("num_query_tokens", f.Queries, 1<<12)
}
