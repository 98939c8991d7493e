package nn

import "testing"

func TestMatch(t *testing.T) {
	const name = "model.vision_tower.layers.12.self_attn.q_proj.weight"
	for pattern, want := range map[string]bool{
		name:                               true,
		"model":                            true,
		"mod":                              false,
		"model.vision_tower.layers.12":     true,
		"model.vision_tower.layers.1":      false,
		"model.vision_tower.layers.1*":     true,
		"model.vision_tower.layers.1?":     true,
		"model.vision_tower.layers.[0-9]":  false,
		"model.vision_tower.layers.1[0-3]": true,
		"**.q_proj":                        true,
		"**.[qv]_proj.weight":              true,
		"**.[qv]_proj.bias":                false,
		"**.weight":                        true,
		"**":                               true,
		"*.q_proj":                         false,
		"model.**.layers.**.weight":        true,
		"model.*.layers.*.self_attn":       true,
		"model.*.*":                        true,
		"model.vision_tower.layers.12.self_attn.q_proj.weight.more": false,
		"**.weight.**": true,
		"layers":       false,
	} {
		if got := Match(pattern, name); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
	if CheckPattern("layers.[0-") == nil || CheckPattern("**.layers.[0-3]") != nil {
		t.Error("bad patterns are not told from good ones")
	}
}

func TestMatchEnd(t *testing.T) {
	const name = "language_model.model.layers.11.self_attn.q_proj"
	for glob, want := range map[string]bool{
		"q_proj": true, "self_attn.q_proj": true, "self_attn.?_proj": true, "*_proj": true, name: true, "**": true,
		"language_model.**": true, "language_model.**.q_proj": true, "layers.1?.**": true, "layers.[12]*.*.q_proj": true, "**.q_proj": true,
		"language_model.*": false, "proj": false, "k_proj": false, "layers.1.**": false, "q_proj.**": true, "*": true, "q_proj.*": false,
		"vision_tower.**": false, "model.*.self_attn.q_proj": false, "[": false,
	} {
		if got := MatchEnd(glob, name); got != want {
			t.Errorf("MatchEnd(%q) is %v, want %v", glob, got, want)
		}
	}
}
