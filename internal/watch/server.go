package watch

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	lingering = 3 * time.Second // three times as long as the page waits between questions
	mostConns = 64
)

// Server serves a board over HTTP.
type Server struct {
	board    *Board
	http     *http.Server
	listener net.Listener
	failed   chan error
	linger   time.Duration // that Close waits for readers to see the end
	read     atomic.Int64  // when somebody last read the state, in Unix nanoseconds
	seen     atomic.Bool   // somebody has read how the run ended
}

// Serve begins to serve a board at [HOST]:PORT. Without a host it can be seen from
// this machine alone; port 0 takes one that is free.
func Serve(address string, b *Board) (*Server, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("watch: address %q, want [HOST]:PORT, such as :8080", address)
	}
	private := host == ""
	if private {
		host = "localhost"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("watch: %w; is the port taken? :0 takes one that is free", err)
	}
	s := &Server{board: b, listener: l, failed: make(chan error, 1), linger: lingering}
	s.http = &http.Server{
		Handler:           s.handler(private),
		ReadHeaderTimeout: 5 * time.Second, // of a client that says nothing
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      20 * time.Second, // of one that does not read
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    1 << 14,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	go func() { s.failed <- s.http.Serve(&fewConns{l, make(chan struct{}, mostConns)}) }()
	return s, nil
}

// URL is where the page is.
func (s *Server) URL() string {
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if ip := net.ParseIP(host); ip.IsLoopback() || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}

// Close ends the server. If somebody looks, it lets them see the end first.
func (s *Server) Close() error {
	for began := time.Now(); time.Since(began) < s.linger && !s.seen.Load() && s.watched(); {
		time.Sleep(20 * time.Millisecond)
	}
	err := s.http.Close()
	if failed := <-s.failed; !errors.Is(failed, http.ErrServerClosed) {
		err = errors.Join(err, failed)
	}
	return wrap(err)
}

// watched reports whether somebody looks at the page.
func (s *Server) watched() bool { return time.Now().UnixNano()-s.read.Load() < int64(s.linger) }

// handler serves the page; a private one is for readers who call this machine local.
func (s *Server) handler(private bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page())
	})
	mux.HandleFunc("GET /state", s.state)
	mux.HandleFunc("GET /picture/{sample}/{picture}", s.picture)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if private && !local(r.Host) {
			http.Error(w, "this page is for this machine; give --watch a host", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// local tells the names of this machine from those that somebody else's page may have
// pointed at it.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// state tells a reader who has ?have points of ?stride what is new.
func (s *Server) state(w http.ResponseWriter, r *http.Request) {
	have, _ := strconv.Atoi(r.FormValue("have"))
	stride, _ := strconv.Atoi(r.FormValue("stride"))
	now := s.board.state(have, stride, func(version, sample, k int, _ picture) string {
		return fmt.Sprintf("picture/%d/%d?v=%d", sample, k, version)
	})
	data, err := json.Marshal(now)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(data)
	s.read.Store(time.Now().UnixNano())
	if err == nil && now.Status != running {
		s.seen.Store(true)
	}
}

func (s *Server) picture(w http.ResponseWriter, r *http.Request) {
	sample, err1 := strconv.Atoi(r.PathValue("sample"))
	k, err2 := strconv.Atoi(r.PathValue("picture"))
	p, ok := s.board.picture(sample, k)
	if err1 != nil || err2 != nil || !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", p.kind)
	_, _ = w.Write(p.data)
}

// fewConns takes a connection only when not many are open.
type fewConns struct {
	net.Listener
	open chan struct{}
}

// Accept waits for a connection that there is a place for.
func (l *fewConns) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.open <- struct{}{}:
			return &countedConn{Conn: c, open: l.open}, nil
		default:
			_ = c.Close() // it may come again
		}
	}
}

type countedConn struct {
	net.Conn
	open   chan struct{}
	closed atomic.Bool
}

// Close gives the place back.
func (c *countedConn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		<-c.open
	}
	return c.Conn.Close()
}
