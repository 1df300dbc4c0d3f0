// Command quickstart walks a study through four months in a few seconds: it creates plans, enrolls a few hundred testees
// from a CSV file, opens their tasks when they are due, lets them answer (or not), expires the rest, pauses and resumes
// plans, and prints what happened. Nothing but Go is needed:
//
//	go run ./examples/quickstart
//
// README.md describes the study, its sources and the file formats.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
	_ "time/tzdata" // so that zones are known on every machine

	"github.com/assessplan/assessplan/examples/internal/command"
)

// The exit codes.
const (
	exitDone   = command.Done
	exitFailed = command.Failed
	exitUsage  = command.Misused // a flag or a file is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole command but for the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	began := time.Now()
	options, err := parseOptions(args, stderr)
	if err != nil {
		return command.End("quickstart", err, stderr)
	}
	input, err := load(options)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return exitUsage
	}
	outcome, err := simulate(ctx, options, input, newProgress(stderr, input.begin, input.end))
	if ctx.Err() != nil {
		_, _ = fmt.Fprintln(stderr, "quickstart: interrupted; a run on sqlite:FILE goes on when it is run again")
		return exitFailed
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "quickstart: %v\n", err)
		if errors.Is(err, errUsage) {
			return exitUsage
		}
		return exitFailed
	}
	write := outcome.writeText
	if options.json {
		write = outcome.writeJSON
	}
	if err := write(stdout, time.Since(began)); err != nil {
		_, _ = fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return exitFailed
	}
	return exitDone
}
