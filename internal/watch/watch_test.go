package watch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func square(side int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side {
		img.Set(i, i, color.White)
	}
	return img
}

// board is one of a run of 10 updates in two stages.
func board(t *testing.T) *Board {
	t.Helper()
	now := time.Unix(100, 0)
	b := newBoard(Run{Name: "r</script>", Stages: []Stage{{"a", 4}, {"b", 6}}}, 2, func() time.Time { now = now.Add(time.Second); return now })
	check(t, b.Show([]Sample{{Pictures: []image.Image{square(8), square(1000)}, Question: "how many?", Answer: "2"}}))
	return b
}

func (b *Board) points(t *testing.T) (steps []int, losses []float64) {
	t.Helper()
	for _, s := range b.curve.all() {
		steps, losses = append(steps, s.step), append(losses, s.loss/s.n)
	}
	return steps, losses
}

// TestCurveIsBounded adds many updates: points stay few, in order, and their means
// are those of all updates.
func TestCurveIsBounded(t *testing.T) {
	b := NewBoard(Run{}, 0)
	n := 5*mostPoints + 3
	sum := 0.0
	for i := range n {
		b.Add(Point{Step: i + 1, Loss: float64(i % 7), Tokens: 10, Seconds: 2})
		sum += float64(i % 7)
		if len(b.curve.full) >= mostPoints {
			t.Fatalf("%d points after %d updates", len(b.curve.full), i+1)
		}
	}
	total, last := 0.0, 0
	for _, s := range b.curve.all() {
		total += s.loss
		if s.step <= last || s.tokens/s.secs != 5 {
			t.Fatalf("point at %d behind %d, %v tokens in %v s", s.step, last, s.tokens, s.secs)
		}
		last = s.step
	}
	if total != sum || last != n || b.curve.stride != 8 {
		t.Errorf("sum %v, want %v; last step %d, want %d; stride %d", total, sum, last, n, b.curve.stride)
	}
}

// TestReaderGetsWhatIsNew follows a board as the page does, joins what it gets, and
// wants what somebody who comes late gets at once.
func TestReaderGetsWhatIsNew(t *testing.T) {
	b := NewBoard(Run{}, 0)
	url := func(_, _, _ int, _ picture) string { return "" }
	var mine columns
	have, stride := 0, 0
	for i := range 3*mostPoints + 5 {
		b.Add(Point{Step: i + 1, Loss: float64(i), LR: 1, Norm: 2, Seconds: 1, Tokens: i})
		if i%509 != 0 {
			continue
		}
		s := b.state(have, stride, url)
		if have > 0 && stride == s.Stride && s.From != have-1 {
			t.Fatalf("update %d: the state begins at %d, and the reader has %d", i, s.From, have)
		}
		mine.Step, mine.Loss = append(mine.Step[:s.From:s.From], s.Curve.Step...), append(mine.Loss[:s.From:s.From], s.Curve.Loss...)
		have, stride = len(mine.Step), s.Stride
		all := b.state(0, 0, url).Curve
		if fmt.Sprint(mine.Step, mine.Loss) != fmt.Sprint(all.Step, all.Loss) {
			t.Fatalf("update %d: a reader has other points than one who comes late", i)
		}
	}
	for _, wrong := range [][2]int{{-1, stride}, {1 << 30, stride}, {5, -3}} {
		if s := b.state(wrong[0], wrong[1], url); s.From != 0 {
			t.Errorf("have %d, stride %d: from %d", wrong[0], wrong[1], s.From)
		}
	}
}

func TestNumbers(t *testing.T) {
	data, err := json.Marshal([]number{1, 0.000012345678, number(math.NaN()), number(math.Inf(1)), -1e30})
	check(t, err)
	if want := `[1,1.2346e-05,null,null,-1e+30]`; string(data) != want {
		t.Errorf("%s, want %s", data, want)
	}
}

func TestTimeLeft(t *testing.T) {
	b := board(t) // its clock goes on by a second whenever it is asked
	b.Past(Point{Step: 1, Loss: 3}, Point{Step: 2, Loss: 2})
	b.Add(Point{Step: 3, Loss: 1, Seconds: 1})
	if b.shown.Left != 7 {
		t.Errorf("%v s left, want 7 of a second each", b.shown.Left)
	}
	if steps, losses := b.points(t); fmt.Sprint(steps, losses) != "[1 2 3] [3 2 1]" {
		t.Errorf("points %v %v", steps, losses)
	}
}

// TestAnswersAreThinned keeps the newest of many.
func TestAnswersAreThinned(t *testing.T) {
	b := board(t)
	for i := range 500 {
		b.Answer(0, Said{Step: i, Text: "2"})
		said := b.samples[0].said
		if len(said) > mostSaid || said[len(said)-1].Step != i {
			t.Fatalf("answer %d: %d are kept, the last of step %d", i, len(said), said[len(said)-1].Step)
		}
	}
	if first := b.samples[0].said[0].Step; first > 100 {
		t.Errorf("the oldest that is kept is of step %d", first)
	}
}

// TestTermsAndValidation: what a part of the updates had is there for these alone, and
// a reader who came before the first of them gets whole columns all the same.
func TestTermsAndValidation(t *testing.T) {
	b := NewBoard(Run{}, 2)
	b.Past(Point{Step: 1, Loss: 3}, Point{Step: 2, Loss: 2})
	if s := b.state(0, 0, nil); s.Curve.Valid != nil || s.Curve.Terms != nil {
		t.Errorf("columns before there is anything: %+v", s.Curve)
	}
	b.Add(Point{Step: 3, Loss: 1, Valid: 1.5, Terms: map[string]float64{"itc": 0.25, "itm": 0.75}})
	b.Add(Point{Step: 4, Loss: 1, Terms: map[string]float64{"itc": 0.5, "<b>": -1}})
	for _, tc := range []struct {
		have int
		want string
	}{
		{0, `"valid":[null,null,1.5,null],"terms":{"\u003cb\u003e":[null,null,null,-1],"itc":[null,null,0.25,0.5],"itm":[null,null,0.75,null]}`},
		{4, `"valid":[null],"terms":{"\u003cb\u003e":[-1],"itc":[0.5],"itm":[null]}`},
	} {
		data, err := json.Marshal(b.state(tc.have, 1, nil))
		check(t, err)
		if !bytes.Contains(data, []byte(tc.want)) {
			t.Errorf("who has %d points gets %s, want %s", tc.have, data, tc.want)
		}
	}
}

// TestPartsOfPoints: where updates are joined, terms and validation are means of those
// that had them.
func TestPartsOfPoints(t *testing.T) {
	b := NewBoard(Run{}, 0)
	for i := range mostPoints {
		p := Point{Step: i + 1}
		if i%4 == 0 {
			p.Valid = float64(1 + i)
		}
		if i >= mostPoints/2 {
			p.Terms = map[string]float64{"itc": float64(i)}
		}
		b.Add(p)
	}
	c := b.curve.columns(b.curve.all())
	n, half := len(c.Step), len(c.Step)/2
	if n != mostPoints/2 || c.Valid[0] != 1 || c.Valid[1] == c.Valid[1] || c.Valid[2] != 5 {
		t.Errorf("%d points, validated %v", n, c.Valid[:3])
	}
	if itc := c.Terms["itc"]; itc[half-1] == itc[half-1] || float64(itc[half]) != mostPoints/2+0.5 {
		t.Errorf("the term is %v at the middle", itc[half-1:half+1])
	}
}

// TestStageThatEndsEarly: what follows moves up, whether another stage does or the run ends.
func TestStageThatEndsEarly(t *testing.T) {
	b := board(t) // of 4 updates and 6
	b.Past(Point{Step: 1, Valid: 2}, Point{Step: 2, Valid: 1, Broken: 1})
	b.Add(Point{Step: 3, Valid: 3, Skipped: 2})
	if got := fmt.Sprint(b.stages.all); got != "[{a 4 4 1 2} {b 6 6 0 0}]" {
		t.Errorf("in the first: %s", got)
	}
	b.Add(Point{Step: 4, Stage: 1, Valid: 9, Broken: 3})
	if got := fmt.Sprint(b.stages.all); got != "[{a 3 4 1 2} {b 6 6 9 4}]" || b.shown.Left != 5 { // a second for each of five
		t.Errorf("in the second: %s, %v s left", got, b.shown.Left)
	}
	b.End(Stopped, "")
	if b.stages.updates() != 9 {
		t.Errorf("stopped: %d updates", b.stages.updates())
	}
	b.End(Finished, "")
	if got := fmt.Sprint(b.stages.all); got != "[{a 3 4 1 2} {b 1 6 9 4}]" {
		t.Errorf("finished: %s", got)
	}
	if b.shown.Broken != 4 || b.shown.Skipped != 2 {
		t.Errorf("%d broken, %d skipped", b.shown.Broken, b.shown.Skipped)
	}
}

// TestReport wants one file without a link, whose state a JSON decoder reads.
func TestReport(t *testing.T) {
	b := board(t)
	b.Add(Point{Step: 3, Loss: 1.5})
	b.Answer(0, Said{3, "</script><b>", false})
	b.End(Stopped, "")
	data, err := b.Report()
	check(t, err)
	_, rest, ok := bytes.Cut(data, []byte("const still = "))
	if !ok {
		t.Fatal("no state")
	}
	var s state
	check(t, json.NewDecoder(bytes.NewReader(rest)).Decode(&s))
	if s.Run.Name != "r</script>" || s.Status != Stopped || len(s.Curve.Step) != 1 || s.Samples[0].Said[0].Text != "</script><b>" {
		t.Errorf("state: %+v", s)
	}
	for i, kind := range []string{"data:image/png;base64,", "data:image/jpeg;base64,"} {
		if p := s.Samples[0].Pictures[i]; !strings.HasPrefix(p, kind) {
			t.Errorf("picture %d is %.30s", i, p)
		}
	}
	if n := bytes.Count(data, []byte("</script>")); n != 1 {
		t.Errorf("%d ends of the script", n)
	}
	for _, link := range []string{"http://", "https://"} {
		for _, at := range bytes.Split(data, []byte(link))[1:] {
			if !bytes.HasPrefix(at, []byte("www.w3.org/")) { // the name of SVG
				t.Errorf("a link to %.40s", at)
			}
		}
	}
}

// TestReportIsSmall fills everything that has a bound.
func TestReportIsSmall(t *testing.T) {
	b := NewBoard(Run{}, 0)
	for i := range 4*mostPoints - 1 {
		b.Add(Point{
			Step: i + 1, Loss: 1.23456e-5 * float64(i), LR: 1.23456e-5, Norm: 1.23456e-5, Tokens: 12345, Seconds: 0.12345, Valid: 1.23456e-5,
			Terms: map[string]float64{"a": 1.23456e-5, "b": 1.23456e-5, "c": 1.23456e-5},
		})
	}
	data, err := b.Report()
	check(t, err)
	if len(data) > 250<<10 {
		t.Errorf("%d bytes", len(data))
	}
}

func TestShrink(t *testing.T) {
	img := image.NewNRGBA(image.Rect(10, 20, 650, 340)) // 640 by 320: black above, white below
	for y := 180; y < 340; y++ {
		for x := 10; x < 650; x++ {
			img.Set(x, y, color.White)
		}
	}
	small := shrink(img, 64)
	if small.Bounds() != image.Rect(0, 0, 64, 32) {
		t.Fatalf("bounds %v", small.Bounds())
	}
	for y, want := range map[int]uint32{0: 0, 15: 0, 16: 0xffff, 31: 0xffff} {
		if r, _, _, _ := small.At(5, y).RGBA(); r != want {
			t.Errorf("row %d is %x, want %x", y, r, want)
		}
	}
	if long := shrink(image.NewNRGBA(image.Rect(0, 0, 5000, 1)), 320).Bounds(); long.Dy() != 1 {
		t.Errorf("a line becomes %v", long)
	}
}

func serve(t *testing.T, b *Board) *Server {
	t.Helper()
	s, err := Serve(":0", b)
	check(t, err)
	t.Cleanup(func() { _ = s.http.Close() })
	return s
}

func get(t *testing.T, url string) (code int, kind string, body []byte) {
	t.Helper()
	r, err := http.Get(url)
	check(t, err)
	defer r.Body.Close()
	body, err = io.ReadAll(r.Body)
	check(t, err)
	return r.StatusCode, r.Header.Get("Content-Type"), body
}

func TestServer(t *testing.T) {
	b := board(t)
	b.Add(Point{Step: 3, Loss: 1.5})
	s := serve(t, b)
	for path, want := range map[string]string{
		"":                "200 text/html; charset=utf-8",
		"state":           "200 application/json",
		"picture/0/0?v=1": "200 image/png",
		"picture/0/1":     "200 image/jpeg",
		"picture/0/2":     "404 text/plain; charset=utf-8",
		"picture/-1/0":    "404 text/plain; charset=utf-8",
		"picture/x/y":     "404 text/plain; charset=utf-8",
		"etc/passwd":      "404 text/plain; charset=utf-8",
	} {
		if code, kind, _ := get(t, s.URL()+path); fmt.Sprint(code, " ", kind) != want {
			t.Errorf("%q: %d %s, want %s", path, code, kind, want)
		}
	}
	var now state
	_, _, data := get(t, s.URL()+"state?have=x&stride=")
	check(t, json.Unmarshal(data, &now))
	if now.Status != running || now.Step != 3 || len(now.Curve.Loss) != 1 || now.Samples[0].Pictures[0] != "picture/0/0?v=1" {
		t.Errorf("state: %+v", now)
	}
	r, err := http.Post(s.URL()+"state", "text/plain", strings.NewReader("x"))
	check(t, err)
	check(t, r.Body.Close())
	if r.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", r.StatusCode)
	}
}

// TestBadClients: who sends garbage, says nothing or never reads keeps nobody else away.
func TestBadClients(t *testing.T) {
	s := serve(t, board(t))
	address := s.listener.Addr().String()
	for i := range mostConns / 2 {
		c, err := net.Dial("tcp", address)
		check(t, err)
		defer c.Close()
		switch i % 3 {
		case 0:
			_, _ = c.Write([]byte("\x16\x03\x01 garbage\r\n\r\n"))
		case 1:
			_, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")) // and never reads
		}
	}
	if code, _, _ := get(t, s.URL()+"state"); code != http.StatusOK {
		t.Errorf("status %d", code)
	}
}

// TestTooManyClients: a place that is given back can be had.
func TestTooManyClients(t *testing.T) {
	s := serve(t, board(t))
	var all []net.Conn
	for range mostConns + 10 {
		c, err := net.Dial("tcp", s.listener.Addr().String())
		check(t, err)
		all = append(all, c)
	}
	for _, c := range all {
		check(t, c.Close())
	}
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		r, err := http.Get(s.URL())
		if err == nil {
			check(t, r.Body.Close())
			return
		}
		if time.Since(began) > 5*time.Second {
			t.Fatal(err)
		}
	}
}

// TestLastLook: the server stays until one who looks has seen the end, and does not wait
// where nobody looks.
func TestLastLook(t *testing.T) {
	b := board(t)
	s := serve(t, b)
	s.linger = time.Hour
	if s.watched() {
		t.Error("somebody looks at once")
	}
	get(t, s.URL()+"state")
	b.End(Finished, "")
	closed := make(chan error)
	go func() { closed <- s.Close() }()
	var last state
	_, _, data := get(t, s.URL()+"state")
	check(t, json.Unmarshal(data, &last))
	if last.Status != Finished {
		t.Errorf("the last state is %q", last.Status)
	}
	check(t, <-closed)
}

func TestBadAddresses(t *testing.T) {
	taken := serve(t, board(t)).listener.Addr().String()
	for address, want := range map[string]string{
		"8080":             "want [HOST]:PORT",
		"localhost:99999":  "99999",
		taken:              "is the port taken?",
		"nowhere.invalid:": "nowhere.invalid",
	} {
		if _, err := Serve(address, board(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

// TestOnlyThisMachine: an address without a host is a loopback one.
func TestOnlyThisMachine(t *testing.T) {
	s := serve(t, board(t))
	if ip := s.listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		t.Errorf("listening on %v", ip)
	}
	if !strings.HasPrefix(s.URL(), "http://localhost:") {
		t.Errorf("URL %s", s.URL())
	}
	for host, want := range map[string]int{"": 200, "127.0.0.1:80": 200, "[::1]:80": 200, "localhost": 200, "evil.example": 403, "localhost.evil.example:80": 403} {
		r, err := http.NewRequest(http.MethodGet, s.URL()+"state", nil)
		check(t, err)
		r.Host = host
		answer, err := http.DefaultClient.Do(r)
		check(t, err)
		check(t, answer.Body.Close())
		if answer.StatusCode != want {
			t.Errorf("host %q: %d, want %d", host, answer.StatusCode, want)
		}
	}
}
