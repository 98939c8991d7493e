package scenes

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The checker below answers questions from their words alone, with a vocabulary of its
// own: it sees neither the programs nor the filters of the package.

// thing is what a noun phrase says: "" where it says nothing.
type thing struct{ size, colour, shape string }

func (x thing) fits(o Object) bool {
	return (x.size == "" || x.size == string(o.Size)) &&
		(x.colour == "" || x.colour == string(o.Colour)) &&
		(x.shape == "" || x.shape == string(o.Shape))
}

var englishThing = regexp.MustCompile(`(?:(small|large|big) )?(?:(red|green|blue|yellow|orange|purple|black|white) )?` +
	`(objects?|circles?|squares?|triangles?|stars?|cross(?:es)?|diamonds?)\b`)

var chineseThing = regexp.MustCompile(`(?:(红|绿|蓝|黄|橙|紫|黑|白)色的)?(小|大)?(物体|圆形|正方形|三角形|五角星|十字形|菱形)`)

var toEnglish = map[string]string{
	"红": "red", "绿": "green", "蓝": "blue", "黄": "yellow", "橙": "orange", "紫": "purple",
	"黑": "black", "白": "white", "小": "small", "大": "large", "圆形": "circle",
	"正方形": "square", "三角形": "triangle", "五角星": "star", "十字形": "cross", "菱形": "diamond",
	"有": "yes", "没有": "no", "是": "yes", "否": "no",
}

// things returns what a text names, in order. The word for "object" is left out when
// it stands for what is asked about.
func things(lang Lang, text string) []thing {
	var all []thing
	if lang == English {
		text = strings.TrimPrefix(text, "Which object ")
		for _, m := range englishThing.FindAllStringSubmatch(text, -1) {
			all = append(all, thing{strings.ReplaceAll(m[1], "big", "large"), m[2], singular(m[3])})
		}
		return all
	}
	text = strings.ReplaceAll(text, "的物体是什么？", "是什么？")
	for _, m := range chineseThing.FindAllStringSubmatch(text, -1) {
		all = append(all, thing{toEnglish[m[2]], toEnglish[m[1]], toEnglish[m[3]]})
	}
	return all
}

func singular(noun string) string {
	switch {
	case strings.HasPrefix(noun, "object"):
		return ""
	case strings.HasPrefix(noun, "cross"):
		return "cross"
	}
	return strings.TrimSuffix(noun, "s")
}

var directions = []struct{ word, way string }{
	{"left", "left"}, {"right", "right"}, {"above", "above"}, {"higher", "above"},
	{"below", "below"}, {"lower", "below"}, {"under", "below"},
	{"左", "left"}, {"右", "right"}, {"上", "above"}, {"下", "below"},
}

// lies returns how many pixels a lies from b in the direction that the text names.
func lies(t *testing.T, text string, a, b Object) int {
	x := (a.Box[0] + a.Box[2] - b.Box[0] - b.Box[2]) / 2
	y := (a.Box[1] + a.Box[3] - b.Box[1] - b.Box[3]) / 2
	for _, d := range directions {
		if strings.Contains(text, d.word) {
			return map[string]int{"left": -x, "right": x, "above": -y, "below": y}[d.way]
		}
	}
	t.Errorf("no direction in %q", text)
	return 0
}

// the returns the one object that x fits.
func the(t *testing.T, s *Scene, q Question, x thing) Object {
	t.Helper()
	var fit []Object
	for _, o := range s.Objects {
		if x.fits(o) {
			fit = append(fit, o)
		}
	}
	if len(fit) != 1 {
		t.Fatalf("%s: %q: %d objects fit", s.ID, q.Text, len(fit))
	}
	return fit[0]
}

// yesNo checks the answer to a question of yes or no.
func yesNo(t *testing.T, s *Scene, q Question, want bool) {
	t.Helper()
	got := q.Answer
	if q.Lang == Chinese {
		got = toEnglish[got]
	}
	if got != map[bool]string{true: "yes", false: "no"}[want] {
		t.Errorf("%s: %q: answer %q, truth %v", s.ID, q.Text, q.Answer, want)
	}
}

func checkAnswer(t *testing.T, s *Scene, q Question) {
	t.Helper()
	named := things(q.Lang, q.Text)
	given := q.Answer
	if q.Lang == Chinese {
		given = toEnglish[strings.TrimSuffix(q.Answer, "色")]
	}
	want := ""
	switch q.Type {
	case Existence:
		yesNo(t, s, q, slices.ContainsFunc(s.Objects, named[0].fits))
		return
	case CountOf:
		n := 0
		for _, o := range s.Objects {
			if named[0].fits(o) {
				n++
			}
		}
		given, want = q.Answer, strconv.Itoa(n)
	case ColourOf:
		want = string(the(t, s, q, named[0]).Colour)
	case ShapeOf:
		want = string(the(t, s, q, named[0]).Shape)
	case SizeOf:
		want = string(the(t, s, q, named[0]).Size)
	case RelationOf:
		checkRelation(t, s, q, named)
		return
	case Caption:
		checkCaption(t, s, q)
		return
	}
	if given != want {
		t.Errorf("%s: %q: answer %q, want %q", s.ID, q.Text, q.Answer, want)
	}
}

func checkRelation(t *testing.T, s *Scene, q Question, named []thing) {
	t.Helper()
	least := s.Side/8 - 1 // boxes are whole pixels
	if len(named) == 2 {
		d := lies(t, q.Text, the(t, s, q, named[0]), the(t, s, q, named[1]))
		if abs(d) < least {
			t.Errorf("%s: %q: %d pixels apart", s.ID, q.Text, d)
		}
		yesNo(t, s, q, d > 0)
		return
	}
	other := the(t, s, q, named[0])
	var there []Object
	for _, o := range s.Objects {
		if o != other && lies(t, q.Text, o, other) > 0 {
			there = append(there, o)
		}
		if o != other && abs(lies(t, q.Text, o, other)) < least {
			t.Errorf("%s: %q is unclear", s.ID, q.Text)
		}
	}
	answer := things(q.Lang, q.Answer)
	if len(there) != 1 || len(answer) != 1 || answer[0] != (thing{"", string(there[0].Colour), string(there[0].Shape)}) {
		t.Errorf("%s: %q: answer %q, there: %v", s.ID, q.Text, q.Answer, there)
	}
}

func checkCaption(t *testing.T, s *Scene, q Question) {
	t.Helper()
	said := things(q.Lang, q.Answer)
	if len(said) != len(s.Objects) {
		t.Fatalf("%s: caption %q of %d objects", s.ID, q.Answer, len(s.Objects))
	}
	left := slices.Clone(s.Objects)
	slices.SortStableFunc(left, func(a, b Object) int {
		return (a.Centre[0]-b.Centre[0])*Unit + a.Centre[1] - b.Centre[1]
	})
	for i, o := range left {
		if !said[i].fits(o) || said[i].colour == "" || said[i].shape == "" || said[i].size == "" {
			t.Errorf("%s: caption %q, object %d is a %s %s %s", s.ID, q.Answer, i, o.Size, o.Colour, o.Shape)
		}
	}
}

func TestAnswers(t *testing.T) {
	for i := range 2000 {
		s := Generate(13, i, Options{})
		if len(s.Questions) != 12 {
			t.Fatalf("%s: %d questions", s.ID, len(s.Questions))
		}
		seen := map[string]bool{}
		for k, q := range s.Questions {
			if want := Langs()[k%2]; q.Lang != want {
				t.Errorf("%s: question %d in %s", s.ID, k, q.Lang)
			}
			if seen[q.Text] || strings.ContainsAny(q.Text, "{}") {
				t.Errorf("%s: question %q is asked twice or unfinished", s.ID, q.Text)
			}
			seen[q.Text] = true
			checkAnswer(t, s, q)
		}
	}
}

// TestOneType checks that every type alone fills the questions of every scene.
func TestOneType(t *testing.T) {
	for _, kind := range Types() {
		for i := range 60 {
			s := Generate(17, i, Options{Types: []Type{kind}, Questions: 9})
			for _, q := range s.Questions {
				if q.Type != kind {
					t.Fatalf("%s: %s among questions of %s", s.ID, q.Type, kind)
				}
				checkAnswer(t, s, q)
			}
		}
	}
}

// TestBalance bounds how often a guesser who knows only the type is right.
func TestBalance(t *testing.T) {
	answers := map[string]map[string]int{}
	for i := range 2000 {
		for _, q := range Generate(19, i, Options{}).Questions {
			if q.Type == Caption {
				continue
			}
			key := fmt.Sprintf("%s %s %s", q.Type, q.Lang, q.Program.Op)
			if answers[key] == nil {
				answers[key] = map[string]int{}
			}
			answers[key][q.Answer]++
		}
	}
	bounds := map[Op]struct {
		n           int // different answers
		least, most float64
	}{
		OpExist: {2, 0.46, 0.54}, OpColour: {8, 0.08, 0.17}, OpShape: {6, 0.12, 0.21},
		OpSize: {2, 0.42, 0.58}, OpCount: {6, 0.06, 0.28}, OpRelated: {2, 0.46, 0.54},
		OpFind: {48, 0.005, 0.05},
	}
	for key, counts := range answers {
		b := bounds[Op(key[strings.LastIndexByte(key, ' ')+1:])]
		if len(counts) != b.n {
			t.Errorf("%s: %d answers, want %d", key, len(counts), b.n)
		}
		total := 0
		for _, n := range counts {
			total += n
		}
		for a, n := range counts {
			if share := float64(n) / float64(total); share < b.least || share > b.most {
				t.Errorf("%s: %q is %.3f of %d answers, want %.3f to %.3f", key, a, share, total, b.least, b.most)
			}
		}
	}
	if len(answers) != 2*len(bounds) {
		t.Errorf("%d kinds of answers, want %d", len(answers), 2*len(bounds))
	}
}
