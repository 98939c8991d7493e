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
