package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/examples/internal/command"
)

// settings are what main knows and the rest is told.
type settings struct {
	link   string                      // of the page that an entry leads to
	secret string                      // of the trigger
	keys   map[assessplan.OrgID]string // of the staff
	clock  assessplan.Clock            // nil is the machine's
	mail   mailer
	log    *slog.Logger
}

// newHost wires the library into the server.
func newHost(db *database, s settings) (*host, error) {
	entries, err := assessplan.NewURLEntryGenerator(s.link, nil)
	if err != nil {
		return nil, command.Misuse(fmt.Errorf("-link: %w", err))
	}
	events := newBus(s.log)
	service, err := assessplan.New(db.store, entries, &assessplan.Config{
		Clock: s.clock, Publisher: events, Logger: s.log,
		// A commit of the host's own transaction tells the relay nothing: it looks for itself.
		Relay: assessplan.RelayConfig{PollInterval: 250 * time.Millisecond},
	})
	if err != nil {
		return nil, err
	}
	h := &host{database: db, service: service, secret: s.secret, keys: s.keys, mail: s.mail, clock: s.clock, log: s.log}
	h.react(events)
	return h, nil
}

const (
	readTimeout  = 10 * time.Second                          // of a request with its body
	passTimeout  = 25 * time.Second                          // after which passes answer that there is more
	writeTimeout = readTimeout + passTimeout + 5*time.Second // counted from the end of the header, before the body
)

func newServer(routes http.Handler) *http.Server {
	return &http.Server{
		Handler: routes, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: 2 * time.Minute,
	}
}

// serve answers requests and relays events until ctx ends. It returns when the last request is answered and the relay has
// settled what it had in its hands, so that the database can be closed.
func (h *host) serve(ctx context.Context, listener net.Listener) error {
	routes, err := h.routes()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	relaying, stopRelay := context.WithCancel(context.WithoutCancel(ctx))
	relayed := make(chan error, 1)
	go func() { relayed <- h.service.Relay.Run(relaying) }()

	server := newServer(routes)
	stopped := make(chan error, 1)
	forget := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	err = server.Serve(listener)
	if errors.Is(err, http.ErrServerClosed) {
		err = <-stopped
	}
	forget()
	stopRelay()
	return errors.Join(err, <-relayed)
}
