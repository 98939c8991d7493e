package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// chatTemplates returns the sources of the chat templates by name; the usual one is "default".
// chat_template.jinja goes before chat_template.json, and that before tokenizer_config.json.
func (d folder) chatTemplates(cfg settings) (map[string]string, error) {
	data, err := d.read("chat_template.jinja")
	if err == nil {
		return map[string]string{"default": string(data)}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var own struct {
		ChatTemplate json.RawMessage `json:"chat_template"`
	}
	if ok, err := d.readJSON("chat_template.json", &own); err != nil {
		return nil, err
	} else if ok {
		return parseTemplates("chat_template.json", own.ChatTemplate)
	}
	return parseTemplates("tokenizer_config.json", cfg.ChatTemplate)
}

// parseTemplates reads one template or a list of named ones.
func parseTemplates(file string, raw json.RawMessage) (map[string]string, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return map[string]string{"default": one}, nil
	}
	var list []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%s: chat_template: %w", file, err)
	}
	all := map[string]string{}
	for _, t := range list {
		all[t.Name] = t.Template
	}
	return all, nil
}
