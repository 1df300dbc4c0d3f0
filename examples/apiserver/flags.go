package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/examples/internal/demo"
	"github.com/assessplan/assessplan/examples/internal/stores"
)

// settings are what the flags say.
type settings struct {
	addr, store, tokens, base string
	cert, key                 string
	zone                      *time.Location
	rate                      float64
	due                       int
	demo, noRelay             bool
	token                     string // of the demo
}

// parse reads the flags and names every fault of what they say.
func parse(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("apiserver", flag.ContinueOnError)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8080", "the `address` to listen on")
	flags.StringVar(&s.store, "store", "memory", stores.Usage)
	flags.StringVar(&s.tokens, "tokens", "", "the `file` of bearer tokens; a line is TOKEN ORG|* PERMISSION,...")
	flags.StringVar(&s.base, "base-url", "", "the `URL` of the page that the entries lead to")
	flags.StringVar(&s.cert, "tls-cert", "", "a `file` with a certificate chain in PEM, to serve TLS")
	flags.StringVar(&s.key, "tls-key", "", "the `file` with its key")
	zone := flags.String("zone", "UTC", "the IANA `zone` of a before without an offset")
	flags.Float64Var(&s.rate, "resolve-rate", 0, "how many entries a client may resolve a second; 0 is the default of 10, -1 no limit")
	flags.IntVar(&s.due, "seed-due", 0, "make a plan of the org demo in which so many tasks are due")
	flags.BoolVar(&s.noRelay, "no-relay", false, "leave the events in the outbox, for a worker that publishes them; otherwise they go to the log")
	flags.BoolVar(&s.demo, "demo", false, "make a token that ends with the server, 3 due tasks, and say what to try")
	if err := command.Parse(flags, args, stderr); err != nil {
		return s, err
	}
	return s, command.Misuse(errors.Join(s.complete(flags.Args(), *zone)...))
}

func (s *settings) complete(rest []string, zone string) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(rest) > 0 {
		fault("there is an argument that belongs to no flag: %q", rest[0])
	}
	if s.demo && s.base == "" {
		s.base = "https://assess.example.org/fill"
	}
	if s.demo && s.due == 0 {
		s.due = 3
	}
	switch {
	case s.demo && s.tokens != "":
		fault("--demo makes a token of its own: leave out --tokens, or --demo")
	case !s.demo && s.tokens == "":
		fault("--tokens is missing; make a file with\n" +
			`  (umask 077; echo "$(openssl rand -base64 32) demo read,manage,schedule,submit,entries" >tokens)` +
			"\nand give --tokens tokens, or try --demo")
	}
	if s.base == "" {
		fault("--base-url is missing; give the page that fills in a scale, such as https://assess.example.org/fill")
	}
	if (s.cert == "") != (s.key == "") {
		fault("--tls-cert and --tls-key go together; give both, or none to serve without TLS")
	}
	if err := command.CheckAddress(s.addr); err != nil {
		fault("--addr: %w", err)
	}
	if s.due < 0 || s.due > demo.MaxDue {
		fault("--seed-due is %d; want 0 to %d", s.due, demo.MaxDue)
	}
	if s.rate < 0 && s.rate != -1 || math.IsNaN(s.rate) || math.IsInf(s.rate, 0) {
		fault("--resolve-rate is %v; want a number of entries a second, or -1 for no limit", s.rate)
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		fault("--zone is %q; want an IANA name such as Europe/Berlin", zone)
	}
	s.zone = location
	return faults
}
