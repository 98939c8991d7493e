package scenes

import "slices"

// Lang is a language of questions and answers.
type Lang string

// The languages: English and simplified Chinese.
const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// Langs returns every language.
func Langs() []Lang { return []Lang{English, Chinese} }

// Type is a kind of question.
type Type string

// The kinds of questions and their answers in English and Chinese.
const (
	Existence  Type = "existence" // yes, no; 有, 没有
	ColourOf   Type = "colour"    // red; 红色
	ShapeOf    Type = "shape"     // circle; 圆形
	SizeOf     Type = "size"      // small, large; 小, 大
	CountOf    Type = "count"     // 0 to 5, in digits
	RelationOf Type = "relation"  // yes, no; 是, 否; or an object: red circle; 红色的圆形
	Caption    Type = "caption"   // a small red circle and a large blue star; from left to right
)

// Types returns every kind of question.
func Types() []Type {
	return []Type{Existence, ColourOf, ShapeOf, SizeOf, CountOf, RelationOf, Caption}
}

// Question is a question about a scene with its one right answer.
type Question struct {
	Type    Type    `json:"type"`
	Lang    Lang    `json:"lang"`
	Text    string  `json:"text"`
	Answer  string  `json:"answer"`
	Program Program `json:"program"`
}

// Op is what a [Program] does.
type Op string

// The operations. OpExist and OpCount take any Target; elsewhere Target and Other match
// exactly one object of the scene.
const (
	OpExist    Op = "exist"    // is there a Target?
	OpColour   Op = "colour"   // the colour of Target
	OpShape    Op = "shape"    // the shape of Target
	OpSize     Op = "size"     // the size of Target
	OpCount    Op = "count"    // how many objects match Target
	OpRelated  Op = "related"  // does Target lie in direction Relation of Other?
	OpFind     Op = "find"     // the one object in direction Relation of Other
	OpDescribe Op = "describe" // every object, from left to right
)

// Program is the question without words: what to do with the truth to get the answer.
type Program struct {
	Op       Op       `json:"op"`
	Target   Filter   `json:"target,omitzero"`
	Relation Relation `json:"relation,omitempty"`
	Other    Filter   `json:"other,omitzero"`
}

// asker asks one language's questions about one scene.
type asker struct {
	source  *source
	lang    Lang
	objects []Object
	types   []Type
	deck    []Type
	asked   map[Program]bool
	texts   map[string]bool
}

// ask returns opts.Questions questions, the languages taking turns, or false if the
// scene does not lend itself to the types wanted.
func ask(k key, attempt uint64, objects []Object, opts Options) ([]Question, bool) {
	askers := make([]*asker, len(opts.Langs))
	for i, l := range opts.Langs {
		stream := streamQuestions + uint64(slices.Index(Langs(), l))
		askers[i] = &asker{
			source: k.source(stream, attempt), lang: l, objects: objects, types: opts.Types,
			asked: map[Program]bool{}, texts: map[string]bool{},
		}
	}
	questions := make([]Question, opts.Questions)
	for i := range questions {
		q, ok := askers[i%len(askers)].next()
		if !ok {
			return nil, false
		}
		questions[i] = q
	}
	return questions, true
}

// next draws a question. It asks nothing twice while there is something else to ask,
// and repeats itself only in other words while there are other words.
func (a *asker) next() (Question, bool) {
	for try := range 120 {
		t := a.deal()
		p, ok := drawProgram(a.source, t, a.objects)
		if !ok || a.asked[p] && try < 40 {
			continue
		}
		text := phrase(a.source, a.lang, p)
		if a.texts[text] && try < 80 {
			continue
		}
		a.asked[p], a.texts[text] = true, true
		return Question{Type: t, Lang: a.lang, Text: text, Answer: answer(a.lang, p, a.objects), Program: p}, true
	}
	return Question{}, false
}

// deal takes the next type from a shuffled deck, so that a scene's questions are of
// many types; the types with the most to learn are in the deck twice.
func (a *asker) deal() Type {
	if len(a.deck) == 0 {
		for _, t := range a.types {
			a.deck = append(a.deck, t)
			if t == Existence || t == CountOf || t == RelationOf {
				a.deck = append(a.deck, t)
			}
		}
		shuffle(a.source, a.deck)
	}
	t := a.deck[0]
	a.deck = a.deck[1:]
	return t
}
