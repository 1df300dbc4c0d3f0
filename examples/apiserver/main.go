package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // so that zones are known on every machine

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/access"
	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/examples/internal/demo"
	"github.com/assessplan/assessplan/examples/internal/stores"
	"github.com/assessplan/assessplan/grpcapi"
	"github.com/assessplan/assessplan/httpapi"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(command.End("apiserver", err, os.Stderr))
}

// run is the whole command but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	authenticate, err := s.authenticate(log)
	if err != nil {
		return err
	}
	store, closeStore, err := stores.Open(ctx, s.store, log)
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	service, err := newService(store, s, log)
	if err != nil {
		return err
	}
	if err := demo.Seed(ctx, service.Manager, s.due, time.Now(), log); err != nil {
		return fmt.Errorf("--seed-due: %w", err)
	}
	handler, err := routes(service, authenticate, s, log)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("--addr: %w", err)
	}
	s.greet(stdout, listener.Addr())
	return serve(ctx, listener, newServer(handler, log), service.Relay, s)
}

// newService puts the library on a store. Without --no-relay the events go to the log.
func newService(store assessplan.Store, s settings, log *slog.Logger) (*assessplan.Service, error) {
	entries, err := assessplan.NewURLEntryGenerator(s.base, nil)
	if err != nil {
		return nil, command.Misuse(fmt.Errorf("--base-url: %w", err))
	}
	config := &assessplan.Config{Logger: log}
	if !s.noRelay {
		config.Publisher = demo.ToLog(log)
	}
	return assessplan.New(store, entries, config)
}

// routes are REST, gRPC and /healthz, told apart by path: no route of REST begins as the name of a gRPC service.
func routes(service *assessplan.Service, who access.Authenticate, s settings, log *slog.Logger) (http.Handler, error) {
	limit := access.NewLimiter(s.rate, 0)
	rest, err := httpapi.Handler(service, &httpapi.Config{Authenticate: who, Zone: s.zone, PassTimeout: passTimeout, Resolve: limit, Logger: log})
	if err != nil {
		return nil, err
	}
	rpc, err := grpcapi.Handler(service, &grpcapi.Config{Authenticate: who, PassTimeout: passTimeout, Resolve: limit, Logger: log})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/healthz":
			_, _ = io.WriteString(w, "ok\n")
		case strings.HasPrefix(r.URL.Path, "/assessplan.v1."), strings.HasPrefix(r.URL.Path, "/grpc."):
			rpc.ServeHTTP(w, r)
		default:
			rest.ServeHTTP(w, r)
		}
	}), nil
}

// serve answers and relays until ctx ends, then waits for the last answer, and after it for the relay to settle what it has in
// its hands, so that the store can be closed.
func serve(ctx context.Context, listener net.Listener, server *http.Server, relay *assessplan.Relay, s settings) error {
	relaying, stopRelay := context.WithCancel(context.WithoutCancel(ctx))
	relayed, stopped := make(chan error, 1), make(chan error, 1)
	go func() {
		if s.noRelay {
			relayed <- nil
			return
		}
		relayed <- relay.Run(relaying)
	}()
	forget := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
		defer cancel()
		stopped <- server.Shutdown(grace)
	})
	answer := server.Serve
	if s.cert != "" {
		answer = func(l net.Listener) error { return server.ServeTLS(l, s.cert, s.key) }
	}
	err := answer(listener)
	if errors.Is(err, http.ErrServerClosed) {
		err = <-stopped
	}
	forget()
	stopRelay()
	return errors.Join(err, <-relayed)
}
