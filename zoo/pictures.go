package zoo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"github.com/fovea-ml/fovea/model"
)

const pipelineFile = "preprocessor_config.json"

// ProcessorWith is the model's Processor with another picture pipeline: fields, a
// JSON object, replace those of preprocessor_config.json in dir, if it is there; dir holds
// what describes the model. It returns the whole preprocessor_config.json too.
func (m *Model) ProcessorWith(dir fs.FS, fields []byte) (model.Processor, []byte, error) {
	if m.Family.Processor == nil {
		return nil, nil, fmt.Errorf("a %s has no processor", m.Family.Architecture)
	}
	own, err := fs.ReadFile(dir, pipelineFile)
	if errors.Is(err, fs.ErrNotExist) {
		own, err = []byte("{}"), nil
	}
	if err != nil {
		return nil, nil, err
	}
	pipeline, err := overlaid(own, fields)
	if err != nil {
		return nil, nil, err
	}
	p, err := m.Family.Processor(layered{FS: dir, over: map[string][]byte{pipelineFile: pipeline}}, m.Net)
	return p, pipeline, err
}

// overlaid replaces fields of a JSON object by those of another.
func overlaid(object, fields []byte) ([]byte, error) {
	var all, some map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(object, &all), json.Unmarshal(fields, &some)); err != nil {
		return nil, err
	}
	maps.Copy(all, some)
	return json.MarshalIndent(all, "", "  ")
}
