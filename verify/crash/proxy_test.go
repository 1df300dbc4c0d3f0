package crash_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// proxy stands between a store and its server. At a COMMIT for which it is set it closes both connections: after the server
// has answered, or before the server hears of it. The client can not tell which.
type proxy struct {
	listener        net.Listener
	network, server string
	commit          []byte // a COMMIT, as the client sends it, in capitals
	conns           sync.WaitGroup

	mu   sync.Mutex
	next cut
	cuts int // how often it has cut
}

// cut says when a proxy cuts.
type cut struct {
	at       int  // the next COMMIT but so many, 1 for the next; 0 for never
	stored   bool // the server has stored the transaction
	abruptly bool // by a reset rather than an end of the stream
}

// newProxy serves as long as the test runs. Connections must have ended by then.
func newProxy(t *testing.T, network, server string, commit []byte) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{listener: listener, network: network, server: server, commit: commit}
	p.conns.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close() // only its goroutine could mind
		p.conns.Wait()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.server)
		if err != nil {
			_ = client.Close() // which tells the client
			continue
		}
		l := &link{proxy: p, client: client, server: server}
		p.conns.Go(l.requests)
		p.conns.Go(l.answers)
	}
}

// set says when the proxy cuts next.
func (p *proxy) set(next cut) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = next
}

// count is how often the proxy has cut.
func (p *proxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// due reports whether a request is a COMMIT at which to cut.
func (p *proxy) due(request []byte) (now bool, how cut) {
	if !bytes.Equal(bytes.ToUpper(request), p.commit) {
		return false, cut{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next.at == 0 {
		return false, cut{}
	}
	p.next.at--
	if p.next.at > 0 {
		return false, cut{}
	}
	p.cuts++
	return true, p.next
}

// link is a connection through a proxy.
type link struct {
	*proxy
	client, server net.Conn
	last           atomic.Bool // the next answer is not passed on, and nothing after it
}

// requests passes on what the client sends. It sends a COMMIT as a whole, and when it has all answers to what it sent before.
func (l *link) requests() {
	defer l.close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := l.client.Read(buffer)
		if err != nil {
			return
		}
		if now, how := l.due(buffer[:n]); now {
			if how.abruptly {
				_ = l.client.(*net.TCPConn).SetLinger(0) // at worst it ends in order
			}
			if !how.stored {
				return
			}
			l.last.Store(true)
		}
		if _, err := l.server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *link) answers() {
	defer l.close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := l.server.Read(buffer)
		if err != nil || l.last.Load() {
			return
		}
		if _, err := l.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *link) close() {
	_ = l.client.Close() // both ends may have been closed before
	_ = l.server.Close()
}
