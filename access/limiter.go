package access

import (
	"math"
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

// The bounds of a limiter.
const (
	slowest  = time.Hour // from one call to the next
	maxBurst = 1 << 16
)

// NewLimiter makes a limiter. A perSecond of 0, or of no number, is [DefaultRate], and a burst of less than 1 is [DefaultBurst]; a
// negative perSecond is no limit at all. The slowest rate is a call an hour, and the greatest burst is 65,536.
func NewLimiter(perSecond float64, burst int) *Limiter {
	if perSecond == 0 || math.IsNaN(perSecond) {
		perSecond = DefaultRate
	}
	if burst < 1 {
		burst = DefaultBurst
	}
	l := &Limiter{most: 1 << 16, paid: map[string]time.Time{}}
	if perSecond > 0 {
		every := min(float64(time.Second)/perSecond, float64(slowest))
		l.every = max(1, time.Duration(every))
		l.slack = l.every * time.Duration(min(burst, maxBurst)-1)
	}
	return l
}

// Take counts a call of a client that may be made. One that may not is a [TooManyError], and does not count.
func (l *Limiter) Take(client string, now time.Time) error {
	if l.every == 0 {
		return nil
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
		return &TooManyError{Wait: early}
	}
	l.paid[client] = paid.Add(l.every)
	return nil
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
