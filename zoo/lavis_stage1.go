package zoo

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/fovea-ml/fovea/checkpoint"
	"github.com/fovea-ml/fovea/imageproc"
)

// openStage1 opens what the first stage of training left, over which the JSON file may
// set fields. The directory is seen with the files that a model of Hugging Face has.
func (m *Model) openStage1(l *lavis, over string) error {
	config, err := l.stage1Config()
	if err == nil {
		err = override(config, m.files, over)
	}
	if err != nil {
		return err
	}
	files := layered{FS: m.files, over: map[string][]byte{}}
	if files.over["config.json"], err = json.Marshal(config); err != nil {
		return err
	}
	if files.over["preprocessor_config.json"], err = json.Marshal(lavisPictures(config)); err != nil {
		return err
	}
	bert, err := fs.Sub(m.files, bertDir)
	if err != nil {
		return err
	}
	for _, name := range []string{"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"} {
		if data, err := fs.ReadFile(bert, name); err == nil {
			files.over[name] = data
		}
	}
	if files.over["tokenizer.json"] == nil {
		return fmt.Errorf("the Q-Former reads text, and its tokenizer must be in the directory %s beside the file: %w", bertDir, os.ErrNotExist)
	}
	m.files = files
	if err := m.declare(); err != nil {
		return err
	}
	if m.Family.Architecture != learnerArchitecture && m.Family.Architecture != matcherArchitecture {
		return fmt.Errorf("the JSON file beside it makes it a %s", m.Family.Architecture)
	}
	return l.bind(m.params())
}

// The architectures without a language model; the first is what LAVIS calls it.
const learnerArchitecture, matcherArchitecture = "Blip2Qformer", "Blip2ForImageTextRetrieval"

// stage1Config is the config.json of a file without a language model.
func (l *lavis) stage1Config() (map[string]any, error) {
	var missing []string
	for _, name := range []string{"Qformer.bert.embeddings.word_embeddings.weight", "vision_proj.weight", "text_proj.weight", "itm_head.weight"} {
		if !l.q.has(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("none of opt_proj, t5_proj and llm_proj in it, so that it has no language model; and of what compares pictures with texts %s is missing",
			strings.Join(missing, ", "))
	}
	joint, err := l.q.shape("vision_proj.weight", 2)
	if err != nil {
		return nil, err
	}
	vision, err := l.visionConfig()
	if err != nil {
		return nil, err
	}
	qformer, queries, err := l.qformerConfig()
	if err != nil {
		return nil, err
	}
	qformer["use_qformer_text_input"] = true
	architecture := matcherArchitecture
	if l.q.has("temp") && l.q.has("Qformer.cls.predictions.bias") {
		architecture = learnerArchitecture
	}
	return map[string]any{
		"architectures": []string{architecture}, "model_type": "blip-2", "num_query_tokens": queries, "image_text_hidden_size": joint[0],
		"vision_config": vision, "qformer_config": qformer,
	}, nil
}

// lavisPictures is how LAVIS prepares pictures to answer, as a preprocessor_config.json.
func lavisPictures(config map[string]any) map[string]any {
	vision, _ := config["vision_config"].(map[string]any)
	norm, side := imageproc.CLIPNormalize(), vision["image_size"]
	return map[string]any{
		"image_processor_type": "BlipImageProcessor", "do_resize": true, "size": map[string]any{"height": side, "width": side}, "resample": 3,
		"do_rescale": true, "rescale_factor": 1.0 / 255, "do_normalize": true, "image_mean": norm.Mean[:], "image_std": norm.Std[:], "do_convert_rgb": true,
	}
}

// stage1Names are those of what only the first stage has.
var stage1Names = []checkpoint.Rename{
	{From: "Qformer.bert.embeddings.", To: "embeddings."},
	{From: "Qformer.cls.", To: "cls."},
	{From: "vision_proj.", To: "vision_projection."},
	{From: "text_proj.", To: "text_projection."},
}

// unreadStage1 are tensors of its files that nothing reads: biases that are read by
// hand, counts, the table of tokens once more, and heads that only a Learner has.
var unreadStage1 = []string{"*attn.q_bias", "*attn.v_bias", "*position_ids", "*relative_position_index", "cls.*", "temp"}
