package pickle

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// What Python's pickle.dumps makes of
// [{'a': 1, 'b': [1.5, None, True, 'é', -70000]}, ('x', 1 << 40)] in protocols 0 and 2.
const (
	protocol0 = "(lp0\n(dp1\nVa\np2\nI1\nsVb\np3\n(lp4\nF1.5\naNaI01\naV\xe9\np5\naI-70000\nasa(Vx\np6\nL1099511627776L\ntp7\na."
	protocol2 = "\x80\x02]q\x00(}q\x01(X\x01\x00\x00\x00aq\x02K\x01X\x01\x00\x00\x00bq\x03]q\x04(G?\xf8\x00\x00\x00\x00\x00\x00N\x88X\x02\x00\x00\x00\xc3\xa9q\x05J\x90\xee\xfe\xffeuX\x01\x00\x00\x00xq\x06\x8a\x06\x00\x00\x00\x00\x00\x01\x86q\x07e."
)

func TestLoad(t *testing.T) {
	want := &List{[]any{
		&Dict{[]any{"a", "b"}, []any{int64(1), &List{[]any{1.5, nil, true, "é", int64(-70000)}}}},
		Tuple{"x", int64(1 << 40)},
	}}
	for name, text := range map[string]string{"protocol 0": protocol0, "protocol 2": protocol2} {
		if got, err := Load([]byte(text), nil, 1000); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestStrings(t *testing.T) {
	for text, want := range map[string]string{
		"S'a\\'b\\n\\xe9\\\\'\n.": "a'b\n\xe9\\", `S"it's"` + "\n.": "it's", "V\\u4f60 \\ x\n.": "你 \\ x", "V\\U0001f600\n.": "😀",
	} {
		if got, err := Load([]byte(text), nil, 10); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"code":            {"cos\nsystem\n(S'true'\ntR.", "the global os.system is not allowed"},
		"code, unused":    {"cos\nsystem\n0N.", "the global os.system is not allowed"},
		"an instance":     {"(ios\nsystem\n.", "instruction 0x69"},
		"no function":     {"N)R.", "a call of what is no function"},
		"too many":        {strings.Repeat("N0", 20) + "N.", "more than 30 instructions"},
		"quotes":          {"Sabc\n.", "without quotes"},
		"an escape":       {"S'\\q'\n.", "escape"},
		"cut":             {"(lp0\n", "EOF"},
		"half a line":     {"I1", "EOF"},
		"no number":       {"Ix\n.", "invalid syntax"},
		"odd dictionary":  {"(Nd.", "cannot hold them"},
		"a large integer": {"L99999999999999999999L\n.", "out of range"},
		"persistent":      {"NQ.", "a persistent object"},
	} {
		if v, err := Load([]byte(c.text), nil, 30); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, error %v, want %q", name, v, err, c.want)
		}
	}
}

// one is a Names that knows one function.
type one struct{}

func (one) Known(g Global) bool { return g == "m f" }
func (one) Call(f any, args Tuple) (any, error) {
	if f != Global("m f") {
		return nil, errors.New("no function")
	}
	return args[0], nil
}
func (one) Persistent(id any) (any, error) { return id, nil }

func TestNames(t *testing.T) {
	if v, err := Load([]byte("cm\nf\n(I7\ntR."), one{}, 30); err != nil || v != int64(7) {
		t.Errorf("%v, %v", v, err)
	}
	if _, err := Load([]byte("cm\ng\n."), one{}, 30); err == nil {
		t.Error("an unknown name is allowed")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(protocol0))
	f.Add([]byte(protocol2))
	f.Add([]byte("cos\nsystem\n(S'true'\ntR."))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Load(data, nil, 1<<12)
		if _, named := v.(Global); err == nil && named {
			t.Fatal("a name is a value")
		}
	})
}
