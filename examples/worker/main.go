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
	"sync"
	"syscall"
	"time"
	_ "time/tzdata" // so that zones are known on every machine

	"github.com/assessplan/assessplan"
	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/examples/internal/demo"
	"github.com/assessplan/assessplan/examples/internal/stores"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(command.End("worker", err, os.Stderr))
}

// run is the whole command but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	s, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	store, closeStore, err := stores.Open(ctx, s.store, log)
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	publisher, closePublisher, err := s.publisher(ctx, log)
	if err != nil {
		return fmt.Errorf("--broker: %w", err)
	}
	defer func() { err = errors.Join(err, closePublisher()) }()
	return work(ctx, s, store, publisher, stdout, log)
}

// work wires the worker and runs it. Its pages are there until it has ended: while it stops somebody may want to know how it
// stands.
func work(ctx context.Context, s settings, store assessplan.Store, publisher assessplan.EventPublisher, stdout io.Writer, log *slog.Logger) (err error) {
	telemetry, metrics, err := measure()
	if err != nil {
		return err
	}
	watch, err := watch(log)
	if err != nil {
		return err
	}
	service, err := newService(ctx, s, store, &assessplan.Config{
		Publisher: publisher, Observer: assessplan.Observers(telemetry, watch), ReportLimit: -1, Logger: log,
	})
	if err != nil {
		return err
	}
	worker, err := cronworker.New(service, &cronworker.Config{
		Schedule: s.specs[cronworker.Schedule], Expire: s.specs[cronworker.Expire], Zone: s.zone, Jitter: s.jitter, Logger: log,
	})
	if err != nil {
		return err
	}
	pages := http.NewServeMux()
	pages.Handle("/metrics", metrics)
	pages.Handle("/healthz", &health{timetables: s.timetables, jitter: s.jitter, started: time.Now(), now: time.Now,
		status: worker.Status, standing: watch.Standing})
	address, closePages, err := serve(ctx, s.metrics, pages, log)
	if err != nil {
		return fmt.Errorf("--metrics: %w", err)
	}
	defer func() { err = errors.Join(err, closePages()) }()
	s.greet(stdout, address)
	var watching sync.WaitGroup
	watching.Go(func() { watch.Run(ctx) })
	defer watching.Wait()
	return worker.Run(ctx)
}

// newService puts the library on a store, with something to do for --demo.
func newService(ctx context.Context, s settings, store assessplan.Store, config *assessplan.Config) (*assessplan.Service, error) {
	entries, err := assessplan.NewURLEntryGenerator(s.base, nil)
	if err != nil {
		return nil, command.Misuse(fmt.Errorf("--base-url: %w", err))
	}
	service, err := assessplan.New(store, entries, config)
	if err != nil || !s.demo {
		return service, err
	}
	return service, demo.Seed(ctx, service.Manager, 3, time.Now(), config.Logger)
}

// serve answers until closePages is called.
func serve(ctx context.Context, address string, pages http.Handler, log *slog.Logger) (net.Addr, func() error, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{
		Handler: pages, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	return listener.Addr(), func() error {
		err := server.Close()
		if failed := <-served; !errors.Is(failed, http.ErrServerClosed) {
			err = errors.Join(err, failed)
		}
		return err
	}, nil
}

const tries = `
  curl http://%[1]s/metrics
  curl http://%[1]s/healthz

Three tasks were due and are opened now; their events are in the log, by type and ID. Interrupt it to end it.
`

// greet says where the pages are and, with --demo, what to try.
func (s *settings) greet(out io.Writer, address net.Addr) {
	_, _ = fmt.Fprintf(out, "metrics at http://%s/metrics\n", command.Reachable(address))
	if s.demo {
		_, _ = fmt.Fprintf(out, tries, command.Reachable(address))
	}
}
