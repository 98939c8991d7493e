package scenes

import (
	"bufio"
	"errors"
	"html/template"
	"os"
)

// page is an HTML file that shows scenes, one after the other.
type page struct {
	f *os.File
	w *bufio.Writer
}

const pageHead = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Scenes</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; background: #fff }
section { display: flex; flex-wrap: wrap; gap: 1.5rem; border-top: 1px solid #ddd; padding: 1.5rem 0 }
figure { margin: 0 }
img { width: 256px; height: 256px; image-rendering: pixelated }
figcaption { color: #666; font-size: 13px }
table { border-collapse: collapse; flex: 1 1 24rem; align-self: start }
td { padding: .1rem .8rem .1rem 0; vertical-align: top }
td:first-child { color: #666 }
td:last-child { font-weight: 600 }
</style>
<h1>Scenes</h1>
`

var pageScene = template.Must(template.New("scene").Parse(`<section>
<figure><img src="{{.File}}" alt="{{.Scene.ID}}"><figcaption>{{.Scene.ID}}</figcaption></figure>
<table>
{{- range .Scene.Questions}}
<tr lang="{{.Lang}}"><td>{{.Type}}</td><td>{{.Text}}</td><td>{{.Answer}}</td></tr>
{{- end}}
</table>
</section>
`))

func newPage(name string) (*page, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	p := &page{f: f, w: bufio.NewWriter(f)}
	if _, err := p.w.WriteString(pageHead); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

func (p *page) add(s *Scene, file string) error {
	return pageScene.Execute(p.w, struct {
		Scene *Scene
		File  string
	}{s, file})
}

func (p *page) close() error { return errors.Join(p.w.Flush(), p.f.Close()) }
