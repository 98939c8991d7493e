package verify

import "testing"

// TestVideos compares videos, in folders and in animated files, with what the
// reference makes of them: transformers 4.51.3 with torch 2.15 and Pillow 13.
// Frames were chosen as qwen_vl_utils chooses them. For Qwen3-VL it is transformers
// 5.24, whose resizing was made Pillow's and whose times stand where 4.57 puts them,
// outside of the tokens around a view; intermediate layers are left out, which it
// reports before what joins them.
func TestVideos(t *testing.T) {
	for name, want := range map[string][2]int{ // cases, stages passed
		"qwen2_vl":        {4, 58},
		"qwen2_5_vl":      {4, 59},
		"qwen3_vl":        {4, 55},
		"llava_onevision": {2, 25},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, fixtures+name, fixtures+name+"_video", Float32())
			wantPass(t, r)
			if got := [2]int{r.CasesPassed, r.StagesPassed}; got != want || r.StagesFailed+r.StagesSkipped+r.StagesUnknown > 0 {
				t.Errorf("cases and stages passed: %v, want %v", got, want)
			}
		})
	}
}
