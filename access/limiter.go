package access

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Limiter lets each client make so many calls a second, and some at once. It is safe for concurrent use, and its memory is
// bounded: when more clients than it counts come at once, the newcomers share one allowance.
type Limiter struct {
	every time.Duration // from one call to the next
	slack time.Duration // by which calls may come too early
	most  int           // clients that are counted

	mu    sync.Mutex
	paid  map[string]time.Time // when a client's calls are paid for: the "theoretical arrival time" of GCRA (ITU-T I.371)
	swept time.Time
}

// The defaults of a limiter: a person who opens a link, and reloads it, stays far below.
const (
	DefaultRate  = 10
	DefaultBurst = 20
)

// NewLimiter makes a limiter. A perSecond of 0 is [DefaultRate], a burst of 0 is [DefaultBurst]; a negative perSecond is no
// limit at all.
func NewLimiter(perSecond float64, burst int) *Limiter {
	if perSecond == 0 {
		perSecond = DefaultRate
	}
	if burst <= 0 {
		burst = DefaultBurst
	}
	l := &Limiter{most: 1 << 16, paid: map[string]time.Time{}}
	if perSecond > 0 {
		l.every = max(1, time.Duration(float64(time.Second)/perSecond))
		l.slack = l.every * time.Duration(burst-1)
	}
	return l
}

// Wait counts a call of a client and returns zero if it may be made. Otherwise it returns after how long the next may be, and
// the call does not count.
func (l *Limiter) Wait(client string, now time.Time) time.Duration {
	if l.every == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	paid, known := l.paid[client]
	if !known && len(l.paid) >= l.most && !l.sweep(now) {
		client = ""
		paid = l.paid[client]
	}
	if paid.Before(now) {
		paid = now
	}
	if early := paid.Sub(now) - l.slack; early > 0 {
		return early
	}
	l.paid[client] = paid.Add(l.every)
	return 0
}

// sweep forgets clients whose calls are paid for, but not again before calls of now can be. It reports whether there is room.
func (l *Limiter) sweep(now time.Time) bool {
	if now.Sub(l.swept) < l.slack+l.every && !now.Before(l.swept) {
		return false
	}
	l.swept = now
	for client, paid := range l.paid {
		if !paid.After(now) {
			delete(l.paid, client)
		}
	}
	return len(l.paid) < l.most
}

// ClientAddress names the client of a request by the address that it came from; an IPv6 address by its first 64 bits, since
// one client has all that begin so (RFC 6177). Behind a proxy every request comes from the proxy: name the client by a header
// that the proxy sets and no client can.
func ClientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if address = address.Unmap().WithZone(""); address.Is4() {
		return address.String()
	}
	network, _ := address.Prefix(64) // 64 fits every IPv6 address
	return network.String()
}
