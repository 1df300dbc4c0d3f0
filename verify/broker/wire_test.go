package broker_test

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// wire stands between Publishers and their broker, and can be cut. What is on its way is lost then, in both directions.
type wire struct {
	listener net.Listener
	all      sync.WaitGroup

	mu     sync.Mutex // over what follows
	server string
	down   bool
	deaf   bool // at the next answer of the broker all connections are cut, before it is passed on
	links  map[net.Conn]net.Conn
}

// newWire leads to the broker at a URL as long as the test runs.
func newWire(t testing.TB, broker string) (w *wire, through string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	parsed, err := url.Parse(broker)
	require.NoError(t, err)
	w = &wire{listener: listener, server: parsed.Host, links: map[net.Conn]net.Conn{}}
	parsed.Host = listener.Addr().String()
	w.all.Go(w.accept)
	t.Cleanup(func() {
		_ = listener.Close() // only its goroutine could mind
		w.cut()
		w.all.Wait()
	})
	return w, parsed.String()
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.connect(client)
	}
}

func (w *wire) connect(client net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	server, err := net.Dial("tcp", w.server)
	switch {
	case err != nil:
		_ = client.Close() // which tells the client
		return
	case w.down:
		_ = client.Close()
		_ = server.Close()
		return
	}
	w.links[client] = server
	w.all.Go(func() { w.pass(client, server, client) })
	w.all.Go(func() { w.pass(answers{server, w}, client, client) })
}

// pass passes on what comes from one end, until one of them is closed.
func (w *wire) pass(from io.Reader, to, client net.Conn) {
	_, _ = io.Copy(to, from) // an end of the link, however it came
	w.mu.Lock()
	defer w.mu.Unlock()
	if server, is := w.links[client]; is {
		w.end(client, server)
	}
}

// answers are what a broker says.
type answers struct {
	net.Conn
	wire *wire
}

func (a answers) Read(b []byte) (int, error) {
	n, err := a.Conn.Read(b)
	if a.wire.hears() {
		return n, err
	}
	return 0, io.EOF
}

// hears reports whether an answer is passed on; if it is not, all connections are cut.
func (w *wire) hears() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.deaf {
		return true
	}
	w.deaf = false
	for client, server := range w.links {
		w.end(client, server)
	}
	return false
}

// cutAtAnswer cuts all connections as soon as the broker has answered something that nobody will hear.
func (w *wire) cutAtAnswer() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = true
}

func (w *wire) end(client, server net.Conn) {
	delete(w.links, client)
	for _, conn := range []net.Conn{client, server} {
		_ = conn.(*net.TCPConn).SetLinger(0) // a reset: nothing that waits to be sent arrives
		_ = conn.Close()
	}
}

// cut ends all connections. Who connects again is let through.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for client, server := range w.links {
		w.end(client, server)
	}
}

// set says whether the broker can be reached.
func (w *wire) set(up bool) {
	w.mu.Lock()
	w.down = !up
	w.mu.Unlock()
	if !up {
		w.cut()
	}
}
