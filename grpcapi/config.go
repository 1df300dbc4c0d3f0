package grpcapi

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/benbjohnson/clock"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
)

// MaxMessage is the largest message of a request, in bytes.
const MaxMessage = 1 << 20

// MaxEnrollments is the most rounds that one call of EnrollMany may ask for.
const MaxEnrollments = 1000

// Config are the choices of the API. A zero field is its default; Authenticate has none.
type Config struct {
	// Authenticate tells who makes a request, such as Tokens.Authenticate of package access. Nil is an error: to let everybody
	// in, say so with access.Anonymous. An error that is not access.ErrUnauthenticated is Unavailable. To resolve an entry needs
	// no credentials: there it is asked only about a request with an Authorization header, and who has a session in a cookie,
	// or a client certificate, is nobody in particular.
	Authenticate access.Authenticate
	// PassTimeout is how long one call of a pass, or of EnrollMany, may take before it answers what it has done; 0 is 25
	// seconds. A deadline of the request that comes earlier is kept instead, less what the answer needs. A proxy in front, and
	// the server's write timeout, must allow a little more.
	PassTimeout time.Duration
	// Resolve limits how often a client may ask for an entry; nil is the default of access.NewLimiter. Give REST and gRPC
	// the same.
	Resolve *access.Limiter
	// Client names the client of a request for that limit; nil is access.ClientAddress. Behind a proxy it must be set.
	Client func(r *http.Request) string
	// Clock is what the limit and durations in the log are counted by; nil is the machine's clock.
	Clock assessplan.Clock
	// Logger gets a record of each call of an RPC: request_id, procedure, subject, org, code, duration; errors of the server at
	// Error with their cause, panics with their stack. The code is ok, or the reason of the error in lower case; a request that
	// could not be read is invalid. No record has a header or a message. Health and reflection are not logged. Nil is silence.
	Logger *slog.Logger
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
