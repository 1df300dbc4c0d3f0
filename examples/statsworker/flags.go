package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/assessplan/assessplan/examples/internal/command"
)

// settings are what the flags say.
type settings struct {
	consume, report, rebuild, keep bool
	nats, stream, db               string
	zone                           *time.Location // nil: for --report what the file says
	seed                           uint64
	testees                        int
}

const (
	modeDemo    = "the demonstration"
	modeConsume = "--consume"
	modeReport  = "--report"
)

// modes says which flags belong to what.
var modes = map[string][]string{
	"seed":    {modeDemo},
	"testees": {modeDemo},
	"keep":    {modeDemo},
	"nats":    {modeDemo, modeConsume},
	"zone":    {modeDemo, modeConsume},
	"stream":  {modeConsume},
	"rebuild": {modeConsume},
	"db":      {modeConsume, modeReport},
}

const maxTestees = 1000

// parse reads the flags and names every fault of what they say.
func parse(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("statsworker", flag.ContinueOnError)
	flags.BoolVar(&s.consume, "consume", false, "work until interrupted, on the events in a stream of NATS JetStream")
	flags.BoolVar(&s.report, "report", false, "print what a database says")
	flags.StringVar(&s.nats, "nats", "", "the `URL` of NATS, such as nats://127.0.0.1:4222; the demonstration needs none")
	flags.StringVar(&s.stream, "stream", "assessplan", "the `name` of the stream to consume")
	flags.StringVar(&s.db, "db", "", "the SQLite `file` of the statistics")
	flags.BoolVar(&s.rebuild, "rebuild", false, "empty the tables and begin at the beginning of the stream")
	zone := flags.String("zone", "UTC", "the IANA `zone` of the weeks")
	flags.Uint64Var(&s.seed, "seed", 1, "the `number` that the demonstration follows from")
	flags.IntVar(&s.testees, "testees", 48, fmt.Sprintf("how many testees it has, `1 to %d`", maxTestees))
	flags.BoolVar(&s.keep, "keep", false, "leave its stream on NATS")
	if err := command.Parse(flags, args, stderr); err != nil {
		return s, err
	}
	var given []string
	flags.Visit(func(f *flag.Flag) { given = append(given, f.Name) })
	return s, command.Misuse(errors.Join(s.faults(given, flags.Args(), *zone)...))
}

// mode is what the flags ask for.
func (s *settings) mode() string {
	switch {
	case s.consume:
		return modeConsume
	case s.report:
		return modeReport
	}
	return modeDemo
}

func (s *settings) faults(given, rest []string, zone string) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(rest) > 0 {
		fault("there is an argument that belongs to no flag: %q", rest[0])
	}
	if s.consume && s.report {
		fault("--consume and --report are two things: give one, and the other in another shell")
	}
	for _, name := range given {
		if in := modes[name]; in != nil && !slices.Contains(in, s.mode()) {
			fault("--%s belongs to %s, and not to %s", name, strings.Join(in, " or "), s.mode())
		}
	}
	if s.consume && s.nats == "" {
		fault("--nats is missing: give the URL of NATS, such as nats://127.0.0.1:4222")
	}
	if s.nats != "" && !isNATS(s.nats) {
		fault("--nats is no URL of NATS; want nats://HOST:PORT or tls://USER:PASSWORD@HOST:PORT") // and not what it is: it has a password
	}
	if (s.consume || s.report) && s.db == "" {
		fault("--db is missing: give the file of the statistics, such as stats.db")
	}
	if s.stream == "" || strings.ContainsAny(s.stream, " \t\r\n.*>/\\") {
		fault(`--stream is %q; want the name of a stream, which has no space and none of . * > / \`, s.stream)
	}
	if s.testees < 1 || s.testees > maxTestees {
		fault("--testees is %d; want 1 to %d", s.testees, maxTestees)
	}
	if s.keep && s.nats == "" {
		fault("--keep is of no use without --nats: what is in this process ends with it")
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		fault("--zone is %q; want an IANA name such as Europe/Berlin", zone)
	}
	if !s.report {
		s.zone = location
	}
	return faults
}

func isNATS(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "nats" || u.Scheme == "tls") && u.Hostname() != ""
}
