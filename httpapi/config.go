package httpapi

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

// MaxBody is the largest body of a request, in bytes.
const MaxBody = 1 << 20

// Config are the choices of the API. A zero field is its default; Authenticate has none.
type Config struct {
	// Authenticate tells who makes a request, such as Tokens.Authenticate of package access. Nil is an error: to let everybody
	// in, say so with access.Anonymous. An error that is not access.ErrUnauthenticated is answered as unavailable. To resolve an
	// entry needs no credentials: there it is asked only about a request with an Authorization header, and who has a session in
	// a cookie, or a client certificate, is nobody in particular.
	Authenticate access.Authenticate
	// Prefix is the path that all routes begin with; empty is "/api/v1", "/" is none.
	Prefix string
	// Zone is whose clocks a `before` without an offset is read on; nil is UTC.
	Zone *time.Location
	// PassTimeout is how long one call of a pass, or of enrolling many, may take before it answers what it has done, and that
	// there is more; 0 is 25 seconds. A proxy in front, and the server's write timeout, must allow a little more.
	PassTimeout time.Duration
	// Resolve limits how often a client may ask for an entry; nil is the default of access.NewLimiter. Give REST and gRPC
	// the same.
	Resolve *access.Limiter
	// Client names the client of a request for that limit; nil is access.ClientAddress. Behind a proxy it must be set.
	Client func(r *http.Request) string
	// Clock is what the limit counts by; nil is the machine's clock.
	Clock assessplan.Clock
	// Logger gets a record of each request: request_id, method, route, subject, org, status, code, duration; server errors at
	// Error with their cause. No record has a query, a header or a body. Nil is silence.
	Logger *slog.Logger
}

// settle notes what is wrong with the arguments of an API.
func (c *Config) settle(service *assessplan.Service, f *assessplan.ValidationError) Config {
	if service == nil {
		f.Add("service", "is nil; make one with assessplan.New")
	}
	return c.withDefaults(f)
}

func (c *Config) withDefaults(f *assessplan.ValidationError) Config {
	d := Config{}
	if c != nil {
		d = *c
	}
	if d.Authenticate == nil {
		f.Add("Authenticate", "is nil; give one, or access.Anonymous to let everybody in")
	}
	if d.PassTimeout < 0 {
		f.Add("PassTimeout", "is %v; want a positive duration, or 0 for 25s", d.PassTimeout)
	}
	switch {
	case d.Prefix == "":
		d.Prefix = "/api/v1"
	case d.Prefix == "/":
		d.Prefix = ""
	case !strings.HasPrefix(d.Prefix, "/") || strings.HasSuffix(d.Prefix, "/") || strings.ContainsAny(d.Prefix, "{}?# "):
		f.Add("Prefix", `is %q; want a path such as "/api/v1", without a slash at its end`, d.Prefix)
	}
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	if d.PassTimeout == 0 {
		d.PassTimeout = 25 * time.Second
	}
	if d.Resolve == nil {
		d.Resolve = access.NewLimiter(0, 0)
	}
	if d.Client == nil {
		d.Client = access.ClientAddress
	}
	if d.Clock == nil {
		d.Clock = clock.New()
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d
}
