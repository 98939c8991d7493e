package scenes

import (
	"strconv"
	"strings"
)

// chineseForms are the ways to ask, per operation: {np} stands for the target, {other}
// for the other object, {rel} for the relation.
var chineseForms = map[Op][]string{
	OpExist: {
		"图中有{np}吗？", "图里有没有{np}？", "图中是否有{np}？",
		"这张图片里有{np}吗？", "画面中有没有{np}？", "有{np}吗？",
	},
	OpColour: {
		"{np}是什么颜色？", "{np}是什么颜色的？", "图中{np}的颜色是什么？",
		"{np}的颜色是什么？", "请说出{np}的颜色。",
	},
	OpShape: {
		"{np}是什么形状？", "{np}是什么形状的？", "图中{np}的形状是什么？", "请说出{np}的形状。",
	},
	OpSize: {
		"{np}是大还是小？", "{np}是小还是大？", "{np}有多大？", "图中{np}的大小是什么？",
	},
	OpCount: {
		"图中有几个{np}？", "图里一共有多少个{np}？", "有几个{np}？",
		"画面中有多少个{np}？", "数一数有几个{np}。", "这张图片里有几个{np}？",
	},
	OpRelated: {
		"{np}在{other}的{rel}吗？", "{np}是否在{other}的{rel}？",
		"{np}是不是在{other}的{rel}？", "图中{np}在{other}{rel}吗？",
	},
	OpFind: {
		"{other}的{rel}是什么？", "什么在{other}的{rel}？", "{other}{rel}的物体是什么？",
		"在{other}{rel}的是什么？",
	},
	OpDescribe: {
		"描述这张图片。", "图中有什么？", "请描述一下画面。", "这张图里有什么？",
		"你看到了什么？", "图里有哪些物体？",
	},
}

var chineseRelations = map[Relation][]string{
	LeftOf:  {"左边", "左侧", "左面"},
	RightOf: {"右边", "右侧", "右面"},
	Above:   {"上面", "上方", "上边"},
	Below:   {"下面", "下方", "下边"},
}

var (
	chineseShapes = map[Shape]string{
		Circle: "圆形", Square: "正方形", Triangle: "三角形",
		Star: "五角星", Cross: "十字形", Diamond: "菱形",
	}
	chineseColours = map[Colour]string{
		Red: "红色", Green: "绿色", Blue: "蓝色", Yellow: "黄色",
		Orange: "橙色", Purple: "紫色", Black: "黑色", White: "白色",
	}
	chineseSizes = map[Size]string{Small: "小", Large: "大"}
)

func phraseChinese(s *source, p Program) string {
	text := strings.NewReplacer(
		"{np}", chineseNoun(p.Target), "{other}", chineseNoun(p.Other),
	).Replace(pick(s, chineseForms[p.Op]))
	if p.Relation != "" {
		text = strings.ReplaceAll(text, "{rel}", pick(s, chineseRelations[p.Relation]))
	}
	return text
}

// chineseNoun returns 红色的大圆形 (a large red circle) or what f tells of it.
func chineseNoun(f Filter) string {
	var noun string
	if f.Colour != "" {
		noun = chineseColours[f.Colour] + "的"
	}
	noun += chineseSizes[f.Size]
	if f.Shape != "" {
		return noun + chineseShapes[f.Shape]
	}
	return noun + "物体"
}

func answerChinese(p Program, objects []Object) string {
	switch p.Op {
	case OpExist, OpRelated:
		return verdict(Chinese, p.Op, holds(p, objects))
	case OpColour:
		return chineseColours[only(p.Target, objects).Colour]
	case OpShape:
		return chineseShapes[only(p.Target, objects).Shape]
	case OpSize:
		return chineseSizes[only(p.Target, objects).Size]
	case OpCount:
		return strconv.Itoa(p.Target.Count(objects))
	case OpFind:
		o := found(p, objects)
		return chineseNoun(Filter{Colour: o.Colour, Shape: o.Shape})
	default:
		return captionChinese(objects)
	}
}

func captionChinese(objects []Object) string {
	var b strings.Builder
	for i, o := range fromLeft(objects) {
		b.WriteString(separator(i, len(objects), "、", "和"))
		b.WriteString("一个" + chineseNoun(Filter{o.Size, o.Colour, o.Shape}))
	}
	return b.String()
}
