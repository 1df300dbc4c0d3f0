package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/assessplan/assessplan/cronworker"
	"github.com/assessplan/assessplan/examples/internal/command"
	"github.com/assessplan/assessplan/examples/internal/stores"
)

// settings are what the flags say.
type settings struct {
	store, base, broker, stream, metrics string
	specs                                map[cronworker.Job]string
	timetables                           map[cronworker.Job]*cronworker.Timetable // of those that are not off
	zone                                 *time.Location
	jitter                               time.Duration
	demo                                 bool
}

// What --broker may say that is no URL.
const (
	brokerNone = "none"
	brokerLog  = "log"
)

// parse reads the flags and names every fault of what they say.
func parse(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.StringVar(&s.store, "store", "memory", stores.Usage)
	flags.StringVar(&s.base, "base-url", "", "the `URL` of the page that the entries lead to")
	flags.StringVar(&s.broker, "broker", brokerNone, "the `broker`: nats://HOST:PORT, amqp://USER:PASSWORD@HOST:PORT/, log, or none")
	flags.StringVar(&s.stream, "stream", "assessplan", "the `name` of the stream or exchange, with which topics begin as well")
	flags.StringVar(&s.metrics, "metrics", "127.0.0.1:9464", "the `address` of /metrics and /healthz")
	schedule := flags.String("schedule", cronworker.DefaultSchedule, "when to open what is due: a `timetable` of five fields, @every 5m, or off")
	expire := flags.String("expire", cronworker.DefaultExpire, "when to expire what is over, likewise: a `timetable`")
	zone := flags.String("zone", "UTC", "the IANA `zone` of the timetables")
	flags.DurationVar(&s.jitter, "jitter", 0, "how long after its time a run may begin, so that workers do not all begin at once")
	flags.BoolVar(&s.demo, "demo", false, "in memory: make 3 due tasks, events go to the log, and say what to try")
	if err := command.Parse(flags, args, stderr); err != nil {
		return s, err
	}
	s.specs = map[cronworker.Job]string{cronworker.Schedule: *schedule, cronworker.Expire: *expire}
	return s, command.Misuse(errors.Join(s.complete(flags.Args(), *zone)...))
}

func (s *settings) complete(rest []string, zone string) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(rest) > 0 {
		fault("there is an argument that belongs to no flag: %q", rest[0])
	}
	if s.demo {
		if s.store != "memory" || s.broker != brokerNone {
			fault("--demo is in memory, with its events in the log: leave out --store and --broker, or --demo")
		}
		s.broker = brokerLog
	}
	if !s.demo && s.store == "memory" {
		fault("--store memory has nothing to do without --demo: give the database of whoever serves the API, such as sqlite:plans.db or " +
			"postgres://USER:PASSWORD@HOST:PORT/DATABASE, or try --demo")
	}
	if s.demo && s.base == "" {
		s.base = "https://assess.example.org/fill"
	}
	if s.base == "" {
		fault("--base-url is missing; give the page that fills in a scale, such as https://assess.example.org/fill")
	}
	if s.broker != brokerNone && s.broker != brokerLog && s.connect() == nil {
		fault("--broker is no broker; want nats://HOST:PORT, amqp://USER:PASSWORD@HOST:PORT/, log or none") // and not what it is: it has a password
	}
	if s.stream == "" || strings.ContainsAny(s.stream, " \t\r\n.*#>/\\") {
		fault(`--stream is %q; want a name that has no space and none of . * # > / \`, s.stream)
	}
	if err := command.CheckAddress(s.metrics); err != nil {
		fault("--metrics: %w", err)
	}
	if s.jitter < 0 {
		fault("--jitter is %v; want 0 or more", s.jitter)
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		fault("--zone is %q; want an IANA name such as Europe/Berlin", zone)
		location = time.UTC
	}
	s.zone, s.timetables = location, map[cronworker.Job]*cronworker.Timetable{}
	for job, spec := range s.specs {
		if spec == cronworker.Off {
			continue
		}
		if s.timetables[job], err = cronworker.Parse(spec, location); err != nil {
			fault("--%s: %w", job, err)
		}
	}
	if len(s.timetables) == 0 && s.broker == brokerNone {
		fault("--schedule and --expire are off and --broker is none: the worker would do nothing")
	}
	return faults
}

// connect is how to get to the broker that --broker names, if it is a URL of one.
func (s *settings) connect() connector {
	u, err := url.Parse(s.broker)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	return connectors[u.Scheme]
}
