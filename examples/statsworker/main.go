package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // so that zones are known on every machine

	"github.com/assessplan/assessplan/examples/internal/command"
)

const name = "statsworker"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole command but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if err != nil {
		return command.End(name, err, stderr)
	}
	do := demonstrate
	switch s.mode() {
	case modeConsume:
		do = consume
	case modeReport:
		do = report
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.consume {
		log = slog.New(slog.NewJSONHandler(stderr, nil))
	}
	return command.End(name, do(ctx, s, stdout, log), stderr)
}

// report prints what a database says.
func report(ctx context.Context, s settings, stdout io.Writer, _ *slog.Logger) (err error) {
	if _, err := os.Stat(s.db); err != nil {
		return fmt.Errorf("--db: %w", err)
	}
	l, err := openLedger(ctx, s.db, s.zone)
	if err != nil {
		return fmt.Errorf("--db: %w", err)
	}
	defer func() { err = errors.Join(err, l.close()) }()
	t, refused, err := l.read(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "Weeks of %s. Messages that were refused: %d.\n%s", l.zone, refused, t)
	return err
}
