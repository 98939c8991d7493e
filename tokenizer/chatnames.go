package tokenizer

// HasChatTemplate reports whether the checkpoint has a chat template of that name; "" is the default one.
func (t *Tokenizer) HasChatTemplate(name string) bool {
	if name == "" {
		name = "default"
	}
	_, ok := t.templates[name]
	return ok
}
