package tokenizer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// settings is what the files beside the vocabulary say.
type settings struct {
	Class          string                `json:"tokenizer_class"`
	AddBOS         *bool                 `json:"add_bos_token"`
	AddEOS         *bool                 `json:"add_eos_token"`
	AddPrefixSpace *bool                 `json:"add_prefix_space"`
	Legacy         *bool                 `json:"legacy"`
	Lower          *bool                 `json:"do_lower_case"`
	Tidy           bool                  `json:"clean_up_tokenization_spaces"`
	Added          map[string]addedToken `json:"added_tokens_decoder"`
	Additional     []tokenName           `json:"additional_special_tokens"`
	ChatTemplate   json.RawMessage       `json:"chat_template"`

	names map[string]string // bos_token, eos_token, … to content
	byID  []addedToken      // Added and added_tokens.json, by id
}

// tokenName is "content" or {"content": "content", …}.
type tokenName string

func (n *tokenName) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*n = tokenName(s)
		return nil
	}
	var t struct {
		Content string `json:"content"`
	}
	if err := json.Unmarshal(data, &t); err != nil {
		return err
	}
	*n = tokenName(t.Content)
	return nil
}

var namedTokens = []string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

func (d folder) settings() (settings, error) {
	cfg := settings{names: map[string]string{}}
	const config, special, added = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"
	if _, err := d.readJSON(config, &cfg); err != nil {
		return cfg, err
	}
	for _, file := range []string{special, config} { // the later one wins
		if err := d.readNames(file, cfg.names); err != nil {
			return cfg, err
		}
	}
	var more map[string]int32
	if _, err := d.readJSON(added, &more); err != nil {
		return cfg, err
	}
	byID := map[int32]addedToken{}
	for content, id := range more {
		byID[id] = addedToken{ID: id, Content: content}
	}
	for key, t := range cfg.Added {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			return cfg, fmt.Errorf("%s: added_tokens_decoder: id %q: %w", config, key, err)
		}
		t.ID = int32(id)
		byID[t.ID] = t
	}
	cfg.byID = slices.SortedFunc(maps.Values(byID), func(a, b addedToken) int { return int(a.ID) - int(b.ID) })
	cfg.markSpecial()
	return cfg, nil
}

func (d folder) readNames(file string, names map[string]string) error {
	var fields map[string]json.RawMessage
	if _, err := d.readJSON(file, &fields); err != nil {
		return err
	}
	for _, name := range namedTokens {
		raw, ok := fields[name]
		if !ok {
			continue
		}
		var t tokenName
		if err := json.Unmarshal(raw, &t); err != nil {
			return fmt.Errorf("%s: %s: %w", file, name, err)
		}
		if t != "" {
			names[name] = string(t)
		}
	}
	return nil
}

// markSpecial makes the tokens special that the configuration names as such.
func (cfg *settings) markSpecial() {
	special := map[string]bool{}
	for _, content := range cfg.names {
		special[content] = true
	}
	for _, n := range cfg.Additional {
		special[string(n)] = true
	}
	for i := range cfg.byID {
		if special[cfg.byID[i].Content] {
			cfg.byID[i].Special = true
		}
	}
}

// merge adds the configuration's tokens to those of the vocabulary file, which wins where they disagree on an id.
func (cfg *settings) merge(v *vocabulary, list []addedToken) []addedToken {
	at := map[string]int{}
	for i, t := range list {
		at[t.Content] = i
	}
	for _, t := range cfg.byID {
		if v.add(t.Content, t.ID) != nil {
			continue
		}
		if i, ok := at[t.Content]; ok {
			t.Special = t.Special || list[i].Special
			list[i] = t
			continue
		}
		list = append(list, t)
	}
	return list
}
