package data

import (
	"encoding/json"
	"errors"
	"fmt"
)

// columns are the names that a dataset_info.json of LLaMA-Factory gives to the fields
// of a data set (https://github.com/hiyouga/LLaMA-Factory/blob/main/data/README.md).
type columns struct {
	Messages string `json:"messages"`
	System   string `json:"system"`
	Images   string `json:"images"`
	Videos   string `json:"videos"`
	Audios   string `json:"audios"`
	Chosen   string `json:"chosen"`
	Rejected string `json:"rejected"`
	KTO      string `json:"kto_tag"`
	Prompt   string `json:"prompt"` // those of Alpaca's format from here on
	Query    string `json:"query"`
	Response string `json:"response"`
	History  string `json:"history"`
}

// tags are the names of the fields of a message, and of those who speak.
type tags struct {
	Role      string `json:"role_tag"`
	Content   string `json:"content_tag"`
	User      string `json:"user_tag"`
	Assistant string `json:"assistant_tag"`
	System    string `json:"system_tag"`
}

// layout says how the rows of a ShareGPT data set are to be read.
type layout struct {
	columns
	tags
	alpaca bool
}

func defaultLayout() *layout {
	return &layout{
		columns: columns{
			Messages: "conversations", System: "system", Images: "images", Videos: "videos", Audios: "audios", Chosen: "chosen", Rejected: "rejected",
			KTO: "kto_tag", Prompt: "instruction", Query: "input", Response: "output", History: "history",
		},
		tags: tags{Role: "from", Content: "value", User: "human", Assistant: "gpt", System: "system"},
	}
}

func isShareGPT(p *probe) bool {
	return p.has("conversations") && p.any("images", "system", "chosen", "rejected", "kto_tag", "tools") || p.has("conversation") && p.within("conversation", `"human"`)
}

// shared is a row with its fields by name.
type shared map[string]json.RawMessage

// text is a field that is a text, "" without it.
func (r shared) text(key string) (string, error) {
	raw, ok := r[key]
	if !ok || string(raw) == "null" {
		return "", nil
	}
	s, err := unquote(raw)
	if err != nil {
		return "", fmt.Errorf("%s is not a text", key)
	}
	return s, nil
}

// parseShareGPT reads a row of ShareGPT's or Alpaca's format, by the names of the layout.
func parseShareGPT(o *opener, raw []byte, s *Sample) error {
	l := o.layout
	if l == nil {
		l = defaultLayout()
	}
	row := shared{}
	if err := decode(raw, &row); err != nil {
		return err
	}
	s.ID = readID(row["id"])
	for _, key := range []string{l.Videos, l.Audios} {
		if names, err := readNames(row[key]); err != nil || len(names) > 0 {
			return fmt.Errorf("%s are not read", key)
		}
	}
	names, err := readNames(row[l.Images])
	if err != nil {
		return err
	}
	list, err := l.messages(row)
	if err != nil {
		return err
	}
	if list, err = l.preference(row, list, s); err != nil {
		return err
	}
	return o.converse(s, names, list)
}

// messages are the system's text and the turns.
func (l *layout) messages(row shared) (list []message, err error) {
	system, err := row.text(l.columns.System)
	if err != nil {
		return nil, err
	}
	if system != "" {
		list = append(list, message{from: System, text: system})
	}
	if l.alpaca {
		return l.instruction(row, list)
	}
	if pairs, ok := row["conversation"]; ok && row[l.Messages] == nil {
		return pairsOf(pairs, list)
	}
	var turns []map[string]json.RawMessage
	if raw := row[l.Messages]; raw != nil {
		if err := decode(raw, &turns); err != nil {
			return nil, fmt.Errorf("%s: %w", l.Messages, err)
		}
	}
	for i, t := range turns {
		m, err := l.message(t)
		if err != nil {
			return nil, fmt.Errorf("turn %d: %w", i+1, err)
		}
		list = append(list, m)
	}
	return list, nil
}

// message reads a turn.
func (l *layout) message(t shared) (message, error) {
	from, err := t.text(l.Role)
	if err != nil {
		return message{}, err
	}
	text, err := t.text(l.Content)
	switch {
	case err != nil:
		return message{}, err
	case from == "" || t[l.Content] == nil:
		return message{}, fmt.Errorf("want %s and %s", l.Role, l.Content)
	case from == l.User:
		from = User
	case from == l.Assistant:
		from = Assistant
	case from == l.tags.System:
		from = System
	}
	return message{from: from, text: text}, nil
}

// pairsOf reads [{"human", "assistant"}], ms-swift's way.
func pairsOf(raw []byte, list []message) ([]message, error) {
	var pairs []struct {
		Human     string `json:"human"`
		Assistant string `json:"assistant"`
	}
	if err := decode(raw, &pairs); err != nil {
		return nil, fmt.Errorf("conversation: %w", err)
	}
	for _, p := range pairs {
		list = append(list, message{from: User, text: p.Human}, message{from: Assistant, text: p.Assistant})
	}
	return list, nil
}

// instruction reads a row of Alpaca's format: an instruction, what it is about, and the
// answer, behind earlier rounds.
func (l *layout) instruction(row shared, list []message) ([]message, error) {
	var rounds [][2]string
	if raw := row[l.History]; raw != nil {
		if err := decode(raw, &rounds); err != nil {
			return nil, fmt.Errorf("%s: %w", l.History, err)
		}
	}
	prompt, err := row.text(l.Prompt)
	query, err2 := row.text(l.Query)
	answer, err3 := row.text(l.Response)
	if err := errors.Join(err, err2, err3); err != nil {
		return nil, err
	}
	if query != "" && prompt != "" {
		prompt += "\n"
	}
	for _, r := range rounds {
		list = append(list, message{from: User, text: r[0]}, message{from: Assistant, text: r[1]})
	}
	list = append(list, message{from: User, text: prompt + query})
	if answer != "" {
		list = append(list, message{from: Assistant, text: answer})
	}
	return list, nil
}

// preference reads a better and a worse answer, or a verdict on the last.
func (l *layout) preference(row shared, list []message, s *Sample) ([]message, error) {
	if row[l.Chosen] != nil && row[l.Rejected] != nil {
		chosen, err := l.answer(row[l.Chosen])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.Chosen, err)
		}
		if s.Rejected, err = l.answer(row[l.Rejected]); err != nil {
			return nil, fmt.Errorf("%s: %w", l.Rejected, err)
		}
		if s.Rejected == "" {
			return nil, fmt.Errorf("%s is empty", l.Rejected)
		}
		list = append(list, message{from: Assistant, text: chosen})
	}
	var err error
	s.Verdict, err = verdictOf(row[l.KTO])
	return list, err
}

// answer is a message of the assistant, or its text alone.
func (l *layout) answer(raw json.RawMessage) (string, error) {
	if text, err := unquote(raw); err == nil {
		return text, nil
	}
	t := shared{}
	if err := decode(raw, &t); err != nil {
		return "", err
	}
	m, err := l.message(t)
	if r, _ := role(m.from); err == nil && r != Assistant {
		err = fmt.Errorf("from %.80q, want an answer", m.from)
	}
	return m.text, err
}

// verdictOf reads true or false, or 1 or 0.
func verdictOf(raw json.RawMessage) (Verdict, error) {
	switch string(raw) {
	case "", "null":
		return NoVerdict, nil
	case "true", "1":
		return Good, nil
	case "false", "0":
		return Bad, nil
	}
	return NoVerdict, fmt.Errorf("verdict %.20s, want true or false", raw)
}
