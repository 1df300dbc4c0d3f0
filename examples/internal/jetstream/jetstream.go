// Package jetstream is how the commands get to NATS JetStream. Whoever starts one with a user who lacks a permission, or at a
// server without JetStream, would be told by NATS that nobody answered, or nothing at all; here they are told what to do.
package jetstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// patience is how long a server may take for an answer while a command starts.
const patience = 10 * time.Second

// Server is a connection that lasts until it is closed: the server may go and come.
type Server struct {
	*nats.Conn
	client   Client
	host     string
	streams  nats.JetStreamContext
	patience time.Duration

	mu     sync.Mutex
	refuse context.CancelCauseFunc // ends what is asked just now
}

// Client is who connects.
type Client struct {
	Name  string   // that the server shows
	Needs []string // the subjects that it publishes to, as permissions have them; it is answered below _INBOX
	Log   *slog.Logger
}

// Connect takes up a connection. No error has a password.
func Connect(to string, client Client) (*Server, error) {
	s := &Server{client: client, patience: patience}
	var err error
	if s.host, err = hostOf(to); err != nil {
		return nil, err
	}
	s.Conn, err = nats.Connect(to, nats.Name(client.Name), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1), nats.ErrorHandler(s.complain))
	switch {
	case errors.Is(err, nats.ErrNoServers):
		return nil, fmt.Errorf("nobody listens at %s: %w", s.host, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", s.host, err)
	}
	if s.streams, err = s.JetStream(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// hostOf is the host and port of a URL, without its user and password.
func hostOf(to string) (string, error) {
	u, err := url.Parse(to)
	switch {
	case err != nil || u.Hostname() == "":
		return "", errors.New("this is no URL of NATS; want nats://HOST:PORT") // and not what it is: it has a password
	case u.Port() == "":
		return net.JoinHostPort(u.Hostname(), "4222"), nil
	}
	return u.Host, nil
}

// complain takes what a server refuses, which it says without saying to what call.
func (s *Server) complain(_ *nats.Conn, _ *nats.Subscription, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil && strings.Contains(strings.ToLower(err.Error()), nats.PERMISSIONS_ERR) {
		s.refuse(&refusal{err})
		return
	}
	s.client.Log.Warn("NATS complains", "server", s.host, "error", err)
}

// refusal is what a server says that a user may not do.
type refusal struct{ error }

var errSilent = errors.New("no answer")

// Ask does what a command needs of JetStream before it can begin. The calls get the ctx by nats.Context: it ends when the server
// refuses one of them, and after 10 seconds.
func (s *Server) Ask(ctx context.Context, do func(ctx context.Context, streams nats.JetStreamContext) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.patience, errSilent)
	defer cancel()
	ctx, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	s.listen(refuse)
	defer s.listen(nil)
	err := do(ctx, s.streams)
	return s.explain(err, context.Cause(ctx))
}

func (s *Server) listen(refuse context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = refuse
}

// explain says of an error what to do about it; cause is why a call was given up, if it was.
func (s *Server) explain(err, cause error) error {
	var refused *refusal
	switch {
	case err == nil:
		return nil
	case errors.As(cause, &refused):
		return fmt.Errorf("%s: %w; grant this user to publish to %s, and to subscribe to _INBOX.>",
			s.host, refused.error, strings.Join(s.client.Needs, ", "))
	case errors.Is(cause, errSilent):
		return fmt.Errorf("%s: JetStream does not answer within %v; a cluster may have no leader: %w", s.host, s.patience, err)
	case errors.Is(err, nats.ErrJetStreamNotEnabledForAccount):
		return fmt.Errorf("%s: the account of this user has no JetStream; enable it there: %w", s.host, err)
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrJetStreamNotEnabled):
		return fmt.Errorf("%s: this server has no JetStream; start nats-server with -js: %w", s.host, err)
	}
	return err
}
