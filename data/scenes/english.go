package scenes

import (
	"strconv"
	"strings"
)

// englishForms are the ways to ask, per operation. {a}, {the} and {many} stand for the
// target, {other} for the other object, {rel} for the relation.
var englishForms = map[Op][]string{
	OpExist: {
		"Is there {a}?", "Is there {a} in the picture?", "Does the picture contain {a}?",
		"Can you see {a}?", "Do you see {a} in the image?", "Does the image show {a}?",
	},
	OpColour: {
		"What colour is {the}?", "What color is {the}?", "Which colour does {the} have?",
		"What is the colour of {the}?", "Tell me the color of {the}.",
	},
	OpShape: {
		"What shape is {the}?", "What is the shape of {the}?", "Which shape does {the} have?",
		"Tell me the shape of {the}.",
	},
	OpSize: {
		"What size is {the}?", "Is {the} small or large?", "Is {the} large or small?",
		"How big is {the}?", "What is the size of {the}?",
	},
	OpCount: {
		"How many {many} are there?", "How many {many} are in the picture?",
		"How many {many} can you see?", "How many {many} does the image show?",
		"What is the number of {many}?", "Count the {many}.",
	},
	OpRelated: {
		"Is {the} {rel} {other}?", "Is {the} {rel} {other} in the picture?",
		"Can you see {the} {rel} {other}?",
	},
	OpFind: {
		"What is {rel} {other}?", "Which object is {rel} {other}?",
		"What do you see {rel} {other}?", "What can be found {rel} {other}?",
	},
	OpDescribe: {
		"Describe the picture.", "What is in the picture?", "What do you see?",
		"What does the image show?", "Describe the image in one sentence.",
		"List the objects in the picture.",
	},
}

var englishRelations = map[Relation][]string{
	LeftOf:  {"left of", "to the left of", "on the left of"},
	RightOf: {"right of", "to the right of", "on the right of"},
	Above:   {"above", "higher than", "above"},
	Below:   {"below", "lower than", "under"},
}

func phraseEnglish(s *source, p Program) string {
	noun := englishNoun(s, p.Target)
	many := noun + "s"
	if p.Target.Shape == Cross {
		many = noun + "es"
	}
	text := strings.NewReplacer(
		"{a}", article(noun)+" "+noun, "{the}", "the "+noun, "{many}", many,
		"{other}", "the "+englishNoun(s, p.Other),
	).Replace(pick(s, englishForms[p.Op]))
	if p.Relation != "" {
		text = strings.ReplaceAll(text, "{rel}", pick(s, englishRelations[p.Relation]))
	}
	return text
}

// englishNoun returns "large red circle" or what f tells of it; large is sometimes big.
func englishNoun(s *source, f Filter) string {
	var words []string
	if f.Size != "" {
		size := string(f.Size)
		if f.Size == Large && s.percent(30) {
			size = "big"
		}
		words = append(words, size)
	}
	if f.Colour != "" {
		words = append(words, string(f.Colour))
	}
	if f.Shape != "" {
		return strings.Join(append(words, string(f.Shape)), " ")
	}
	return strings.Join(append(words, "object"), " ")
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune(noun[0])) {
		return "an"
	}
	return "a"
}

func answerEnglish(p Program, objects []Object) string {
	switch p.Op {
	case OpExist, OpRelated:
		return verdict(English, p.Op, holds(p, objects))
	case OpColour:
		return string(only(p.Target, objects).Colour)
	case OpShape:
		return string(only(p.Target, objects).Shape)
	case OpSize:
		return string(only(p.Target, objects).Size)
	case OpCount:
		return strconv.Itoa(p.Target.Count(objects))
	case OpFind:
		o := found(p, objects)
		return string(o.Colour) + " " + string(o.Shape)
	default:
		return captionEnglish(objects)
	}
}

func captionEnglish(objects []Object) string {
	var b strings.Builder
	for i, o := range fromLeft(objects) {
		noun := strings.Join([]string{string(o.Size), string(o.Colour), string(o.Shape)}, " ")
		b.WriteString(separator(i, len(objects), ", ", " and "))
		b.WriteString(article(noun) + " " + noun)
	}
	return b.String()
}
